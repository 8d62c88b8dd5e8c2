import { mayReadRow, projected, readableProperties } from './evaluator.ts';
import type { Question } from './evaluator.ts';
import type { WrittenDocument } from './graphql-document.ts';
import { eventsFieldOf, eventTypeOf } from './graphql-face.ts';
import type { Image, Schema } from './rights.ts';

/** What is selected of a row: names of fields by what the client calls them, and of the row that it refers to. */
export interface Selection {
  readonly fields: ReadonlyMap<string, string>;
  readonly related: { readonly key: string; readonly fields: ReadonlyMap<string, string> } | undefined;
}

/** A list as GraphQL has it: its document, and what that asks for. */
export interface GraphqlListQuery extends WrittenDocument {
  readonly schema: Schema;
  /** What the client calls the list. */
  readonly root: string;
  readonly shape: 'nodes' | 'edges';
  readonly selection: Selection;
}

/** Rows one by one, in one document: what the client calls each, and its id. */
export interface GraphqlObjectsQuery extends WrittenDocument {
  readonly schema: Schema;
  readonly roots: ReadonlyMap<string, string>;
  readonly selection: Selection;
}

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string };
}

/** An answer to a query. */
export interface GraphqlAnswer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly GraphqlError[];
  readonly extensions?: { readonly errorsLeftOut?: number };
}

/** What we call a row's id in every document: nobody else calls anything so. */
export const ROW_KEY = 'rowId';
/** The property that names another row of the schema, and the field that leads there. */
const RELATION = { property: 'parent', field: 'parentObject' } as const;

export function listFieldOf(schema: Schema): string {
  return eventsFieldOf(schema).replace(/Events$/, '');
}

/** The world's slugs are no plurals: their ends are numbers. */
export function singleFieldOf(schema: Schema): string {
  return `${listFieldOf(schema)}ById`;
}

export function objectTypeOf(schema: Schema): string {
  return eventTypeOf(schema).replace(/Event$/, '');
}

/** What of a selection rows have too, and not events only. */
export function fieldsOf({ properties }: Schema, selection: ReadonlyMap<string, string>): [string, string][] {
  return [...selection].filter(
    ([, name]) =>
      properties.has(name) || (name.startsWith('_') && !name.startsWith('_event') && name !== '_changed'),
  );
}

/** The place of the errors about a row in an answer. */
export type RowPath = readonly (string | number)[];

/** A row that was told, with the errors about it, as {@link expectedRow} has it. */
export function toldRow(
  node: Readonly<Record<string, unknown>>,
  { related }: Selection,
  { errors = [] }: Pick<GraphqlAnswer, 'errors'>,
  path: RowPath,
): Image {
  const { [related?.key ?? '']: other, ...fields } = node;
  const place = JSON.stringify(path).slice(0, -1);
  const forbidden = errors
    .filter((error) => JSON.stringify(error.path).startsWith(`${place},`))
    .map(({ message, path: full = [], extensions }) => [
      full.slice(path.length).join('/'),
      `${extensions.code} ${message}`,
    ]);
  return {
    id: node[ROW_KEY],
    fields,
    forbidden: Object.fromEntries(forbidden) as unknown,
    ...(related === undefined ? {} : { related: other }),
  };
}

/** A row as somebody has to be told who may read it. `rows`: all that there are. */
export function expectedRow(
  question: Question,
  image: Image,
  { fields, related }: Selection,
  rows: ReadonlyMap<string, { readonly schema: Schema; readonly image: Image }>,
): Image {
  const own = partOf(question, image, fields, '');
  if (related === undefined) return { id: image['_uuid'], ...own };
  const { key } = related;
  if (!readableProperties(question, image).has(RELATION.property)) {
    const forbidden = { ...own.forbidden, [key]: forbiddenOf(key) };
    return { id: image['_uuid'], ...own, forbidden, related: null };
  }
  const target = rows.get(String(image[RELATION.property]));
  if (target?.schema.id !== question.schema.id || !mayReadRow(question, target.image)) {
    return { id: image['_uuid'], ...own, related: null };
  }
  const other = partOf(question, target.image, related.fields, `${key}/`);
  const forbidden = { ...own.forbidden, ...other.forbidden };
  return { id: image['_uuid'], ...own, forbidden, related: other.fields };
}

/** What a writer is told of a row that it may not read: which one it is, and its version. */
export function expectedUnread(image: Image, { fields }: Selection): Image {
  const told = new Set(['_uuid', '_version', '_schema', '_register', '__typename']);
  const hidden = [...fields].filter(([, name]) => !told.has(name));
  return {
    id: image['_uuid'],
    fields: Object.fromEntries([...fields].map(([key, name]) => [key, told.has(name) ? image[name] : null])),
    forbidden: Object.fromEntries(hidden.map(([key]) => [key, forbiddenOf(key)])),
  };
}

interface Part {
  readonly fields: Image;
  readonly forbidden: Readonly<Record<string, string>>;
}

function partOf(question: Question, image: Image, selected: ReadonlyMap<string, string>, path: string): Part {
  const { schema } = question;
  const seen = projected(question, image) ?? {};
  const readable = readableProperties(question, image);
  const forbidden = [...selected].filter(([, name]) => schema.properties.has(name) && !readable.has(name));
  const valueOf = (name: string): unknown => {
    if (name === '__typename') return objectTypeOf(schema);
    return Object.hasOwn(seen, name) ? (seen[name] ?? null) : null;
  };
  return {
    fields: Object.fromEntries([...selected].map(([key, name]) => [key, valueOf(name)])),
    forbidden: Object.fromEntries(forbidden.map(([key]) => [`${path}${key}`, forbiddenOf(key)])),
  };
}

/**
 * Rows that were told, where some errors about fields were left out because they are too many: as if all of them were told,
 * when so many are missing and all others have to be there.
 */
export function withErrorsLeftOut(
  told: ReadonlyMap<string, Image>,
  expected: ReadonlyMap<string, Image>,
  leftOut: number,
): ReadonlyMap<string, Image> {
  if (leftOut === 0) return told;
  const count = (rows: ReadonlyMap<string, Image>): number =>
    rows.values().reduce((sum, { forbidden }) => sum + Object.keys(forbidden as object).length, 0);
  if (count(expected) !== count(told) + leftOut) return told;
  return new Map(
    [...told].map(([id, row]) => {
      const all = (expected.get(id)?.['forbidden'] ?? {}) as Readonly<Record<string, unknown>>;
      const some = Object.entries(row['forbidden'] as object);
      const isPart = some.every(([key, error]) => Object.hasOwn(all, key) && all[key] === error);
      return [id, isPart ? { ...row, forbidden: all } : row];
    }),
  );
}

function forbiddenOf(key: string): string {
  return `FIELD_FORBIDDEN You may not read '${key}'`;
}
