import { knowsActor } from './evaluator.ts';
import type { Message, Viewer } from './expectation.ts';
import type { FilterTerm } from './filter.ts';
import type { Change } from './history.ts';
import type { OrderTerm } from './lists.ts';
import type { Model } from './model.ts';
import type { Image, Rights, Schema } from './rights.ts';

const OPERATORS: Readonly<Record<string, string>> = {
  'eq': 'equals',
  'ne': 'notEquals',
  'gt': 'greaterThan',
  'gte': 'gte',
  'lt': 'lt',
  'lte': 'lessThanOrEqual',
  'in': 'in',
  'nin': 'notIn',
  'like': 'contains',
  '^': 'startsWith',
  '$': 'endsWith',
};

/** Conditions that the tables face can say: it shows no system members but its own. */
export function tableTerms(filter: readonly FilterTerm[]): FilterTerm[] {
  return filter.filter(({ field }) => !field.startsWith('_'));
}

/** A filter in the words of the tables face: one condition as text, several as JSON. */
export function tableFilter(schema: Schema, filter: readonly FilterTerm[]): string {
  const terms = filter.map((term) => tableTerm(schema, term));
  const [only, ...others] = terms;
  if (only === undefined) return '';
  if (others.length > 0) return JSON.stringify({ and: terms });
  const { field, operator, value } = only;
  if (value === undefined) return `${field}:${operator}`;
  return `${field}:${operator}:${typeof value === 'string' ? value : JSON.stringify(value)}`;
}

interface TableTerm {
  readonly field: string;
  readonly operator: string;
  readonly value?: string | readonly string[];
}

function tableTerm(schema: Schema, { field, operator, values }: FilterTerm): TableTerm {
  const [text = ''] = values;
  const isTrue = text === 'true';
  switch (operator) {
    case 'exists':
      return { field, operator: isTrue ? 'isNotNull' : 'isNull' };
    case 'null':
      return { field, operator: isTrue ? 'isNull' : 'isNotNull' };
    case 'empty':
      return { field, operator: isTrue ? 'isEmpty' : 'isNotEmpty' };
    case 'in':
    case 'nin':
      return { field, operator: OPERATORS[operator] ?? operator, value: values };
  }
  const isList = schema.properties.get(field) === 'list';
  return { field, operator: isList ? 'contains' : (OPERATORS[operator] ?? operator), value: text };
}

/** What is sorted by, in the words of the tables face. */
export function sortText(order: readonly OrderTerm[]): string {
  return order.map(({ field, descending }) => `${field}:${descending ? 'desc' : 'asc'}`).join(',');
}

/** What records have beside their fields, as the log calls it. */
const OWN_MEMBERS: ReadonlyMap<string, string> = new Map([
  ['createdAt', '_created'],
  ['updatedAt', '_updated'],
]);

/** The place of a record in an order: the values that it is sorted by, null where they may not be read. */
function sortKeyOf(readable: Image, order: readonly OrderTerm[]): unknown[] {
  return order.map(({ field }) => {
    const name = OWN_MEMBERS.get(field) ?? field;
    return Object.hasOwn(readable, name) ? (readable[name] ?? null) : null;
  });
}

/** What a follower of the table is told, where a follower of topics is told `message`. */
export function tableMessageOf(
  change: Change,
  message: Message,
  order: readonly OrderTerm[] | undefined,
): Message {
  const { name, data, old, readable = {} } = message;
  const named = data['transition'] as string | undefined;
  const isDeleted = name === 'object.deleted';
  const transition = name === 'object.created' ? 'created' : (named ?? (isDeleted ? 'deleted' : 'updated'));
  const id = change.uuid;
  const record = data['object'] as Image | undefined;
  return {
    name: 'change',
    data: {
      type: 'change',
      event: record === undefined ? 'delete' : transition === 'updated' ? 'update' : 'insert',
      table: change.schema.table,
      recordId: id,
      transition,
      ...(record === undefined ? {} : { record: { ...tableRowOf(record), id } }),
      ...(transition === 'updated' ? { oldRecord: { id, fields: old ?? {} } } : {}),
      timestamp: change.time,
      ...(record === undefined || order === undefined ? {} : { sortKey: sortKeyOf(readable, order) }),
    },
  };
}

/** A row as a follower of its table has it, in whichever words it was seen. */
export function tableRowOf(seen: Image): Image {
  return {
    id: seen['id'],
    fields: seen['fields'] ?? fieldsOf(seen),
    createdAt: seen['createdAt'] ?? seen['_created'],
    updatedAt: seen['updatedAt'] ?? seen['_updated'],
  };
}

/** A row as a list of records has it. */
export function tableRecordOf({ asker }: Viewer, rights: Rights, model: Model, row: ListedRow): Image {
  const { schema, seen } = row;
  const question = { rights, asker, schema, now: Date.now() };
  const writers = model.writers.get(String(seen['id']));
  const told = (actor: Change['actor'] | undefined, name: string): Image =>
    actor === null || actor === undefined || !knowsActor(question, actor.organisation)
      ? {}
      : { [name]: { id: actor.id, name: actor.name } };
  return {
    ...tableRowOf(seen),
    ...told(writers?.created, 'createdBy'),
    ...told(writers?.updated, 'updatedBy'),
  };
}

export interface ListedRow {
  readonly schema: Schema;
  readonly seen: Image;
}

function fieldsOf(row: Image): Image {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'id' && !name.startsWith('_')));
}
