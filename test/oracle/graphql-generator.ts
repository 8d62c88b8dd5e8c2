import {
  ALIASES,
  argumentsText,
  createDraft,
  fieldText,
  filterArgument,
  finish,
  selectionText,
  valueText,
} from './graphql-document.ts';
import type { Draft } from './graphql-document.ts';
import { eventTypeOf, eventsFieldOf } from './graphql-face.ts';
import type { GraphqlOperation } from './graphql-face.ts';
import { ROW_KEY, fieldsOf, listFieldOf, objectTypeOf, singleFieldOf } from './graphql-query.ts';
import type { GraphqlListQuery, GraphqlObjectsQuery, Selection } from './graphql-query.ts';
import type { FilterTerm } from './filter.ts';
import type { OrderTerm } from './lists.ts';
import type { Random } from './random.ts';
import { SYSTEM_MEMBERS } from './rights.ts';
import type { Schema } from './rights.ts';

/** What a subscription asks for besides what it selects. */
export interface Asked {
  readonly schema: Schema;
  readonly filter: readonly FilterTerm[];
  readonly alternatives: readonly (readonly FilterTerm[])[] | undefined;
  readonly events: ReadonlySet<string> | undefined;
}

/** A random document that subscribes to this, and a list of the same rows with the same of them. */
export function createOperation(random: Random, asked: Asked): GraphqlOperation {
  const { schema, filter, alternatives, events } = asked;
  const draft = createDraft(random, schema);
  const selection = someSelection(random, schema);
  const field = eventsFieldOf(schema);
  const root = random.chance(0.3) ? random.pick(ALIASES) : field;
  const given = argumentsText([
    filterArgument(draft, filter, alternatives),
    events === undefined ? undefined : eventsArgument(draft, events),
  ]);
  const selected = selectionText(draft, eventTypeOf(schema), selection);
  const document = finish(draft, 'subscription', `${fieldText(root, field)}${given} { ${selected} }`);
  const list = createListQuery(random, { ...asked, order: [], search: undefined }, selection);
  return { ...document, schema, root, selection, list };
}

function eventsArgument({ random, variables }: Draft, events: ReadonlySet<string>): string {
  const names = [...events].map((name) => name.replace('object.', '').toUpperCase());
  if (random.chance(0.5)) return `events: [${names.join(', ')}]`;
  variables.set('events', { type: '[ObjectAction!]', value: names });
  return 'events: $events';
}

/** What a list is asked for besides what is selected of its rows. */
export interface AskedList extends Pick<Asked, 'schema' | 'filter' | 'alternatives'> {
  readonly order: readonly OrderTerm[];
  readonly search: string | undefined;
}

/** A random document that lists this. Of what only events have nothing is selected. */
export function createListQuery(
  random: Random,
  { schema, filter, alternatives, order, search }: AskedList,
  selected?: ReadonlyMap<string, string>,
): GraphqlListQuery {
  const draft = createDraft(random, schema);
  const selection = rowSelection(random, schema, selected);
  const field = listFieldOf(schema);
  const root = random.chance(0.3) ? random.pick(ALIASES) : field;
  const given = argumentsText([
    filterArgument(draft, filter, alternatives),
    order.length === 0 ? undefined : `order: [${order.map(orderText).join(', ')}]`,
    search === undefined ? undefined : `search: ${valueText(draft, 'String', search)}`,
    'first: 1000',
  ]);
  const shape = random.pick(['nodes', 'edges'] as const);
  const row = rowText(draft, selection);
  const rows = shape === 'nodes' ? `nodes { ${row} }` : `edges { node { ${row} } cursor }`;
  const parts = ['totalCount', 'position', rows, 'pageInfo { hasNextPage hasPreviousPage }'];
  const body = `${fieldText(root, field)}${given} { ${parts.join(' ')} }`;
  return { ...finish(draft, 'query', body), schema, root, shape, selection };
}

/** A random document that asks for rows one by one, whether they are there or not. */
export function createObjectsQuery(
  random: Random,
  schema: Schema,
  uuids: readonly string[],
): GraphqlObjectsQuery {
  const draft = createDraft(random, schema);
  const selection = rowSelection(random, schema);
  const field = singleFieldOf(schema);
  const roots = new Map(uuids.map((uuid, index) => [`row${index}`, uuid]));
  const row = rowText(draft, selection);
  const parts = [...roots].map(([key, uuid]) => {
    const id = valueText(draft, 'UUID!', random.chance(0.2) ? uuid.toUpperCase() : uuid);
    return `${key}: ${field}(id: ${id}) { ${row} }`;
  });
  return { ...finish(draft, 'query', parts.join(' ')), schema, roots, selection };
}

function orderText({ field, descending }: OrderTerm): string {
  return `{${field}: ${descending ? 'DESC' : 'ASC'}}`;
}

/** With the row's id under a name of ours, and now and then with some of the row that it refers to. */
function rowSelection(random: Random, schema: Schema, selected?: ReadonlyMap<string, string>): Selection {
  const own = (selection: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
    new Map([...fieldsOf(schema, selection), [ROW_KEY, '_uuid']]);
  const related =
    selected === undefined && random.chance(0.5)
      ? { key: random.pick(['related', 'parentObject']), fields: own(someSelection(random, schema)) }
      : undefined;
  return { fields: own(selected ?? someSelection(random, schema)), related };
}

function rowText(draft: Draft, { fields, related }: Selection): string {
  const type = objectTypeOf(draft.schema);
  const own = selectionText(draft, type, fields);
  if (related === undefined) return own;
  return `${own} ${fieldText(related.key, 'parentObject')} { ${selectionText(draft, type, related.fields)} }`;
}

function someSelection(random: Random, { properties }: Schema): ReadonlyMap<string, string> {
  const names = [
    ...(random.chance(0.9) ? ['_uuid'] : []),
    ...(random.chance(0.85) ? ['_event'] : []),
    ...(random.chance(0.5) ? ['_changed'] : []),
    ...random.some(['_eventId', '__typename'], 0.25),
    ...random.some(SYSTEM_MEMBERS, 0.12),
    ...random.some([...properties.keys()], 0.45),
  ];
  if (names.length === 0) names.push('status');
  const selection = new Map<string, string>();
  for (const name of shuffled(random, names)) {
    const key = random.chance(0.2) ? random.pick(ALIASES) : name;
    const free = [key, name, `${name}2`, `${name}3`].find((one) => !selection.has(one));
    if (free !== undefined) selection.set(free, name);
  }
  return selection;
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  return list
    .map((item) => [random.next(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
