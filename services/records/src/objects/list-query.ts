import { parseQueryFilter } from '@tidewire/condition';
import type { Condition, FieldTypes } from '@tidewire/condition';
import { LIST_LIMITS, QUERY_PARAMETERS, TidewireError } from '@tidewire/contract';
import type { FieldError } from '@tidewire/contract';
import { nearestName } from '@tidewire/service-kit';
import type { OrderTerm } from './object-repository.ts';

/** What a list request asks for, understood. */
export interface ListRequest {
  readonly filter: Condition;
  readonly search: string | undefined;
  readonly order: readonly OrderTerm[];
  /** The properties to answer with; undefined: all that may be read. System members always come. */
  readonly fields: ReadonlySet<string> | undefined;
  readonly limit: number;
  readonly offset: number;
  readonly page: number;
}

type Entries = readonly (readonly [name: string, value: string])[];

/** Rows are counted from the start of the list to get to an offset: deeper ones cost more than a filter would. */
const MAX_OFFSET = 100_000;
const MAX_ORDER_TERMS = 5;
const MAX_SEARCH_LENGTH = 200;
const MAX_FIELDS = 256;

const { limit, offset, page, order, search, fields, organisation } = QUERY_PARAMETERS;
const KNOWN: readonly string[] = [limit, offset, page, order, search, fields, organisation];
const SORTABLE: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean', 'instant']);

/**
 * Reads the query of a list. `types` knows the fields that the reader may read on at least one row: absent and unreadable
 * ones are refused with the same text.
 *
 * @throws TidewireError UNKNOWN_FIELD, MALFORMED_FILTER, or BAD_REQUEST naming the parameter.
 */
export function parseListQuery(entries: Entries, types: FieldTypes): ListRequest {
  refuseUnknownParameters(entries);
  const pageLimit = readCount(entries, limit, 1, LIST_LIMITS.maxLimit) ?? LIST_LIMITS.defaultLimit;
  const pageNumber = readCount(entries, page, 1, Number.MAX_SAFE_INTEGER);
  const rowOffset =
    readCount(entries, offset, 0, Number.MAX_SAFE_INTEGER) ?? ((pageNumber ?? 1) - 1) * pageLimit;
  if (rowOffset > MAX_OFFSET) {
    throw badParameter(
      pageNumber === undefined ? offset : page,
      `A list is read at most ${MAX_OFFSET} rows deep: narrow it with a filter, such as filter[_created][gt] of the last row.`,
    );
  }
  return {
    filter: readFilter(entries, types),
    search: readSearch(entries),
    order: readOrder(entries, types),
    fields: readFields(entries, types),
    limit: pageLimit,
    offset: rowOffset,
    page: Math.floor(rowOffset / pageLimit) + 1,
  };
}

/** The value of a parameter that may come once. */
export function single(entries: Entries, name: string): string | undefined {
  const values = entries.filter(([key]) => key === name).map(([, value]) => value);
  if (values.length > 1) throw badParameter(name, `${name} is given more than once.`);
  return values[0];
}

function refuseUnknownParameters(entries: Entries): void {
  for (const [name] of entries) {
    const base = /^[^[]*/.exec(name)?.[0] ?? name;
    if (!base.startsWith('_') || KNOWN.includes(base)) continue;
    const nearest = nearestName(base, KNOWN);
    const hint = nearest === undefined ? `known are ${KNOWN.join(', ')}` : `did you mean ${nearest}?`;
    throw badParameter(name, `There is no parameter ${base}; ${hint}`);
  }
}

function readCount(entries: Entries, name: string, min: number, max: number): number | undefined {
  const text = single(entries, name);
  if (text === undefined) return undefined;
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  throw badParameter(name, `${name} is a whole number ${range}.`);
}

function readFilter(entries: Entries, types: FieldTypes): Condition {
  const parsed = parseQueryFilter(entries, types);
  if (parsed.ok) return parsed.condition;
  const errors = parsed.problems.map(({ field, message }): FieldError => ({ field, message }));
  const [first] = parsed.problems;
  const code = parsed.problems.some((problem) => problem.unknownField) ? 'UNKNOWN_FIELD' : 'MALFORMED_FILTER';
  throw new TidewireError(code, first?.message ?? 'The filter is malformed.', { errors });
}

function readSearch(entries: Entries): string | undefined {
  const text = single(entries, search)?.trim();
  if (text === undefined || text === '') return undefined;
  if (text.length > MAX_SEARCH_LENGTH || text.includes('\u0000') || !text.isWellFormed()) {
    throw badParameter(search, `${search} is a text of at most ${MAX_SEARCH_LENGTH} characters.`);
  }
  return text;
}

function readOrder(entries: Entries, types: FieldTypes): OrderTerm[] {
  const terms: OrderTerm[] = [];
  for (const [name, value] of entries) {
    if (name === order) throw badParameter(order, `${order} is written ${order}[field]=asc or desc.`);
    const field = /^_order\[(.+)\]$/.exec(name)?.[1];
    if (field === undefined) {
      if (name.startsWith(`${order}[`))
        throw badParameter(name, `${order} is written ${order}[field]=asc or desc.`);
      continue;
    }
    const target = field === 'id' ? '_uuid' : field;
    const type = types(target);
    if (type === undefined) throw unknownField(field);
    if (!SORTABLE.has(type)) throw badParameter(name, `'${field}' has no order: it is ${article(type)}.`);
    const direction = value.toLowerCase();
    if (direction !== 'asc' && direction !== 'desc') throw badParameter(name, `${name} is asc or desc.`);
    terms.push({ field: target, type, descending: direction === 'desc' });
  }
  if (terms.length > MAX_ORDER_TERMS) {
    throw badParameter(order, `A list is ordered by at most ${MAX_ORDER_TERMS} fields.`);
  }
  // The order of creation does not change under a reader who turns pages.
  return terms.length > 0 ? terms : [{ field: '_created', type: 'instant', descending: false }];
}

function readFields(entries: Entries, types: FieldTypes): ReadonlySet<string> | undefined {
  const names = entries
    .filter(([name]) => name === fields || name === `${fields}[]`)
    .flatMap(([, value]) => value.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) return undefined;
  if (names.length > MAX_FIELDS) throw badParameter(fields, `${fields} has at most ${MAX_FIELDS} names.`);
  for (const name of names) if (name !== 'id' && types(name) === undefined) throw unknownField(name);
  return new Set(names);
}

/** The same words as a filter's, whether the field is absent or unreadable. */
function unknownField(field: string): TidewireError {
  const message = `Unknown field '${field}'`;
  return new TidewireError('UNKNOWN_FIELD', message, { errors: [{ field, message }] });
}

function badParameter(field: string, message: string): TidewireError {
  return new TidewireError('BAD_REQUEST', message, { errors: [{ field, message }] });
}

function article(type: string): string {
  return type === 'object' || type === 'unknown' ? `of type ${type}` : `a ${type}`;
}
