import { eventTypeOf, eventsFieldOf, filterTypeOf } from './graphql-face.ts';
import type { GraphqlOperation } from './graphql-face.ts';
import { graphqlFilter, scalarOf } from './graphql-filter.ts';
import type { FilterTerm } from './filter.ts';
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

/** A document while it is written. */
interface Draft {
  readonly random: Random;
  readonly schema: Schema;
  readonly fragments: string[];
  /** Definitions by name, and values; undefined: that of its definition. */
  readonly variables: Map<string, { readonly type: string; readonly value: unknown }>;
}

/** What clients call things, some so that they would be mistaken for something else. */
const ALIASES = [
  'a',
  '__proto__',
  'constructor',
  'toString',
  'id',
  'secret',
  'status',
  '_uuid',
  '_version',
  'data',
];

/** A random document that asks for this. */
export function createOperation(random: Random, asked: Asked): GraphqlOperation {
  const { schema } = asked;
  const draft: Draft = { random, schema, fragments: [], variables: new Map() };
  const selection = someSelection(random, schema);
  const field = eventsFieldOf(schema);
  const root = random.chance(0.3) ? random.pick(ALIASES) : field;
  const selected = selectionText(draft, selection);
  const body = `{ ${fieldText(root, field)}${argumentsText(draft, asked)} { ${selected} } }`;
  const named = random.chance(0.4);
  const variables = [...draft.variables];
  const definitions = variables.map(([name, { type }]) => `$${name}: ${type}`);
  const others = [...draft.fragments, ...(named && random.chance(0.3) ? ['query Other { __typename }'] : [])];
  const name = named ? ' Watch' : '';
  const query = [
    `subscription${name}${definitions.length === 0 ? '' : `(${definitions.join(', ')})`} ${body}`,
    ...others,
  ].join('\n');
  return {
    schema,
    query,
    operationName: named ? 'Watch' : undefined,
    variables: Object.fromEntries(
      variables.flatMap(([one, { value }]) => (value === undefined ? [] : [[one, value] as const])),
    ),
    root,
    selection,
  };
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

function fieldText(key: string, name: string): string {
  return key === name ? name : `${key}: ${name}`;
}

/** What is selected, some of it in fragments, some twice, and something that is left out again. */
function selectionText(draft: Draft, selection: ReadonlyMap<string, string>): string {
  const { random, schema } = draft;
  const fields = [...selection].map(([key, name]) => fieldText(key, name));
  const nodes: string[] = [];
  for (let at = 0; at < fields.length;) {
    const count = 1 + random.below(4);
    nodes.push(wrapped(draft, fields.slice(at, at + count).join(' ')));
    at += count;
  }
  nodes.push(...random.some(fields, 0.08));
  if (random.chance(0.3)) {
    const field = fieldText('leftOut', random.pick([...schema.properties.keys()]));
    const condition = random.chance(0.5) ? '@skip(if: true)' : `@include(if: ${flag(draft, false)})`;
    nodes.splice(random.below(nodes.length + 1), 0, `${field} ${condition}`);
  }
  return nodes.join(' ');
}

function wrapped(draft: Draft, fields: string): string {
  const { random, schema, fragments } = draft;
  const type = eventTypeOf(schema);
  return random.weighted<() => string>([
    [6, () => fields],
    [1, () => `... on ${type} { ${fields} }`],
    [1, () => `... { ${fields} }`],
    [1, () => `... @include(if: ${flag(draft, true)}) { ${fields} }`],
    [
      2,
      () => {
        const name = `Part${fragments.length}`;
        fragments.push(`fragment ${name} on ${type} { ${fields} }`);
        return `...${name}`;
      },
    ],
  ])();
}

/** A variable that is true, or one that is false because nobody says otherwise. */
function flag({ variables }: Draft, value: boolean): string {
  if (value) variables.set('yes', { type: 'Boolean!', value: true });
  else variables.set('no', { type: 'Boolean = false', value: undefined });
  return value ? '$yes' : '$no';
}

function argumentsText(draft: Draft, { filter, alternatives, events }: Asked): string {
  const { random, schema, variables } = draft;
  const given: string[] = [];
  const whole = wholeFilter(draft, filter, alternatives);
  if (whole !== undefined && random.chance(0.25)) {
    variables.set('filter', { type: filterTypeOf(schema), value: whole });
    given.push('filter: $filter');
  } else if (whole !== undefined) given.push(`filter: ${filterText(draft, whole)}`);
  if (events !== undefined) given.push(eventsText(draft, events));
  return given.length === 0 ? '' : `(${given.join(', ')})`;
}

function wholeFilter(
  { random, schema }: Draft,
  terms: readonly FilterTerm[],
  alternatives: Asked['alternatives'],
): Record<string, unknown> | undefined {
  if (terms.length === 0 && alternatives === undefined) return undefined;
  const isShort = (): boolean => random.chance(0.5);
  const said = (some: readonly FilterTerm[]): Record<string, unknown> => graphqlFilter(schema, some, isShort);
  const [first, ...others] = terms;
  const isApart = first !== undefined && random.chance(0.3);
  const filter = isApart ? said(others) : said(terms);
  const parts = isApart ? [said([first])] : [];
  const one = alternatives?.map(said);
  if (one !== undefined && random.chance(0.5)) filter['_or'] = one;
  else if (one !== undefined) parts.push({ _or: one });
  if (parts.length > 0) filter['_and'] = parts;
  return filter;
}

function eventsText({ random, variables }: Draft, events: ReadonlySet<string>): string {
  const names = [...events].map((name) => name.replace('object.', '').toUpperCase());
  if (random.chance(0.5)) return `events: [${names.join(', ')}]`;
  variables.set('events', { type: '[ObjectAction!]', value: names });
  return 'events: $events';
}

/** A filter as a literal, with variables for some of its values. */
function filterText(draft: Draft, filter: Record<string, unknown>): string {
  const members = Object.entries(filter).map(([name, value]) =>
    name.startsWith('_') && Array.isArray(value)
      ? `${name}: [${value.map((part) => filterText(draft, part as Record<string, unknown>)).join(', ')}]`
      : `${name}: ${conditionText(draft, name, value)}`,
  );
  return `{${members.join(', ')}}`;
}

function conditionText(draft: Draft, field: string, condition: unknown): string {
  if (typeof condition !== 'object' || condition === null) return valueText(draft, field, condition);
  const members = Object.entries(condition).map(
    ([operator, value]) => `${operator}: ${valueText(draft, field, value)}`,
  );
  return `{${members.join(', ')}}`;
}

function valueText({ random, schema, variables }: Draft, field: string, value: unknown): string {
  if (value === null || !random.chance(0.2)) return JSON.stringify(value);
  const scalar = typeof value === 'boolean' ? 'Boolean' : scalarOf(schema, field);
  const name = `value${variables.size}`;
  variables.set(name, { type: Array.isArray(value) ? `[${scalar}!]` : scalar, value });
  return `$${name}`;
}
