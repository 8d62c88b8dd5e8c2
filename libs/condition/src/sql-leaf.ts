import {
  isVariable,
  type Comparison,
  type Leaf,
  type Membership,
  type Scalar,
  type TextMatch,
} from './condition.ts';
import { formatInstant, INSTANT_PATTERN } from './instant.ts';
import { numberIntervals, OVERFLOW, type NumberInterval } from './sql-number.ts';
import type { SqlField, SqlOptions } from './sql-field.ts';

/** One leaf as SQL that is true, false or NULL (both not true); never raises an error. */
export function sqlLeaf(leaf: Leaf, options: SqlOptions): string {
  // Before the field is asked for: a guarded field binds parameters, and PostgreSQL refuses unused ones.
  if ('value' in leaf && isVariable(leaf.value) && options.now === undefined) return 'FALSE';
  const field = options.field(leaf.field);
  switch (leaf.op) {
    case 'exists':
      return presence(field, leaf.value);
    case 'empty':
      return emptiness(field, leaf.value);
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return textMatch(leaf, field, options);
    case 'in':
    case 'nin':
      return membership(leaf, field, options);
    default:
      return comparison(leaf, field, options);
  }
}

const OPERATORS = { eq: '=', ne: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

function comparison(leaf: Comparison, field: SqlField, options: SqlOptions): string {
  const value = isVariable(leaf.value) ? options.now : leaf.value;
  if (value === undefined) return 'FALSE';
  if (leaf.type === 'instant') return instantComparison(leaf.op, field, value, options);
  if (leaf.op === 'eq') return membershipOf([value], field, options);
  if (typeof value === 'string') return textComparison(leaf.op, field, value, options);
  if (typeof value === 'boolean') return leaf.op === 'ne' ? membershipOf([!value], field, options) : 'FALSE';
  return numberComparison(leaf.op, field, value, options);
}

function numberComparison(op: Comparison['op'], field: SqlField, value: number, options: SqlOptions): string {
  if (field.kind === 'integer')
    return `${field.sql}::float8 ${OPERATORS[op]} ${bind(options, String(value))}::float8`;
  if (field.kind !== 'jsonb' || !Number.isFinite(value)) return 'FALSE';
  // Of all jsonb values only numbers lie between two numbers.
  const within = ({ low, high }: NumberInterval): string => {
    const above = `${field.sql} ${low.included ? '>=' : '>'} ${bind(options, low.at)}::jsonb`;
    return `${above} AND ${field.sql} ${high.included ? '<=' : '<'} ${bind(options, high.at)}::jsonb`;
  };
  const intervals = numberIntervals(op, value).map(within);
  return intervals.length === 1 ? (intervals[0] ?? 'FALSE') : `(${intervals.join(') OR (')})`;
}

function textComparison(op: Comparison['op'], field: SqlField, value: string, options: SqlOptions): string {
  const text = textOf(field);
  return text === undefined ? 'FALSE' : `${text} COLLATE "C" ${OPERATORS[op]} ${bind(options, value)}::text`;
}

function membership(leaf: Membership, field: SqlField, options: SqlOptions): string {
  if (leaf.type === 'instant') {
    const [op, join] = leaf.op === 'in' ? (['eq', ' OR '] as const) : (['ne', ' AND '] as const);
    return leaf.values.map((value) => `(${instantComparison(op, field, value, options)})`).join(join);
  }
  if (leaf.op === 'in') return membershipOf(leaf.values, field, options);
  // A normalised `nin` has values of one type.
  return leaf.values
    .map((value) => `(${comparison({ ...leaf, op: 'ne', value }, field, options)})`)
    .join(' AND ');
}

/** Equality with one of the values, each type in the form that an index can serve. */
function membershipOf(values: readonly Scalar[], field: SqlField, options: SqlOptions): string {
  const branches: string[] = [];
  const texts = values.filter((value) => typeof value === 'string');
  if (texts.length > 0) branches.push(textEquality(texts, field, options));
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.length > 0) branches.push(numberEquality(numbers, field, options));
  for (const value of values) {
    if (typeof value === 'boolean' && field.kind === 'jsonb')
      branches.push(`${field.sql} = '${value}'::jsonb`);
  }
  if (branches.length === 0) return 'FALSE';
  return branches.length === 1
    ? (branches[0] ?? 'FALSE')
    : branches.map((branch) => `(${branch})`).join(' OR ');
}

/** A few numbers are compared one by one; for many a cast pays, which finds the right one of a sorted list. */
const MANY_NUMBERS = 4;

