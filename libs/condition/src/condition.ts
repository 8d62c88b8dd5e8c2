import { compareText } from './compare.ts';

/** A value a field can be compared with. Numbers are IEEE doubles, strings well-formed Unicode without NUL. */
export type Scalar = string | number | boolean;

/** Who or what a rule can refer to. `now` stays symbolic until a row is judged; the others are substituted. */
export type VariableName = 'organisation' | 'userId' | 'now';

/** A reference to something known only later (`$organisation`, `$userId`, `$now` in a rule). */
export interface Variable<V extends VariableName = VariableName> {
  readonly variable: V;
}

/** `type: 'instant'` compares moments: the row's value is an RFC 3339 text, `value` is epoch milliseconds. */
export type OperandType = 'instant';

/** A list never holds the time: membership of a moment in a list of moments is not a rule anyone means. */
export type ListVariable<V extends VariableName> = [Exclude<V, 'now'>] extends [never]
  ? never
  : Variable<Exclude<V, 'now'>>;

/** Orderings and equality with one operand. Booleans are only ever equal or unequal, never ordered. */
export interface Comparison<V extends VariableName = 'now'> {
  readonly op: 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte';
  readonly field: string;
  readonly value: Scalar | Variable<V>;
  readonly type?: OperandType;
}

/** Membership of a list. `in` is a disjunction of `eq`, `nin` a conjunction of `ne`. */
export interface Membership<V extends VariableName = 'now'> {
  readonly op: 'in' | 'nin';
  readonly field: string;
  readonly values: readonly (Scalar | ListVariable<V>)[];
  readonly type?: OperandType;
}

/**
 * `exists: true` = neither absent nor null. `empty: true` = absent, null, `""`, `[]` or `{}`.
 * Both are decided for every row, so `false` is the exact opposite.
 */
export interface Presence {
  readonly op: 'exists' | 'empty';
  readonly field: string;
  readonly value: boolean;
}

/**
 * Parts of a text, case-sensitive. `contains` on a list of a row is membership instead: true when one
 * element equals the operand (same type, no casts); only there may the operand be a number or boolean.
 */
export interface TextMatch {
  readonly op: 'contains' | 'startsWith' | 'endsWith';
  readonly field: string;
  readonly value: Scalar;
}

/** A leaf: one field against one operand. */
export type Leaf<V extends VariableName = 'now'> = Comparison<V> | Membership<V> | Presence | TextMatch;

/** All or any of the terms; at least two of them, sorted by their canonical text, without duplicates. */
export interface Group<V extends VariableName = 'now'> {
  readonly op: 'and' | 'or';
  readonly terms: readonly Condition<V>[];
}

/** Always or never. */
export type Constant = { readonly op: 'true' } | { readonly op: 'false' };

/**
 * A condition on one row: the only form in which rules and filters are evaluated, compiled, indexed and
 * hashed. Build it with the functions of this package (they normalise); treat it as immutable.
 */
export type Condition<V extends VariableName = 'now'> = Constant | Group<V> | Leaf<V>;

/** A rule's condition before `substitute`: it may still refer to who asks. It never matches by itself. */
export type ConditionTemplate = Condition<VariableName>;

/** Matches every row. */
export const ALWAYS: Constant = Object.freeze({ op: 'true' });

/** Matches no row. */
export const NEVER: Constant = Object.freeze({ op: 'false' });

/** The moment a row is judged. Stays symbolic in conditions, so that no class key and no cache holds a time. */
export const NOW: Variable<'now'> = Object.freeze({ variable: 'now' });

/** True for a reference that `substitute` or the evaluation resolves. */
export function isVariable(operand: unknown): operand is Variable {
  return typeof operand === 'object' && operand !== null && 'variable' in operand;
}

/**
 * A field compared with one operand, normalised. `null` means absence: `eq null` is `exists: false`,
 * `ne null` is `exists: true`, an ordering with null never matches. Operands no stored value can equal
 * (NaN, infinities, NUL or lone surrogates in a text, an ordered boolean) never match.
 */
export function compare<V extends VariableName = 'now'>(
  op: Comparison['op'],
  field: string,
  value: Scalar | Variable<V> | null,
  type?: OperandType,
): Condition<V> {
  if (!isStorableText(field)) return NEVER;
  if (value === null) return op === 'eq' || op === 'ne' ? exists(field, op === 'ne') : NEVER;
  // The time is a moment and nothing else: against any other type it never matches.
  if (isVariable(value))
    return freeze({ op, field, value, ...typeMember(value.variable === 'now' ? 'instant' : type) });
  if (!isOperand(value, type)) return NEVER;
  if (typeof value === 'boolean' && op !== 'eq' && op !== 'ne') return NEVER;
  return freeze({ op, field, value: positiveZero(value), ...typeMember(type) });
}

/**
 * A field against a list, normalised: sorted, without duplicates and nulls; one value becomes `eq` or `ne`.
 * `in []` never matches; `nin []` means that the field has a value; `nin` of values of different types
 * never matches, because one of them always has another type than the row's value.
 */
