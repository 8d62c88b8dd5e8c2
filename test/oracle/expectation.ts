import { insideTopic, knowsActor, projected, readableProperties } from './evaluator.ts';
import { meetsFilter } from './filter.ts';
import type { FilterTerm } from './filter.ts';
import type { GraphqlOperation } from './graphql-face.ts';
import type { Change } from './history.ts';
import type { OrderTerm } from './lists.ts';
import type { Asker, Image, Rights, Schema } from './rights.ts';

/** What a subscriber asked for. */
export interface Interest {
  readonly topics: readonly string[];
  /** The table that is followed instead, in its own words; its topic is the only one then. */
  readonly table?: Schema | undefined;
  /** What GraphQL selects of a schema, whose topic is the only one then. */
  readonly graphql?: GraphqlOperation | undefined;
  readonly filter: readonly FilterTerm[];
  /** The terms of one of these have to hold as well; only GraphQL can say so. Absent: nothing more has to. */
  readonly alternatives?: readonly (readonly FilterTerm[])[] | undefined;
  /** What the table's records are sorted by; absent: nothing. */
  readonly order?: readonly OrderTerm[] | undefined;
  /** Properties to be told; undefined: all. */
  readonly fields: ReadonlySet<string> | undefined;
  /** `object.created` … ; undefined: all. */
  readonly events: ReadonlySet<string> | undefined;
}

export interface Viewer {
  readonly asker: Asker;
  readonly interest: Interest;
  /** When it looks, for rules on the time; absent: now. */
  readonly now?: number;
}

/** The name and the `data` of an event. */
export interface Message {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** What may be read of the row before an update, for those who are told that. */
  readonly old?: Image;
  /** What may be read of the row after the change, whatever of it was asked for. */
  readonly readable?: Image;
  /** Names of the properties that may be read of it, whether it has them or not. */
  readonly mayRead?: ReadonlySet<string>;
}

/** A row as a subscriber has it; undefined: it has not. The filter sees what the reader sees, whatever fields it wants. */
export function rowInView(viewer: Viewer, rights: Rights, schema: Schema, row: Image): Image | undefined {
  const { asker, interest } = viewer;
  const question = { rights, asker, schema, now: momentOf(viewer) };
  if (!interest.topics.some((topic) => insideTopic(topic, schema, row))) return undefined;
  const seen = projected(question, row);
  if (seen === undefined || !meetsInterest(schema, interest, seen)) return undefined;
  const { fields } = interest;
  if (fields === undefined) return seen;
  return Object.fromEntries(
    Object.entries(seen).filter(([name]) => !schema.properties.has(name) || fields.has(name)),
  );
}

function meetsInterest(schema: Schema, { filter, alternatives }: Interest, seen: Image): boolean {
  if (!meetsFilter(schema, filter, seen)) return false;
  return alternatives?.some((one) => meetsFilter(schema, one, seen)) ?? true;
}

function momentOf({ now = Date.now() }: Viewer): number {
  return now;
}

/** Whether a row can be seen now, or could be since it was written: time hides rows without a word. */
function sightOf(viewer: Viewer, rights: Rights, schema: Schema, row: Image | null): Sight['wasSeen'] {
  if (row === null) return 'never';
  if (rowInView(viewer, rights, schema, row) !== undefined) return 'now';
  const written = Date.parse(String(row['_updated']));
  const isTold = rowHasTurned(schema, row, written, momentOf(viewer));
  return isTold && rowInView({ ...viewer, now: written }, rights, schema, row) !== undefined
    ? 'once'
    : 'never';
}

/** Whether an instant of the row lies between two moments: rules on the time may say something else after it. */
export function rowHasTurned(schema: Schema, row: Image, from: number, to: number): boolean {
  return schema.properties.entries().some(([name, kind]) => {
    if (kind !== 'instant' || !Object.hasOwn(row, name)) return false;
    const instant = Date.parse(String(row[name]));
    return instant >= from && instant <= to;
  });
}

/** What a subscriber is told of a change as it happens. `within`: only these properties, for a past that is told later. */
export function messageOf(
  viewer: Viewer,
  rights: Rights,
  change: Change,
  within?: ReadonlySet<string>,
): Message | undefined {
  const { before, after, schema } = change;
  const wasSeen = sightOf(viewer, rights, schema, before);
  const seen = after === null ? undefined : rowInView(viewer, rights, schema, after);
  const told = tell(viewer, rights, change, { wasSeen, seen, within });
  return told !== undefined && viewer.interest.events?.has(told.name) === false ? undefined : told;
}