function numberEquality(numbers: readonly number[], field: SqlField, options: SqlOptions): string {
  if (field.kind === 'integer')
    return `${field.sql}::float8 = ANY(${bind(options, numbers.map(String))}::float8[])`;
  if (field.kind !== 'jsonb') return 'FALSE';
  const finite = numbers.filter((number) => Number.isFinite(number));
  if (finite.length === 0) return 'FALSE';
  if (finite.length <= MANY_NUMBERS) {
    const terms = finite.map((number) => numberComparison('eq', field, number, options));
    return terms.length === 1 ? (terms[0] ?? 'FALSE') : `(${terms.join(') OR (')})`;
  }
  const ranges = finite.flatMap((number) => numberIntervals('eq', number)).map(rangeText);
  const decimal = `CASE WHEN jsonb_typeof(${field.sql}) = 'number' THEN (${field.sql})::numeric END`;
  return `(${decimal}) <@ ${bind(options, `{${ranges.join(',')}}`)}::nummultirange`;
}

function rangeText({ low, high }: NumberInterval): string {
  return `${low.included ? '[' : '('}${low.at},${high.at}${high.included ? ']' : ')'}`;
}

function textEquality(texts: readonly string[], field: SqlField, options: SqlOptions): string {
  switch (field.kind) {
    case 'jsonb': {
      const [only] = texts;
      if (texts.length === 1 && only !== undefined)
        return `${field.sql} = ${bind(options, JSON.stringify(only))}::jsonb`;
      return `${field.sql} = ANY(${bind(
        options,
        texts.map((text) => JSON.stringify(text)),
      )}::jsonb[])`;
    }
    case 'uuid': {
      // A uuid column is compared as such to use its index; its text is always lower case.
      const uuids = texts.filter((text) => UUID.test(text));
      return uuids.length === 0 ? 'FALSE' : `${field.sql} = ANY(${bind(options, uuids)}::uuid[])`;
    }
    default: {
      const text = textOf(field);
      return text === undefined ? 'FALSE' : `${text} COLLATE "C" = ANY(${bind(options, texts)}::text[])`;
    }
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function presence(field: SqlField, wanted: boolean): string {
  if (field.kind === 'absent') return wanted ? 'FALSE' : 'TRUE';
  if (field.kind !== 'jsonb') return `${field.sql} IS ${wanted ? 'NOT ' : ''}NULL`;
  return `coalesce(${field.sql}, 'null'::jsonb) ${wanted ? '<>' : '='} 'null'::jsonb`;
}

function emptiness(field: SqlField, wanted: boolean): string {
  if (field.kind === 'absent') return wanted ? 'TRUE' : 'FALSE';
  const not = wanted ? '' : 'NOT ';
  if (field.kind === 'text') return `coalesce(${field.sql}, '') ${wanted ? '=' : '<>'} ''`;
  if (field.kind !== 'jsonb') return `${field.sql} IS ${not}NULL`;
  return `coalesce(${field.sql}, 'null'::jsonb) ${not}IN ('null'::jsonb, '""'::jsonb, '[]'::jsonb, '{}'::jsonb)`;
}

function textMatch(leaf: TextMatch, field: SqlField, options: SqlOptions): string {
  const branches: string[] = [];
  const text = typeof leaf.value === 'string' ? textOf(field) : undefined;
  if (text !== undefined)
    branches.push(textPart(leaf.op, `${text} COLLATE "C"`, `${bind(options, leaf.value)}::text`));
  if (leaf.op === 'contains' && field.kind === 'jsonb')
    branches.push(hasElement(field.sql, leaf.value, options));
  return branches.length === 0 ? 'FALSE' : branches.map((branch) => `(${branch})`).join(' OR ');
}

function textPart(op: TextMatch['op'], text: string, part: string): string {
  switch (op) {
    case 'contains':
      return `strpos(${text}, ${part}) > 0`;
    case 'startsWith':
      return `starts_with(${text}, ${part})`;
    case 'endsWith':
      return `right(${text}, length(${part})) = ${part}`;
  }
}

/** CASE keeps `jsonb_array_elements` away from values that are no list, on which it raises an error. */
function hasElement(sql: string, value: Scalar, options: SqlOptions): string {
  const element: SqlField = { sql: 'element', kind: 'jsonb' };
  const equal = membershipOf([value], element, options);
  const list = `CASE WHEN jsonb_typeof(${sql}) = 'array' THEN ${sql} ELSE '[]'::jsonb END`;
  return `EXISTS (SELECT FROM jsonb_array_elements(${list}) AS elements(element) WHERE ${equal})`;
}

/** The field as text, NULL where it is none; undefined when it never is. */
export function textOf(field: SqlField): string | undefined {
  switch (field.kind) {
    case 'jsonb':
      return `(CASE WHEN jsonb_typeof(${field.sql}) = 'string' THEN ${field.sql} #>> '{}' END)`;
    case 'text':
      return field.sql;
    case 'uuid':
      return `${field.sql}::text`;
    case 'timestamptz':
      return `to_char(${field.sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
    default:
      return undefined;
  }
}

/**
 * The field as a double, NULL where it is no number. A jsonb number can lie outside the doubles (1e400,
 * 1e-400), on which the cast raises an error: JavaScript reads those as infinite (never equal, NULL
 * here) and as zero.
 */
export function numberOf(field: SqlField): string | undefined {
  if (field.kind === 'integer') return `${field.sql}::float8`;
  if (field.kind !== 'jsonb') return undefined;
  // Only numbers lie between two numbers.
  const isDouble = `${field.sql} > '-${OVERFLOW}'::jsonb AND ${field.sql} < '${OVERFLOW}'::jsonb`;
  return `(CASE WHEN ${isDouble} THEN
    CASE WHEN abs((${field.sql})::numeric) < 2.4703282292062328e-324 THEN 0 ELSE (${field.sql})::float8 END END)`;
}

function instantComparison(
  op: Comparison['op'],
  field: SqlField,
  value: Scalar,
  options: SqlOptions,
): string {
  if (typeof value !== 'number') return 'FALSE';
  if (field.kind === 'timestamptz')
    return `${field.sql} ${OPERATORS[op]} ${bind(options, timestampText(value))}::timestamptz`;
  const text = textOf(field);
  if (text === undefined) return 'FALSE';
  const bounds = dayBounds(op, value).map(
    ([side, day]) => `${text} COLLATE "C" ${side} ${bind(options, day)}::text`,
  );
  const exact = `${epochMs(text)} ${OPERATORS[op]} ${bind(options, String(value))}::bigint`;
  // Under AND, so that PostgreSQL tries the cheap bounds of all terms before it parses anything.
  return [...bounds, exact].join(' AND ');
}

const MS_PER_DAY = 86_400_000;
/** By an offset (less than a day) and a day past the end of its month (three) a text can name another day than its instant. */
const DAYS_APART = 4;

/** What the text itself must be like for its instant to compare so: most rows are told apart by it, and never parsed. */
function dayBounds(op: Comparison['op'], value: number): (readonly ['>=' | '<', string])[] {
  const from = ['>=', dayText(value - DAYS_APART * MS_PER_DAY)] as const;
  const to = ['<', dayText(value + (DAYS_APART + 1) * MS_PER_DAY)] as const;
  if (op === 'eq') return [from, to];
  if (op === 'gt' || op === 'gte') return [from];
  return op === 'lt' || op === 'lte' ? [to] : [];
}

/** The day of an instant; before or behind all days that a text can name, one at that end. */
function dayText(ms: number): string {
  return ms > LAST_MS ? '9999-12-32' : formatInstant(Math.max(ms, FIRST_MS)).slice(0, 10);
}

const FIRST_MS = -62_135_596_800_000;
const LAST_MS = 253_402_300_799_999;

/**
 * Epoch milliseconds of an RFC 3339 text, NULL where it is none. The day is added to the first of the
 * month, because the cast refuses a 31st of February, which `parseInstant` carries into March; the
 * fraction is cut to three digits, because the cast would round it. What services write themselves needs neither.
 */
export function epochMs(text: string): string {
  return `(SELECT CASE WHEN t ~ '${INSTANT_PATTERN}' AND t >= '0001' THEN
    CASE WHEN (t LIKE '____-__-__T__:__:__Z' OR t LIKE '____-__-__T__:__:__.___Z') AND substr(t, 9, 2) <= '28'
    THEN (extract(epoch FROM t::timestamptz) * 1000)::bigint ELSE
    floor(extract(epoch FROM (left(t, 7) || '-01 ' || substr(t, 12, 8) || coalesce(substring(t FROM '[.][0-9]{1,3}'), '')
      || upper(substring(t FROM '[Zz]$|[+-][0-9]{2}:[0-9]{2}$')))::timestamptz) * 1000)::bigint
      + (substr(t, 9, 2)::bigint - 1) * 86400000 END END
    FROM (SELECT ${text} COLLATE "C") AS instant(t))`;
}

/** Beyond the years PostgreSQL reads in this form no stored time exists. */
function timestampText(ms: number): string {
  if (ms < FIRST_MS) return '-infinity';
  return ms > LAST_MS ? 'infinity' : formatInstant(ms);
}

function bind(options: SqlOptions, value: unknown): string {
  options.parameters.push(value);
  return `$${options.parameters.length}`;
}