export function oneOf<V extends VariableName = 'now'>(
  op: Membership['op'],
  field: string,
  values: readonly (Scalar | ListVariable<V> | null)[],
  type?: OperandType,
): Condition<V> {
  if (!isStorableText(field)) return NEVER;
  const known = values.filter((value) => value !== null);
  const usable = known.filter((value) => isVariable(value) || isOperand(value, type));
  if (op === 'nin' && usable.length < known.length) return NEVER;
  const sorted = unique(usable.map((value) => (isVariable(value) ? value : positiveZero(value))));
  const first = sorted[0];
  if (first === undefined) return op === 'in' ? NEVER : exists(field, true);
  if (sorted.length === 1) return compare<V>(op === 'in' ? 'eq' : 'ne', field, first, type);
  const literals = sorted.filter((value) => !isVariable(value));
  if (op === 'nin' && literals.some((value) => typeof value !== typeof literals[0])) return NEVER;
  return freeze({ op, field, values: Object.freeze(sorted), ...typeMember(type) });
}

/** Whether the field has a value: `true` = neither absent nor null. */
export function exists(field: string, value: boolean): Condition<never> {
  return isStorableText(field) ? freeze({ op: 'exists', field, value }) : value ? NEVER : ALWAYS;
}

/** Whether the field is absent, null, `""`, `[]` or `{}`. */
export function empty(field: string, value: boolean): Condition<never> {
  return isStorableText(field) ? freeze({ op: 'empty', field, value }) : value ? ALWAYS : NEVER;
}

/** Part of a text, or (`contains` only) an element of a list. */
export function matchText(op: TextMatch['op'], field: string, value: Scalar): Condition<never> {
  if (!isStorableText(field) || !isOperand(value)) return NEVER;
  if (op !== 'contains' && typeof value !== 'string') return NEVER;
  return freeze({ op, field, value: positiveZero(value) });
}

/** Every term. No terms: always. */
export function and<V extends VariableName = 'now'>(...terms: readonly Condition<V>[]): Condition<V> {
  return group('and', terms, ALWAYS, NEVER);
}

/** At least one term. No terms: never. */
export function or<V extends VariableName = 'now'>(...terms: readonly Condition<V>[]): Condition<V> {
  return group('or', terms, NEVER, ALWAYS);
}

/**
 * The condition as canonical JSON text: equal texts mean the same normalised condition, and texts of
 * different conditions differ (values are JSON, never joined by separators). Fit for hashing.
 */
export function canonical(condition: Condition<VariableName>): string {
  const known = texts.get(condition);
  if (known !== undefined) return known;
  const text = canonicalText(condition);
  texts.set(condition, text);
  return text;
}

/** Canonical texts are asked for again and again while groups are sorted; nodes are frozen, so they keep. */
const texts = new WeakMap<object, string>();

function canonicalText(condition: Condition<VariableName>): string {
  switch (condition.op) {
    case 'true':
    case 'false':
      return `["${condition.op}"]`;
    case 'and':
    case 'or':
      return `["${condition.op}",${[...new Set(condition.terms.map(canonical))].sort(compareText).join(',')}]`;
    case 'in':
    case 'nin':
      return JSON.stringify([condition.op, condition.field, ...typed(condition), unique(condition.values)]);
    default:
      return JSON.stringify([condition.op, condition.field, ...typed(condition), condition.value]);
  }
}

function typed(leaf: Leaf<VariableName>): readonly { readonly type: string }[] {
  return 'type' in leaf && leaf.type !== undefined ? [{ type: leaf.type }] : [];
}

function group<V extends VariableName>(
  op: Group['op'],
  terms: readonly Condition<V>[],
  neutral: Constant,
  decisive: Constant,
): Condition<V> {
  const byText = new Map<string, Condition<V>>();
  for (const term of terms) {
    if (term.op === decisive.op) return decisive;
    const parts = term.op === op ? term.terms : [term];
    for (const part of parts) if (part.op !== neutral.op) byText.set(canonical(part), part);
  }
  const sorted = [...byText].sort(([a], [b]) => compareText(a, b)).map(([, term]) => term);
  const [first] = sorted;
  if (first === undefined) return neutral;
  return sorted.length === 1 ? first : freeze({ op, terms: Object.freeze(sorted) });
}

/** Text that PostgreSQL stores unchanged: no NUL, no half of a surrogate pair. */
function isStorableText(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}

function isOperand(value: Scalar, type?: OperandType): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return type !== 'instant' && (typeof value !== 'string' || isStorableText(value));
}

function typeMember(type: OperandType | undefined): { readonly type?: OperandType } {
  return type === undefined ? {} : { type };
}

/** `-0` equals `0` everywhere but is another JSON text in some encoders. */
function positiveZero<T>(value: T): T | 0 {
  return value === 0 ? 0 : value;
}

function unique<T>(values: readonly T[]): T[] {
  const byText = new Map(values.map((value) => [JSON.stringify(value), value] as const));
  return [...byText].sort(([a], [b]) => compareText(a, b)).map(([, value]) => value);
}

function freeze<T extends object>(node: T): Readonly<T> {
  return Object.freeze(node);
}
