import { unknownField } from '@tidewire/condition';
import type { Condition, FieldTypes, ParsedFilter } from '@tidewire/condition';
import {
  LIST_LIMITS,
  MAX_FIELD_NAMES,
  QUERY_PARAMETERS,
  TidewireError,
  uuidSchema,
} from '@tidewire/contract';
import type { FieldError } from '@tidewire/contract';
import { nearestName } from '@tidewire/service-kit';
import { parsePollStart } from './object-poll.ts';
import type { PollStart } from './object-poll.ts';
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
  /** Only what changed; undefined: the list itself. */
  readonly poll?: PollTerms | undefined;
}

/** Which changes of a list are wanted. */
export interface PollTerms {
  readonly since: PollStart;
  readonly includeDeleted: boolean;
}

/** The query of a request as it was sent: names may repeat, and their order counts. */
export type Entries = readonly (readonly [name: string, value: string])[];

/** Rows are counted from the start of the list to get to an offset: deeper ones cost more than a filter would. */
const MAX_OFFSET = 100_000;
const MAX_ORDER_TERMS = 5;
const MAX_SEARCH_LENGTH = 200;
const SORTABLE: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean', 'instant']);

/** The value of a parameter that may come once. */
export function single(entries: Entries, name: string): string | undefined {
  const values = entries.filter(([key]) => key === name).map(([, value]) => value);
  if (values.length > 1) throw badParameter(name, `${name} is given more than once.`);
  return values[0];
}

/** An administrator's choice of an organisation. */
export function organisationOf(entries: Entries): string | undefined {
  const text = single(entries, QUERY_PARAMETERS.organisation);
  if (text === undefined) return undefined;
  const parsed = uuidSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new TidewireError('BAD_REQUEST', `${QUERY_PARAMETERS.organisation} is the UUID of an organisation.`);
}

/** Refuses a parameter that nobody knows: ignored, the answer would be to another question. */
export function unknownParameter(name: string, known: readonly string[]): TidewireError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`;
  return badParameter(name, `There is no parameter ${name.slice(0, 100)}; ${hint}`);
}

/** Names of the parameters that say which part of a list is wanted; `deeper` says how to read on beyond the last row. */
export interface PlaceParameters {
  readonly limit: string;
  readonly offset: string;
  readonly page: string;
  readonly deeper: string;
}

/** Which rows of a list are wanted; a page is ignored beside an offset. */
export function readPlace(
  entries: Entries,
  { limit, offset, page, deeper }: PlaceParameters,
): Pick<ListRequest, 'limit' | 'offset' | 'page'> {
  const pageLimit = readCount(entries, limit, 1, LIST_LIMITS.maxLimit) ?? LIST_LIMITS.defaultLimit;
  const pageNumber = readCount(entries, page, 1, Number.MAX_SAFE_INTEGER);
  const rowOffset =
    readCount(entries, offset, 0, Number.MAX_SAFE_INTEGER) ?? ((pageNumber ?? 1) - 1) * pageLimit;
  if (rowOffset > MAX_OFFSET) {
    throw badParameter(
      pageNumber === undefined ? offset : page,
      `A list is read at most ${MAX_OFFSET} rows deep: narrow it with a filter, such as ${deeper} of the last row.`,
    );
  }
  return { limit: pageLimit, offset: rowOffset, page: Math.floor(rowOffset / pageLimit) + 1 };
}

/** Names of the parameters of a poll; `ordering` are those that a poll does not take, because its order is its own. */
export interface PollParameters {
  readonly updatedSince: string;
  readonly includeDeleted: string;
  readonly ordering: readonly string[];
}

/** Which changes are asked for; undefined when it is the list itself. */
export function readPoll(
  entries: Entries,
  { updatedSince, includeDeleted, ordering }: PollParameters,
): PollTerms | undefined {
  const since = single(entries, updatedSince);
  const deleted = single(entries, includeDeleted);
  if (deleted !== undefined && deleted !== 'true' && deleted !== 'false') {
    throw badParameter(includeDeleted, `${includeDeleted} is true or false.`);
  }
  if (since === undefined) {
    if (deleted !== 'true') return undefined;
    throw badParameter(
      includeDeleted,
      `${includeDeleted} goes with ${updatedSince}: a list has no deleted rows.`,
    );
  }
  const ordered = entries.find(([name]) => ordering.includes(/^[^[]*/.exec(name)?.[0] ?? name));
  if (ordered !== undefined) {
    throw badParameter(
      ordered[0],
      `With ${updatedSince} rows come in the order of their last change, from one answer's next.`,
    );
  }
  return { since: parsePollStart(since, updatedSince), includeDeleted: deleted === 'true' };
}

