import { and, or, type Condition } from './condition.ts';
import type { FieldTypes } from './field-types.ts';
import { FILTER_LIMITS, FilterBudget, requireLength } from './limits.ts';
import { buildTerm, type OperatorName } from './operator.ts';
import {
  collectProblem,
  FilterError,
  refuse,
  unknownField,
  type ParsedFilter,
  type ConditionProblem,
} from './problem.ts';

/** The tables face's names of the system fields it shows. */
export const TABLE_FIELD_NAMES: ReadonlyMap<string, string> = new Map([
  ['id', '_uuid'],
  ['createdAt', '_created'],
  ['updatedAt', '_updated'],
]);

/**
 * A filter of the tables face: the text `field:operator:value` (split at the first two colons, so values
 * may hold more; `field:value` means eq), a JSON text, or the parsed JSON: one `{field, operator, value}`,
 * a list of them (all must hold), or `{and: […]}` and `{or: […]}`, nested if need be. `in` takes a JSON
 * list, in the text form too. An empty text or list filters nothing.
 */
export function parseTableFilter(filter: unknown, fields: FieldTypes): ParsedFilter {
  const problems: ConditionProblem[] = [];
  const condition = collectProblem(problems, () => {
    const budget = new FilterBudget();
    if (typeof filter !== 'string') return parseNode(filter, fields, budget, 0);
    requireLength('filter', filter);
    const text = filter.trim();
    if (text === '') return and();
    return /^[{[]/.test(text)
      ? parseNode(parseJson(text), fields, budget, 0)
      : parseText(text, fields, budget);
  });
  return condition === undefined ? { ok: false, problems } : { ok: true, condition };
}

function parseText(text: string, fields: FieldTypes, budget: FilterBudget): Condition {
  const first = text.indexOf(':');
  if (first < 1) refuse('filter', `A filter reads 'field:operator:value', not '${text.slice(0, 100)}'`);
  const field = text.slice(0, first);
  const second = text.indexOf(':', first + 1);
  if (second === -1) {
    const rest = text.slice(first + 1);
    return VALUELESS.has(rest)
      ? parseTerm(field, rest, [], fields, budget)
      : parseTerm(field, 'eq', [rest], fields, budget);
  }
  const operator = text.slice(first + 1, second);
  const value = text.slice(second + 1);
  const name = OPERATORS.get(operator);
  const values = name === 'in' || name === 'nin' ? listOf(field, parseJson(value, field)) : [value];
  return parseTerm(field, operator, VALUELESS.has(operator) ? [] : values, fields, budget);
}

function parseNode(node: unknown, fields: FieldTypes, budget: FilterBudget, depth: number): Condition {
  if (depth > FILTER_LIMITS.depth) refuse('filter', `A filter is nested at most ${FILTER_LIMITS.depth} deep`);
  if (Array.isArray(node)) return and(...node.map((item) => parseNode(item, fields, budget, depth + 1)));
  if (typeof node !== 'object' || node === null)
    refuse('filter', `A filter is made of {field, operator, value}`);
  const entries = new Map<string, unknown>(Object.entries(node));
  for (const [name, join] of [
    ['and', and],
    ['or', or],
  ] as const) {
    const terms = entries.get(name);
    if (terms === undefined) continue;
    if (!Array.isArray(terms) || entries.size > 1)
      refuse('filter', `'${name}' stands alone and takes a list`);
    if (name === 'or' && terms.length === 0) refuse('filter', `'or' takes at least one condition`);
    return join(...terms.map((item) => parseNode(item, fields, budget, depth + 1)));
  }
  const field = entries.get('field');
  const operator = entries.get('operator') ?? 'eq';
  if (typeof field !== 'string' || typeof operator !== 'string') {
    refuse('filter', `A condition is {field, operator, value} with texts for field and operator`);
  }
  const value = entries.get('value');
  const name = OPERATORS.get(operator);
  const values = name === 'in' || name === 'nin' ? listOf(field, value) : [value];
  return parseTerm(field, operator, VALUELESS.has(operator) ? [] : values, fields, budget);
}

function parseTerm(
  name: string,
  operator: string,
  values: readonly unknown[],
  fields: FieldTypes,
  budget: FilterBudget,
): Condition {
  const field = TABLE_FIELD_NAMES.get(name) ?? name;
  const type = fields(field);
  if (type === undefined) throw new FilterError(unknownField(name));
  budget.spend(name, Math.max(1, values.length));
  const valueless = VALUELESS.get(operator);
  if (valueless !== undefined) return buildTerm({ field, type, ...valueless });
  const meaning = OPERATORS.get(operator);
  if (meaning === undefined) {
    const known = [...OPERATORS.keys(), ...VALUELESS.keys()].join(' ');
    refuse(name, `Unknown operator '${operator}'; known are ${known}`);
  }
  return buildTerm({ field, type, operator: meaning, values });
}

const OPERATORS: ReadonlyMap<string, OperatorName> = new Map<string, OperatorName>([
  ['eq', 'eq'],
  ['equals', 'eq'],
  ['neq', 'ne'],
  ['notEquals', 'ne'],
  ['gt', 'gt'],
  ['greaterThan', 'gt'],
  ['gte', 'gte'],
  ['greaterThanOrEqual', 'gte'],
  ['lt', 'lt'],
  ['lessThan', 'lt'],
  ['lte', 'lte'],
  ['lessThanOrEqual', 'lte'],
  ['in', 'in'],
  ['notIn', 'nin'],
  ['contains', 'contains'],
  ['startsWith', 'startsWith'],
  ['endsWith', 'endsWith'],
]);

/** Operators that need no value. */
const VALUELESS: ReadonlyMap<string, { operator: OperatorName; values: readonly boolean[] }> = new Map([
  ['isEmpty', { operator: 'empty', values: [true] }],
  ['isNotEmpty', { operator: 'empty', values: [false] }],
  ['isNull', { operator: 'exists', values: [false] }],
  ['isNotNull', { operator: 'exists', values: [true] }],
  ['isTrue', { operator: 'eq', values: [true] }],
  ['isFalse', { operator: 'eq', values: [false] }],
]);

function listOf(field: string, value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(field, `'in' and 'notIn' take a JSON list such as ["a","b"]`);
}

function parseJson(text: string, field = 'filter'): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse(
      field,
      field === 'filter' ? 'The filter is not valid JSON' : `The value of '${field}' is not a JSON list`,
    );
  }
}