interface Sight {
  readonly wasSeen: 'now' | 'once' | 'never';
  readonly seen: Image | undefined;
  readonly within: ReadonlySet<string> | undefined;
}

function tell(
  viewer: Viewer,
  rights: Rights,
  change: Change,
  { wasSeen, seen, within }: Sight,
): Message | undefined {
  const { schema, uuid, version, before, after, actor } = change;
  const question = { rights, asker: viewer.asker, schema, now: momentOf(viewer) };
  const identity = { uuid, register: schema.register, schema: schema.slug };
  const author =
    actor !== null && knowsActor(question, actor.organisation)
      ? { actor: { id: actor.id, name: actor.name } }
      : {};
  if (seen === undefined) {
    if (wasSeen === 'never') return undefined;
    if (change.action === 'deleted')
      return { name: 'object.deleted', data: { ...identity, version, ...author } };
    return { name: 'object.deleted', data: { ...identity, transition: 'left' } };
  }
  const object = Object.fromEntries(
    Object.entries(seen).filter(([name]) => !schema.properties.has(name) || within?.has(name) !== false),
  );
  const data = { ...identity, organisation: after?.['_organisation'], version, ...author, object };
  const all = after === null ? {} : (projected(question, after) ?? {});
  const readable = Object.fromEntries(
    Object.entries(all).filter(([name]) => !schema.properties.has(name) || within?.has(name) !== false),
  );
  const mayRead = new Set(
    after === null
      ? []
      : [...readableProperties(question, after)].filter((name) => within?.has(name) !== false),
  );
  const seenAfter = { readable, mayRead };
  if (change.action === 'created') return { name: 'object.created', data, ...seenAfter };
  if (wasSeen !== 'now' || before === null || after === null) {
    return { name: 'object.updated', data: { ...data, transition: 'entered' }, ...seenAfter };
  }
  const both = [readableProperties(question, before), readableProperties(question, after)];
  const wanted = viewer.interest.fields;
  const changed: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  const oldFields: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const name of schema.properties.keys()) {
    const shown = both.every((names) => names.has(name)) && within?.has(name) !== false;
    const [old, now] = [own(before, name), own(after, name)];
    if (!shown || wanted?.has(name) === false) continue;
    if (Object.hasOwn(before, name)) oldFields[name] = before[name];
    if (sameJson(old, now)) continue;
    changed[name] = { old, new: now };
  }
  return { name: 'object.updated', data: { ...data, changed }, old: oldFields, ...seenAfter };
}

/**
 * What a subscriber that comes back may be told of a past change, when the newest change up to the cut is the last of
 * `row`, its changes after the cursor: images only while the newest one may be seen, with what may be read on both;
 * otherwise the first departure only, and only if the row was in view at the cursor.
 */
export function replayedMessageOf(
  viewer: Viewer,
  rights: Rights,
  change: Change,
  row: readonly Change[],
): Message | undefined {
  const newest = row.at(-1)?.after ?? null;
  if (newest !== null && rowInView(viewer, rights, change.schema, newest) !== undefined) {
    const question = { rights, asker: viewer.asker, schema: change.schema, now: momentOf(viewer) };
    return messageOf(viewer, rights, change, readableProperties(question, newest));
  }
  const atCursor = row[0]?.before ?? null;
  if (sightOf(viewer, rights, change.schema, atCursor) === 'never') return undefined;
  const departure = row.find((one) => isDeparture(messageOf(viewer, rights, one)));
  return departure === change ? messageOf(viewer, rights, change) : undefined;
}

function isDeparture(message: Message | undefined): boolean {
  return message?.name === 'object.deleted';
}

function own(row: Image, name: string): unknown {
  return Object.hasOwn(row, name) ? (row[name] ?? null) : null;
}

/** Whether two JSON values are the same; the order of members does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  // What is undefined is not there in JSON.
  const names = Object.keys(a).filter((name) => memberOf(a, name) !== undefined);
  const others = Object.keys(b).filter((name) => memberOf(b, name) !== undefined);
  return (
    names.length === others.length && names.every((name) => sameJson(memberOf(a, name), memberOf(b, name)))
  );
}

function memberOf(of: object, name: string): unknown {
  return Object.hasOwn(of, name) ? (of as Record<string, unknown>)[name] : undefined;
}

export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
