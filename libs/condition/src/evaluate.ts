import { compareText } from './compare.ts';
import {
  isVariable,
  type Comparison,
  type Condition,
  type Membership,
  type Scalar,
  type TextMatch,
} from './condition.ts';
import { parseInstant } from './instant.ts';

/**
 * A row as conditions see it: one flat object of properties and system members (`_uuid`, `_organisation`,
 * `_owner`, `_version`, `_created`, `_updated`, `_register`, `_schema`). Only own members count, so
 * `__proto__` and `constructor` are ordinary names; an absent member is null.
 */
export type Row = Readonly<Record<string, unknown>>;

/** What is known only when a row is judged. */
export interface EvaluationContext {
  /** Epoch milliseconds of this judgement; without it, conditions on `$now` do not match. */
  readonly now?: number;
}

/**
 * Whether a row meets a condition; exactly what `compileSql` says of the same row. Comparisons hold only
 * between values of one type (numbers as doubles, texts by code point, booleans for equality only): a
 * type mismatch and a null or absent value are false, also for `ne` and `nin`. Never throws.
 */
export function evaluate(condition: Condition, row: Row, context: EvaluationContext = NO_CONTEXT): boolean {
  switch (condition.op) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'and':
      return meetsAll(condition.terms, row, context);
    case 'or':
      return meetsAny(condition.terms, row, context);
    case 'exists':
      return (fieldValue(row, condition.field) !== null) === condition.value;
    case 'empty':
      return isEmpty(fieldValue(row, condition.field)) === condition.value;
    case 'in':
    case 'nin':
      return isMember(condition, fieldValue(row, condition.field));
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return textMatches(condition, fieldValue(row, condition.field));
    default:
      return compares(condition, fieldValue(row, condition.field), context);
  }
}

/** A row's own member; null when it is absent. */
export function fieldValue(row: Row, field: string): unknown {
  return Object.hasOwn(row, field) ? (row[field] ?? null) : null;
}

// Every event is judged under every class that it may reach: counted loops are measurably cheaper here.
function meetsAll(terms: readonly Condition[], row: Row, context: EvaluationContext): boolean {
  for (let i = 0; i < terms.length; i += 1) {
    const term = terms[i];
    if (term === undefined || !evaluate(term, row, context)) return false;
  }
  return true;
}

function meetsAny(terms: readonly Condition[], row: Row, context: EvaluationContext): boolean {
  for (let i = 0; i < terms.length; i += 1) {
    const term = terms[i];
    if (term !== undefined && evaluate(term, row, context)) return true;
  }
  return false;
}

const NO_CONTEXT: EvaluationContext = Object.freeze({});

function compares(leaf: Comparison, value: unknown, context: EvaluationContext): boolean {
  // Operands are finite and of one type, so identity is equality.
  if (leaf.op === 'eq' && leaf.type === undefined) return value === leaf.value;
  const left = comparable(value, leaf.type);
  const right = isVariable(leaf.value) ? resolve(leaf.value.variable, context) : leaf.value;
  if (left === undefined || typeof left !== typeof right) return false;
  switch (leaf.op) {
    case 'eq':
      return left === right;
    case 'ne':
      return left !== right;
    default:
      return ordered(leaf.op, left, right as Comparable);
  }
}

type Comparable = string | number | boolean;

function ordered(op: 'gt' | 'gte' | 'lt' | 'lte', left: Comparable, right: Comparable): boolean {
  if (typeof left === 'boolean') return false;
  const order = typeof left === 'string' ? compareText(left, right as string) : left - (right as number);
  switch (op) {
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
    case 'lt':
      return order < 0;
    case 'lte':
      return order <= 0;
  }
}

/** The value in the form it is compared in; undefined when it cannot be compared at all. */
function comparable(value: unknown, type: 'instant' | undefined): Comparable | undefined {
  if (type === 'instant') return typeof value === 'string' ? parseInstant(value) : undefined;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  // 1e400 is legal JSON: it is infinite here and out of range in SQL, so it equals and exceeds nothing.
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function resolve(variable: string, context: EvaluationContext): number | undefined {
  return variable === 'now' ? context.now : undefined;
}

function isMember(leaf: Membership, value: unknown): boolean {
  if (leaf.op === 'in' && leaf.type === undefined) return leaf.values.includes(value as Scalar);
  const left = comparable(value, leaf.type);
  if (left === undefined) return false;
  if (leaf.op === 'in') return leaf.values.includes(left);
  // A variable that nobody substituted has another type than any value: it denies.
  return leaf.values.every((other) => typeof other === typeof left && other !== left);
}

function textMatches(leaf: TextMatch, value: unknown): boolean {
  if (leaf.op === 'contains' && Array.isArray(value)) return value.includes(leaf.value);
  if (typeof value !== 'string' || typeof leaf.value !== 'string') return false;
  switch (leaf.op) {
    case 'contains':
      return value.includes(leaf.value);
    case 'startsWith':
      return value.startsWith(leaf.value);
    case 'endsWith':
      return value.endsWith(leaf.value);
  }
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
