import { compareWith } from './evaluator.ts';
import type { Image, Schema } from './rights.ts';

/** One condition of a client's filter. All conditions of a filter must hold. */
export interface FilterTerm {
  readonly field: string;
  /** As it stands in the query: `eq`, `ne`, `gt`, `in`, `like`, `^`, `exists` … */
  readonly operator: string;
  readonly values: readonly string[];
}

/** The query of a filter: names and values. */
export function filterQuery(filter: readonly FilterTerm[]): (readonly [string, string])[] {
  return filter.map(({ field, operator, values }) => [`filter[${field}][${operator}]`, values.join(',')]);
}

/** Whether a row, as its reader sees it, meets a filter: what the reader may not see is absent. */
export function meetsFilter(schema: Schema, filter: readonly FilterTerm[], seen: Image): boolean {
  return filter.every((term) => meetsTerm(schema, term, seen));
}

function meetsTerm(schema: Schema, { field, operator, values }: FilterTerm, seen: Image): boolean {
  const value = Object.hasOwn(seen, field) ? (seen[field] ?? null) : null;
  const kind = schema.properties.get(field) ?? (field === '_version' ? 'integer' : 'string');
  const [text = ''] = values;
  switch (operator) {
    case 'exists':
      return (value !== null) === (text === 'true');
    case 'null':
      return (value === null) === (text === 'true');
    case 'empty':
      return isEmpty(value) === (text === 'true');
  }
  if (kind === 'list') return Array.isArray(value) && value.includes(text);
  switch (operator) {
    case 'like':
      return typeof value === 'string' && value.includes(text);
    case '^':
      return typeof value === 'string' && value.startsWith(text);
    case '$':
      return typeof value === 'string' && value.endsWith(text);
    default: {
      const operands = values.map((one) => typed(kind, one));
      return compareWith(`$${operator}`, value, operands, kind === 'instant');
    }
  }
}

function typed(kind: string, text: string): unknown {
  if (kind === 'integer' || kind === 'number') return Number(text);
  return kind === 'boolean' ? text === 'true' : text;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === '') return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
