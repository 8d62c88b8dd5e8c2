import { QUERY_PARAMETERS } from '@tidewire/contract';
import { and, type Condition } from './condition.ts';
import type { FieldTypes } from './field-types.ts';
import { FilterBudget, requireLength } from './limits.ts';
import { buildTerm, type OperatorName } from './operator.ts';
import {
  collectProblem,
  FilterError,
  refuse,
  unknownField,
  type ParsedFilter,
  type ConditionProblem,
} from './problem.ts';

/** Query names of the registers face that are never a property; also every name that begins with `_`. */
export const RESERVED_QUERY_NAMES: ReadonlySet<string> = new Set([
  QUERY_PARAMETERS.token,
  QUERY_PARAMETERS.topic,
  QUERY_PARAMETERS.lastEventId,
  QUERY_PARAMETERS.events,
]);

/**
 * The filter in a query string of the registers face: `status=x`, `priority[gte]=3`, `name[~]=jan`,
 * `status[in]=a,b`, and `filter[name]=`, `filter[name][op]=` for every name, reserved and system ones
 * (`_updated`) included; `@self[updated][gte]=` is the same as `filter[_updated][gte]=`. A name given more
 * than once (or as `name[]`) means any of its values. All conditions must hold; texts are case-sensitive.
 * Reserved names are left to the caller.
 */
export function parseQueryFilter(
  query: Iterable<readonly [name: string, value: string]>,
  fields: FieldTypes,
  reserved: ReadonlySet<string> = RESERVED_QUERY_NAMES,
): ParsedFilter {
  const problems: ConditionProblem[] = [];
  const groups = collectProblem(problems, () => groupEntries(query, reserved)) ?? new Map<string, Entry>();
  const budget = new FilterBudget();
  const terms: Condition[] = [];
  for (const entry of groups.values()) {
    const term = collectProblem(problems, () => parseEntry(entry, fields, budget));
    if (term !== undefined) terms.push(term);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, condition: and(...terms) };
}

interface Entry {
  readonly field: string;
  readonly operator: string;
  readonly values: string[];
}

function groupEntries(
  query: Iterable<readonly [string, string]>,
  reserved: ReadonlySet<string>,
): ReadonlyMap<string, Entry> {
  const groups = new Map<string, Entry>();
  let text = '';
  for (const [rawName, rawValue] of query) {
    const [name, value] = rejoin(rawName, rawValue);
    const target = parseName(name, reserved);
    if (target === undefined) continue;
    text += `${name}=${value}&`;
    requireLength(target.field, text);
    const key = JSON.stringify([target.field, target.operator]);
    const entry = groups.get(key) ?? { ...target, values: [] };
    entry.values.push(value);
    groups.set(key, entry);
  }
  return groups;
}

/** A query string is split at its first `=`, which cuts an unescaped `name[>=]=3` in two inside the brackets. */
function rejoin(name: string, value: string): readonly [string, string] {
  const whole = /^([^[\]]+(?:\[[^[\]]*\])+)=(.*)$/s.exec(`${name}=${value}`);
  return name.lastIndexOf('[') > name.lastIndexOf(']') && whole !== null
    ? [whole[1] ?? name, whole[2] ?? value]
    : [name, value];
}

/** `name[part][part]`; undefined when the caller owns the name. */
function parseName(name: string, reserved: ReadonlySet<string>): Omit<Entry, 'values'> | undefined {
  const shape = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name);
  const base = shape?.[1] ?? name;
  const parts = (shape?.[2] ?? '')
    .slice(1, -1)
    .split('][')
    .filter((part) => part !== '');
  if ((base === 'filter' || base === '@self') && parts.length > 0) {
    const [field = '', operator = 'eq', ...rest] = parts;
    if (rest.length > 0) refuse(field, `Cannot read the filter '${name}'`);
    return { field: base === '@self' ? `_${field}` : field, operator };
  }
  if (base.startsWith('_') || reserved.has(base)) return undefined;
  if (shape === null || parts.length > 1) refuse(base, `Cannot read the filter '${name}'`);
  return { field: base, operator: parts[0] ?? 'eq' };
}

function parseEntry(entry: Entry, fields: FieldTypes, budget: FilterBudget): Condition {
  const field = entry.field === 'id' && fields('id') === undefined ? '_uuid' : entry.field;
  const type = fields(field);
  if (type === undefined) throw new FilterError(unknownField(entry.field));
  const meaning = OPERATORS.get(entry.operator);
  if (meaning === undefined) {
    refuse(field, `Unknown operator '${entry.operator}'; known are ${[...OPERATORS.keys()].join(' ')}`);
  }
  if (entry.operator === 'null') return negatedExists(field, entry, budget);
  const { operator, values } = spread(meaning, entry);
  budget.spend(field, values.length);
  if (entry.operator === 'like') return buildTerm({ field, type, ...like(field, values) });
  return buildTerm({ field, type, operator, values });
}

const OPERATORS: ReadonlyMap<string, OperatorName> = new Map<string, OperatorName>([
  ['eq', 'eq'],
  ['=', 'eq'],
  ['===', 'eq'],
  ['ne', 'ne'],
  ['!=', 'ne'],
  ['gt', 'gt'],
  ['>', 'gt'],
  ['gte', 'gte'],
  ['>=', 'gte'],
  ['lt', 'lt'],
  ['<', 'lt'],
  ['lte', 'lte'],
  ['<=', 'lte'],
  ['in', 'in'],
  ['nin', 'nin'],
  ['like', 'contains'],
  ['~', 'contains'],
  ['^', 'startsWith'],
  ['$', 'endsWith'],
  ['exists', 'exists'],
  ['empty', 'empty'],
  ['null', 'exists'],
]);

/** `in=a,b` is a list; a repeated `name=` is one of its values, a repeated `ne` none of them. */
function spread(operator: OperatorName, entry: Entry): { operator: OperatorName; values: readonly string[] } {
  if (operator === 'in' || operator === 'nin') {
    const [only] = entry.values;
    const values = only !== undefined && entry.values.length === 1 ? only.split(',') : entry.values;
    return { operator, values };
  }
  if (entry.values.length > 1 && operator === 'eq') return { operator: 'in', values: entry.values };
  if (entry.values.length > 1 && operator === 'ne') return { operator: 'nin', values: entry.values };
  return { operator, values: entry.values };
}

function negatedExists(field: string, entry: Entry, budget: FilterBudget): Condition {
  budget.spend(field, 1);
  const [value = ''] = entry.values;
  if (!['', 'true', 'false'].includes(value)) refuse(field, `'null' takes true or false`);
  return buildTerm({ field, type: 'unknown', operator: 'exists', values: [value === 'false'] });
}

/** `like`: `%` only at the ends; without it, anywhere in the text. */
function like(
  field: string,
  values: readonly string[],
): { operator: OperatorName; values: readonly string[] } {
  const [pattern = ''] = values;
  const open = pattern.startsWith('%');
  const openEnd = pattern.length > 1 && pattern.endsWith('%');
  const text = pattern.slice(open ? 1 : 0, openEnd ? -1 : undefined);
  if (text.includes('%')) refuse(field, `'like' takes % at the ends of the text only`);
  const operator = open === openEnd ? 'contains' : open ? 'endsWith' : 'startsWith';
  return { operator, values: [text, ...values.slice(1)] };
}
