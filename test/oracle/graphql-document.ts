import { filterTypeOf } from './graphql-face.ts';
import { graphqlFilter, scalarOf } from './graphql-filter.ts';
import type { FilterTerm } from './filter.ts';
import type { Random } from './random.ts';
import type { Schema } from './rights.ts';

/** A document while it is written: what is said in more than one way is said in any of them. */
export interface Draft {
  readonly random: Random;
  readonly schema: Schema;
  readonly fragments: string[];
  /** Definitions by name, and values; undefined: that of its definition. */
  readonly variables: Map<string, { readonly type: string; readonly value: unknown }>;
}

/** A document with what is sent along. */
export interface WrittenDocument {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** A fixed part of GraphQL's names is not for clients; these look as if they were, or are what every object has. */
export const ALIASES = [
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
] as const;

export function createDraft(random: Random, schema: Schema): Draft {
  return { random, schema, fragments: [], variables: new Map() };
}

/** The whole document, when what is between the outermost brackets is written. */
export function finish(
  draft: Draft,
  kind: 'subscription' | 'query' | 'mutation',
  body: string,
): WrittenDocument {
  const { random, fragments } = draft;
  const named = random.chance(0.4);
  const variables = [...draft.variables];
  const definitions = variables.map(([name, { type }]) => `$${name}: ${type}`);
  const head = `${kind}${named ? ' Watch' : ''}${definitions.length === 0 ? '' : `(${definitions.join(', ')})`}`;
  const others = named && random.chance(0.3) ? ['query Other { __typename }'] : [];
  return {
    query: [`${head} { ${body} }`, ...fragments, ...others].join('\n'),
    operationName: named ? 'Watch' : undefined,
    variables: Object.fromEntries(
      variables.flatMap(([name, { value }]) => (value === undefined ? [] : [[name, value] as const])),
    ),
  };
}

export function fieldText(key: string, name: string): string {
  return key === name ? name : `${key}: ${name}`;
}

/** What is selected of a type, some of it in fragments, some twice, and something that is left out again. */
export function selectionText(draft: Draft, type: string, selection: ReadonlyMap<string, string>): string {
  const { random, schema } = draft;
  const fields = [...selection].map(([key, name]) => fieldText(key, name));
  const nodes: string[] = [];
  for (let at = 0; at < fields.length;) {
    const count = 1 + random.below(4);
    nodes.push(wrapped(draft, type, fields.slice(at, at + count).join(' ')));
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

function wrapped(draft: Draft, type: string, fields: string): string {
  const { random, fragments } = draft;
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

/** The arguments of a field; none: nothing. */
export function argumentsText(given: readonly (string | undefined)[]): string {
  const said = given.filter((one) => one !== undefined);
  return said.length === 0 ? '' : `(${said.join(', ')})`;
}

/** All of the terms, and one of the alternatives. */
export function filterArgument(
  draft: Draft,
  terms: readonly FilterTerm[],
  alternatives: readonly (readonly FilterTerm[])[] | undefined,
): string | undefined {
  if (terms.length === 0 && alternatives === undefined) return undefined;
  const whole = wholeFilter(draft, terms, alternatives);
  if (!draft.random.chance(0.25)) return `filter: ${filterText(draft, whole)}`;
  draft.variables.set('filter', { type: filterTypeOf(draft.schema), value: whole });
  return 'filter: $filter';
}

function wholeFilter(
  { random, schema }: Draft,
  terms: readonly FilterTerm[],
  alternatives: readonly (readonly FilterTerm[])[] | undefined,
): Record<string, unknown> {
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
  const scalar = scalarOf(draft.schema, field);
  if (typeof condition !== 'object' || condition === null) return valueText(draft, scalar, condition);
  const members = Object.entries(condition).map(
    ([operator, value]) => `${operator}: ${valueText(draft, scalar, value)}`,
  );
  return `{${members.join(', ')}}`;
}

/** A value as a literal, or as a variable of GraphQL's type `scalar`, or a list of that. */
export function valueText({ random, variables }: Draft, scalar: string, value: unknown): string {
  if (value === null || !random.chance(0.2)) return JSON.stringify(value);
  const type = typeof value === 'boolean' ? 'Boolean' : scalar;
  const name = `value${variables.size}`;
  variables.set(name, { type: Array.isArray(value) ? `[${type}!]` : type, value });
  return `$${name}`;
}
