import { POLL_LIMITS, POLL_PARAMETERS, QUERY_PARAMETERS } from '@tidewire/contract';
import type { Wanted } from '../transports/stream-opener.ts';
import {
  badParameter,
  parseFields,
  parseTopicWish,
  readQuery,
  unknownParameter,
} from './subscription-query.ts';
import type { QueryEntries } from './subscription-query.ts';

/** A poll as its query states it; whether the things named exist is not looked at here. */
export interface PollQuery {
  readonly wanted: Wanted;
  readonly lastEventId: string | undefined;
  readonly timeoutMs: number;
  /** Events of one answer. */
  readonly limit: number;
}

/** Names that mean something to a poll of topics and are no conditions there; `filter[name]` is. */
const OWN: ReadonlySet<string> = new Set([
  POLL_PARAMETERS.table,
  POLL_PARAMETERS.fields,
  POLL_PARAMETERS.timeoutMs,
  POLL_PARAMETERS.limit,
]);

const TABLE_PARAMETERS: readonly string[] = [
  POLL_PARAMETERS.table,
  POLL_PARAMETERS.filter,
  POLL_PARAMETERS.fields,
  QUERY_PARAMETERS.lastEventId,
  POLL_PARAMETERS.timeoutMs,
  POLL_PARAMETERS.limit,
  QUERY_PARAMETERS.token,
];

/**
 * Reads the query of a poll: topics as a stream takes them, or one `table` with `filter` and `fields`; `lastEventId`,
 * `timeoutMs` and `limit` for both.
 *
 * @throws TidewireError MALFORMED_TOPIC, BAD_REQUEST
 */
export function parsePollQuery(url: string, maxTopics: number): PollQuery {
  const query = readQuery(url);
  const { values } = query;
  const { defaultTimeoutMs, maxTimeoutMs, defaultLimit, maxLimit } = POLL_LIMITS;
  const tables = values(POLL_PARAMETERS.table);
  if (tables.length > 0 && values(QUERY_PARAMETERS.topic).length > 0) {
    throw badParameter(POLL_PARAMETERS.table, 'A poll is of topics or of a table, not of both');
  }
  return {
    wanted:
      tables.length > 0 ? parseTableWish(query, TABLE_PARAMETERS) : parseTopicWish(query, maxTopics, OWN),
    lastEventId: values(QUERY_PARAMETERS.lastEventId)[0],
    timeoutMs:
      parseInteger(query, POLL_PARAMETERS.timeoutMs, { min: 0, max: maxTimeoutMs }) ?? defaultTimeoutMs,
    limit: parseInteger(query, POLL_PARAMETERS.limit, { min: 1, max: maxLimit }) ?? defaultLimit,
  };
}

/**
 * What a query asks of a table. `known`: every parameter that the request has.
 *
 * @throws TidewireError BAD_REQUEST
 */
export function parseTableWish(query: QueryEntries, known: readonly string[]): Wanted {
  const unknown = query.entries.find(([name]) => !known.includes(name));
  if (unknown !== undefined) throw unknownParameter(unknown[0], known);
  const table = onlyValue(query, POLL_PARAMETERS.table) ?? '';
  if (table === '') throw badParameter(POLL_PARAMETERS.table, 'The slug of a table is required');
  return {
    from: table,
    wish: {
      filter: onlyValue(query, POLL_PARAMETERS.filter) ?? '',
      fields: parseFields(POLL_PARAMETERS.fields, query.values(POLL_PARAMETERS.fields)),
    },
    actions: undefined,
  };
}

/** The value of a parameter that may be given once. @throws TidewireError BAD_REQUEST */
export function onlyValue({ values }: QueryEntries, name: string): string | undefined {
  const [value, ...others] = values(name);
  if (others.length > 0) throw badParameter(name, `${name} may be given once`);
  return value;
}

/** A whole number; undefined when it was not given. @throws TidewireError BAD_REQUEST */
export function parseInteger(
  query: QueryEntries,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  const text = onlyValue(query, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw badParameter(name, `${name} is a whole number from ${min} to ${max}`);
}
