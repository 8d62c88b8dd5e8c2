import {
  EXPLAIN_LIMITS,
  EXPLAIN_PARAMETERS,
  POLL_PARAMETERS,
  QUERY_PARAMETERS,
  isSlug,
  parseEventId,
} from '@tidewire/contract';
import type { LogPosition } from '@tidewire/contract';
import type { ExplainQuestion } from '../explain/explainer.ts';
import { onlyValue, parseInteger, parseTableWish } from './poll-query.ts';
import { badParameter, parseTopicWish, unknownParameter } from './subscription-query.ts';
import type { QueryEntries } from './subscription-query.ts';

const { principal, event, limit } = EXPLAIN_PARAMETERS;

const EVENT_PARAMETERS: readonly string[] = [principal, event, QUERY_PARAMETERS.token];

/** Names that are no conditions on fields; `filter[name]` is. */
const OWN: ReadonlySet<string> = new Set([
  principal,
  event,
  limit,
  POLL_PARAMETERS.table,
  POLL_PARAMETERS.fields,
]);

const TABLE_PARAMETERS: readonly string[] = [
  principal,
  limit,
  POLL_PARAMETERS.table,
  POLL_PARAMETERS.filter,
  POLL_PARAMETERS.fields,
  QUERY_PARAMETERS.token,
];

/**
 * Reads the query of an explanation: `principal`, and either `event` or what a poll subscribes to.
 *
 * @throws TidewireError MALFORMED_TOPIC, TOO_MANY_SUBSCRIPTIONS, BAD_REQUEST
 */
export function parseExplainQuery(query: QueryEntries, maxTopics: number): ExplainQuestion {
  return { principal: parsePrincipal(query), about: parseAbout(query, maxTopics) };
}

function parseAbout(query: QueryEntries, maxTopics: number): ExplainQuestion['about'] {
  const id = onlyValue(query, event);
  if (id !== undefined) return { event: parseEvent(query, id) };
  const tables = query.values(POLL_PARAMETERS.table).length > 0;
  const topics = query.values(QUERY_PARAMETERS.topic).length > 0;
  if (tables === topics) {
    throw badParameter(event, "Say what to explain: one of 'event', 'topic' and 'table'");
  }
  const { defaultEvents, maxEvents } = EXPLAIN_LIMITS;
  return {
    wanted: tables ? parseTableWish(query, TABLE_PARAMETERS) : parseTopicWish(query, maxTopics, OWN),
    limit: parseInteger(query, limit, { min: 1, max: maxEvents }) ?? defaultEvents,
  };
}

function parseEvent({ entries }: QueryEntries, id: string): LogPosition {
  const unknown = entries.find(([name]) => !EVENT_PARAMETERS.includes(name));
  if (unknown !== undefined) throw unknownParameter(unknown[0], EVENT_PARAMETERS);
  const position = parseEventId(id);
  if (position !== undefined) return position;
  throw badParameter(event, `'${id.slice(0, 100)}' is not an event id: evt-{epoch}-{sequence, 12 digits}`);
}

function parsePrincipal(query: QueryEntries): string | undefined {
  const id = onlyValue(query, principal);
  if (id === undefined || isSlug(id)) return id;
  throw badParameter(principal, `'${id.slice(0, 100)}' is not the id of a principal`);
}
