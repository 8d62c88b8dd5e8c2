import type { FilterTerm } from './filter.ts';
import type { PropertyKind, Schema } from './rights.ts';

const OPERATORS: Readonly<Record<string, string>> = {
  'like': 'contains',
  '^': 'startsWith',
  '$': 'endsWith',
};

const TYPES: Readonly<Record<PropertyKind, string>> = {
  string: 'String',
  integer: 'SafeInt',
  number: 'Float',
  boolean: 'Boolean',
  instant: 'DateTime',
  list: 'String',
};

/** GraphQL's type of a value that a field is compared with. */
export function scalarOf(schema: Schema, field: string): string {
  // The only text that has a format.
  if (field === 'parent') return 'UUID';
  return TYPES[schema.properties.get(field) ?? 'string'];
}

/**
 * Conditions that must all hold, in GraphQL's words. `isShort` is asked where something can be said in two ways: a value
 * alone or as an operator's.
 */
export function graphqlFilter(
  schema: Schema,
  terms: readonly FilterTerm[],
  isShort: () => boolean,
): Record<string, unknown> {
  const filter: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const term of terms) {
    const { field } = term;
    const isAlone = terms.every((one) => one === term || one.field !== field);
    const [operator, value] = conditionOf(schema, term, isShort);
    const known = filter[field] as object | undefined;
    if (operator === 'eq' && isAlone && isShort()) filter[field] = value;
    else filter[field] = { ...known, [operator]: value };
  }
  return filter;
}

function conditionOf(
  schema: Schema,
  { field, operator, values }: FilterTerm,
  isShort: () => boolean,
): readonly [operator: string, value: unknown] {
  const [text = ''] = values;
  const isTrue = text === 'true';
  switch (operator) {
    case 'exists':
      return ['exists', isTrue];
    case 'empty':
      return ['empty', isTrue];
    case 'null':
      return isShort() ? ['exists', !isTrue] : [isTrue ? 'eq' : 'ne', null];
  }
  const kind = schema.properties.get(field) ?? 'string';
  if (kind === 'list') return [isShort() ? 'eq' : 'contains', text];
  const typed = values.map((value) => typedValue(kind, value));
  if (operator === 'in' || operator === 'nin') return [operator, typed];
  return [OPERATORS[operator] ?? operator, typed[0]];
}

function typedValue(kind: PropertyKind, text: string): unknown {
  if (kind === 'integer' || kind === 'number') return Number(text);
  return kind === 'boolean' ? text === 'true' : text;
}