function readCount(entries: Entries, name: string, min: number, max: number): number | undefined {
  const text = single(entries, name);
  if (text === undefined) return undefined;
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  throw badParameter(name, `${name} is a whole number ${range}.`);
}

/** @throws TidewireError UNKNOWN_FIELD or MALFORMED_FILTER with what the parser says. */
export function requireFilter(parsed: ParsedFilter): Condition {
  if (parsed.ok) return parsed.condition;
  const errors = parsed.problems.map(({ field, message }): FieldError => ({ field, message }));
  const [first] = parsed.problems;
  const code = parsed.problems.some((problem) => problem.unknownField) ? 'UNKNOWN_FIELD' : 'MALFORMED_FILTER';
  throw new TidewireError(code, first?.message ?? 'The filter is malformed.', { errors });
}

/** The text to look for; undefined when there is none. */
export function readSearch(entries: Entries, name: string): string | undefined {
  const text = single(entries, name)?.trim();
  if (text === undefined || text === '') return undefined;
  if (text.length > MAX_SEARCH_LENGTH || text.includes('\u0000') || !text.isWellFormed()) {
    throw badParameter(name, `${name} is a text of at most ${MAX_SEARCH_LENGTH} characters.`);
  }
  return text;
}

/** A term of an order as it was asked for; `field` is the public name, `target` the one that rows have. */
export interface AskedOrder {
  readonly parameter: string;
  readonly field: string;
  readonly target: string;
  readonly direction: string;
}

/** The order of a list; that of creation when none is asked for, because it does not change under a reader who turns pages. */
export function readOrderTerms(asked: readonly AskedOrder[], types: FieldTypes): OrderTerm[] {
  const [beyond] = asked.slice(MAX_ORDER_TERMS);
  if (beyond !== undefined) {
    throw badParameter(beyond.parameter, `A list is ordered by at most ${MAX_ORDER_TERMS} fields.`);
  }
  const terms = asked.map(({ parameter, field, target, direction }): OrderTerm => {
    const type = types(target);
    if (type === undefined) throw unknownFieldError(field);
    if (!SORTABLE.has(type))
      throw badParameter(parameter, `'${field}' has no order: it is ${article(type)}.`);
    const wanted = direction.toLowerCase();
    if (wanted !== 'asc' && wanted !== 'desc') throw badParameter(parameter, `${parameter} is asc or desc.`);
    return { field: target, type, descending: wanted === 'desc' };
  });
  return terms.length > 0 ? terms : [{ field: '_created', type: 'instant', descending: false }];
}

/** Names in a list that is separated by commas, in one parameter or several; undefined when none of them was given. */
export function readFieldNames(
  entries: Entries,
  parameters: readonly string[],
  isKnown: (name: string) => boolean,
): ReadonlySet<string> | undefined {
  const [parameter = ''] = parameters;
  const lists = entries.filter(([name]) => parameters.includes(name)).map(([, value]) => value.split(','));
  if (lists.length === 0) return undefined;
  const names = new Set(lists.flat().map((name) => name.trim()));
  names.delete('');
  // None at all is a mistake in the question; taking it for "all" would answer with what was not asked for.
  if (names.size === 0 || names.size > MAX_FIELD_NAMES)
    throw badParameter(parameter, `${parameter} takes 1 to ${MAX_FIELD_NAMES} names, separated by commas.`);
  for (const name of names) if (!isKnown(name)) throw unknownFieldError(name);
  return names;
}

/** The same words as a filter's, whether the field is absent or unreadable. */
export function unknownFieldError(field: string): TidewireError {
  const { message } = unknownField(field);
  return new TidewireError('UNKNOWN_FIELD', message, { errors: [{ field, message }] });
}

/** The refusal of a query parameter. */
export function badParameter(field: string, message: string): TidewireError {
  return new TidewireError('BAD_REQUEST', message, { errors: [{ field, message }] });
}

function article(type: string): string {
  return type === 'object' || type === 'unknown' ? `of type ${type}` : `a ${type}`;
}
