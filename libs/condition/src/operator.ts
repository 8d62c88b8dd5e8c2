import { compare, empty, exists, matchText, oneOf, type Condition, type Scalar } from './condition.ts';
import type { FieldType } from './field-types.ts';
import { readValue } from './operand.ts';
import { refuse } from './problem.ts';

/** What a client's operator means; each dialect maps its own names to these. */
export const OPERATOR_NAMES = [
  'eq',
  'ne',
  'gt',
  'gte',
  'lt',
  'lte',
  'in',
  'nin',
  'contains',
  'startsWith',
  'endsWith',
  'exists',
  'empty',
] as const;
export type OperatorName = (typeof OPERATOR_NAMES)[number];

/** One condition of a client's filter before its values are read. */
export interface Term {
  readonly field: string;
  readonly type: FieldType;
  readonly operator: OperatorName;
  /** One value, or the list of `in` and `nin`; texts are read as the field's type. */
  readonly values: readonly unknown[];
}

/** A term with its values in the field's type; throws `FilterError` when they do not fit together. */
export function buildTerm(term: Term): Condition {
  const { field, operator } = term;
  if (operator === 'exists' || operator === 'empty') {
    const value = readFlag(term);
    return operator === 'exists' ? exists(field, value) : empty(field, value);
  }
  const element = elementOf(term.type);
  if (element !== undefined) return buildListTerm(term, element);
  if (term.type === 'object') refuse(field, `'${field}' is an object: only exists and empty apply`);
  const values = term.values.map((value) => readValue(field, term.type, value));
  if (operator === 'in' || operator === 'nin') return oneOf(operator, field, values, instant(term.type));
  const value = single(field, values);
  if (operator === 'contains' || operator === 'startsWith' || operator === 'endsWith') {
    if (typeof value !== 'string')
      refuse(field, `'${operator}' needs a text field, '${field}' is ${term.type}`);
    return matchText(operator, field, value);
  }
  if (typeof value === 'boolean' && operator !== 'eq' && operator !== 'ne') {
    refuse(field, `'${field}' is a boolean and has no order`);
  }
  return compare(operator, field, value, instant(term.type));
}

/** On a list, equality with one value and `contains` both ask for an element. */
function buildListTerm(term: Term, element: FieldType): Condition {
  if (term.operator !== 'eq' && term.operator !== 'contains') {
    refuse(term.field, `'${term.field}' is a list: only eq, contains, exists and empty apply`);
  }
  const values = term.values.map((value) => readValue(term.field, element, value));
  return matchText('contains', term.field, single(term.field, values));
}

function readFlag(term: Term): boolean {
  const [value = true] = term.values;
  if (value === true || value === 'true' || value === '') return true;
  if (value === false || value === 'false') return false;
  return refuse(term.field, `'${term.operator}' takes true or false`);
}

function single(field: string, values: readonly Scalar[]): Scalar {
  const [value] = values;
  return value === undefined || values.length > 1
    ? refuse(field, `One value is expected for '${field}'`)
    : value;
}

function instant(type: FieldType): 'instant' | undefined {
  return type === 'instant' ? 'instant' : undefined;
}

function elementOf(type: FieldType): FieldType | undefined {
  return type.startsWith('list of ') ? (type.slice('list of '.length) as FieldType) : undefined;
}
