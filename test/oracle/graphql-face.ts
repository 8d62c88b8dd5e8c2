import type { Message } from './expectation.ts';
import type { WrittenDocument } from './graphql-document.ts';
import type { GraphqlListQuery } from './graphql-query.ts';
import type { Image, Schema } from './rights.ts';
import type { ReceivedEvent } from './transport.ts';

/** A subscription as GraphQL has it: its document, and what that asks for. */
export interface GraphqlOperation extends WrittenDocument {
  readonly schema: Schema;
  /** What the client calls the one root field. */
  readonly root: string;
  /** What is selected, in the order of the document: names of fields by what the client calls them. */
  readonly selection: ReadonlyMap<string, string>;
  /** A list of the same rows, with the same of them. */
  readonly list: GraphqlListQuery;
}

/** What only events have. */
const EVENT_FIELDS: ReadonlySet<string> = new Set(['_event', '_eventId', '_changed']);
/** The type of an event is not that of its row. */
const NOT_OF_ROWS: ReadonlySet<string> = new Set([...EVENT_FIELDS, '__typename']);

/** The type of what a subscription to a schema is told. */
export function eventTypeOf({ slug }: Schema): string {
  return `${typeOf(slug)}Event`;
}

/** The type of a schema's filters. */
export function filterTypeOf({ slug }: Schema): string {
  return `${typeOf(slug)}Filter`;
}

/** The field of `Subscription` that tells the changes of a schema. */
export function eventsFieldOf({ slug }: Schema): string {
  const [first = '', ...others] = wordsOf(slug);
  return `${first}${others.map(capital).join('')}Events`;
}

function typeOf(slug: string): string {
  return wordsOf(slug).map(capital).join('');
}

function wordsOf(slug: string): string[] {
  return slug.split(/[^a-z0-9]+/i).filter((word) => word !== '');
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** What a subscription is told, where a follower of topics is told `message` under `id`. */
export function graphqlMessageOf(operation: GraphqlOperation, message: Message, id: string): Message {
  const { root, selection, schema } = operation;
  const { data, mayRead = new Set() } = message;
  const image = data['object'] as Image | undefined;
  const members = emptyObject();
  const errors = emptyObject();
  for (const [key, name] of selection) {
    if (EVENT_FIELDS.has(name)) members[key] = aboutEvent(message, name, id);
    else if (name === '_uuid') members[key] = data['uuid'];
    else if (name === '__typename') members[key] = eventTypeOf(schema);
    else members[key] = image === undefined ? null : valueOf(image, name);
    if (image === undefined || !schema.properties.has(name) || mayRead.has(name)) continue;
    const path = [root, key];
    const extensions = { code: 'FIELD_FORBIDDEN' };
    errors[JSON.stringify(path)] = { message: `You may not read '${key}'`, path, extensions };
  }
  const result = emptyObject();
  result[root] = members;
  return {
    name: 'next',
    data: Object.keys(errors).length === 0 ? { data: result } : { data: result, errors },
  };
}

function aboutEvent(message: Message, name: string, id: string): unknown {
  const transition = transitionOf(message);
  if (name === '_eventId') return id;
  if (name === '_event') return transition;
  if (transition !== 'UPDATED') return null;
  return countsOf(Object.keys(message.data['changed'] as object));
}

function transitionOf({ name, data }: Message): string {
  if (name === 'object.created') return 'CREATED';
  if (name === 'object.deleted') return data['transition'] === 'left' ? 'REMOVED' : 'DELETED';
  return data['transition'] === 'entered' ? 'ENTERED' : 'UPDATED';
}

/**
 * What came, with lists in which the order means nothing, of errors and of names of changed fields, as objects. The event's
 * id, if it is told beside the result, is the one that the event came under.
 */
export function graphqlTold(
  { root, selection }: GraphqlOperation,
  { id, name, text }: ReceivedEvent,
): Message {
  const { errors, extensions, ...body } = JSON.parse(text) as GraphqlBody;
  const told = body.data?.[root];
  if (told !== undefined && told !== null) {
    for (const [key, field] of selection) {
      const names = Object.hasOwn(told, key) ? told[key] : undefined;
      if (field === '_changed' && Array.isArray(names)) told[key] = countsOf(names as string[]);
    }
  }
  const isKnown =
    extensions === undefined || (extensions['eventId'] === id && Object.keys(extensions).length === 1);
  return {
    name,
    data: {
      ...body,
      ...(errors === undefined ? {} : { errors: byPath(errors) }),
      ...(isKnown ? {} : { extensions }),
    },
  };
}

/** Whether the members of a result stand in the order in which they were asked for. */
export function isInOrder({ root, selection }: GraphqlOperation, { text }: ReceivedEvent): boolean {
  const told = (JSON.parse(text) as GraphqlBody).data?.[root] ?? {};
  return Object.keys(told).join() === [...selection.keys()].join();
}

interface GraphqlBody {
  readonly data?: Readonly<Record<string, Record<string, unknown> | null>> | null;
  readonly errors?: readonly { readonly path?: readonly string[] }[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** A path that is named twice is there twice. */
function byPath(errors: NonNullable<GraphqlBody['errors']>): Record<string, unknown> {
  const found = emptyObject();
  for (const [index, error] of errors.entries()) {
    const key = JSON.stringify(error.path);
    found[Object.hasOwn(found, key) ? `${index} ${key}` : key] = error;
  }
  return found;
}

function countsOf(names: readonly string[]): Record<string, unknown> {
  const counts = emptyObject();
  for (const name of names) counts[name] = Number(counts[name] ?? 0) + 1;
  return counts;
}

/** Whether a client can tell from what it selects which row an event is about, and whether it still has it. */
export function tellsRows({ selection }: GraphqlOperation): boolean {
  const names = new Set(selection.values());
  return names.has('_uuid') && names.has('_event');
}

/** A row as a client has it that selects this of it. */
export function selectedRowOf({ selection }: GraphqlOperation, seen: Image): Image {
  const row = emptyObject();
  for (const [key, name] of selection) if (!NOT_OF_ROWS.has(name)) row[key] = valueOf(seen, name);
  return row;
}

/** The same of what a list, or an event, tells under the names that the client has given. */
export function rowUnderKeys({ selection }: GraphqlOperation, told: Image): Image {
  const row = emptyObject();
  for (const [key, name] of selection) if (!NOT_OF_ROWS.has(name)) row[key] = told[key];
  return row;
}

/** What an event says of a row: its id, and the row, where it is still there. */
export function rowToldBy(
  operation: GraphqlOperation,
  text: string,
): { readonly uuid: string; readonly object: Image | undefined } {
  const { root, selection } = operation;
  const told = (JSON.parse(text) as GraphqlBody).data?.[root] ?? {};
  const keys = [...selection];
  const find = (wanted: string): unknown => told[keys.find(([, name]) => name === wanted)?.[0] ?? ''];
  const event = find('_event');
  const isGone = event === 'REMOVED' || event === 'DELETED';
  return { uuid: String(find('_uuid')), object: isGone ? undefined : rowUnderKeys(operation, told) };
}

function valueOf(row: Image, name: string): unknown {
  return Object.hasOwn(row, name) ? (row[name] ?? null) : null;
}

/** A name that a client chose may be one that every other object has. */
function emptyObject(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}
