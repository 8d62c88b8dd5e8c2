import { and, or, type Condition } from './condition.ts';
import type { FieldTypes } from './field-types.ts';
import { FILTER_LIMITS, FilterBudget, requireLength } from './limits.ts';
import { buildTerm, OPERATOR_NAMES, type OperatorName } from './operator.ts';
import {
  collectProblem,
  FilterError,
  refuse,
  unknownField,
  type ConditionProblem,
  type ParsedFilter,
} from './problem.ts';

/**
 * A filter as an object: per field a value that it has to equal (null: it has none), or an object of operators that all have
 * to hold (`{eq: null}`, `{ne: null}`: it has none, has one); `_and` and `_or` take lists of filters. This is GraphQL's dialect, by the log's names of fields. Values are
 * those of JSON; nothing but own members is looked at.
 */
export function parseFieldFilter(filter: unknown, fields: FieldTypes): ParsedFilter {
  const problems: ConditionProblem[] = [];
  const condition = collectProblem(problems, () => {
    requireDepth(filter, 0);
    requireLength('filter', JSON.stringify(filter) ?? '');
    return parseNode(filter, fields, new FilterBudget(), 0);
  });
  return condition === undefined ? { ok: false, problems } : { ok: true, condition };
}

/** Groups are a list and an object each; a condition is an object with lists of values in it. */
const MAX_NESTING = 2 * FILTER_LIMITS.depth + 3;

/** Before anything that calls itself for each level of what a client sent. */
function requireDepth(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_NESTING) refuse('filter', `A filter is nested at most ${FILTER_LIMITS.depth} deep`);
  for (const member of Object.values(value)) requireDepth(member, depth + 1);
}

function parseNode(node: unknown, fields: FieldTypes, budget: FilterBudget, depth: number): Condition {
  if (depth > FILTER_LIMITS.depth) refuse('filter', `A filter is nested at most ${FILTER_LIMITS.depth} deep`);
  if (!isObject(node)) refuse('filter', 'A filter is an object of conditions by field');
  return and(
    ...Object.entries(node).map(([name, value]) => {
      if (name === '_and' || name === '_or') return parseGroup(name, value, fields, budget, depth);
      return parseField(name, value, fields, budget);
    }),
  );
}

function parseGroup(
  name: '_and' | '_or',
  value: unknown,
  fields: FieldTypes,
  budget: FilterBudget,
  depth: number,
): Condition {
  if (!Array.isArray(value)) refuse(name, `'${name}' takes a list of filters`);
  if (name === '_or' && value.length === 0) refuse(name, `'_or' takes at least one filter`);
  const parts = value.map((part: unknown) => parseNode(part, fields, budget, depth + 1));
  return name === '_and' ? and(...parts) : or(...parts);
}

function parseField(field: string, value: unknown, fields: FieldTypes, budget: FilterBudget): Condition {
  if (fields(field) === undefined) throw new FilterError(unknownField(field));
  if (value === null) return parseTerm(field, 'exists', false, fields, budget);
  if (!isObject(value)) return parseTerm(field, 'eq', value, fields, budget);
  return and(
    ...Object.entries(value).map(([operator, operand]) => {
      if (!OPERATORS.has(operator)) {
        refuse(field, `Unknown operator '${operator.slice(0, 50)}'; known are ${OPERATOR_NAMES.join(' ')}`);
      }
      return parseTerm(field, operator as OperatorName, operand, fields, budget);
    }),
  );
}

function parseTerm(
  field: string,
  operator: OperatorName,
  operand: unknown,
  fields: FieldTypes,
  budget: FilterBudget,
): Condition {
  // Equality with nothing is the same inside and outside of an object of operators.
  if (operand === null && (operator === 'eq' || operator === 'ne')) {
    return parseTerm(field, 'exists', operator === 'ne', fields, budget);
  }
  const isList = operator === 'in' || operator === 'nin';
  if (isList && !Array.isArray(operand)) refuse(field, `'${operator}' takes a list`);
  const values: readonly unknown[] = isList ? (operand as readonly unknown[]) : [operand];
  budget.spend(field, Math.max(1, values.length));
  return buildTerm({ field, type: fields(field) ?? 'unknown', operator, values });
}

const OPERATORS: ReadonlySet<string> = new Set(OPERATOR_NAMES);

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
