import { RESERVED_QUERY_NAMES } from '@tidewire/condition';
import {
  MAX_FIELD_NAMES,
  POLL_PARAMETERS,
  QUERY_PARAMETERS,
  TOPIC_PATTERNS,
  TidewireError,
  formatTopic,
  parseTopic,
} from '@tidewire/contract';
import type { ObjectAction, Topic } from '@tidewire/contract';
import { readActions } from '../transports/stream-actions.ts';
import type { Wanted } from '../transports/stream-opener.ts';

/** A subscribe request as its query states it; whether the things named exist is not looked at here. */
export interface SubscriptionQuery {
  readonly wanted: Wanted;
  readonly lastEventId: string | undefined;
}

const LONGEST_QUERY = 16 * 1024;

/** What a stream takes besides conditions on fields; whatever else begins with `_` is a mistake. */
const STREAM_PARAMETERS: readonly string[] = [
  QUERY_PARAMETERS.topic,
  QUERY_PARAMETERS.filter,
  QUERY_PARAMETERS.fields,
  QUERY_PARAMETERS.events,
  QUERY_PARAMETERS.lastEventId,
  QUERY_PARAMETERS.token,
];

/** The entries of a query string, and all values of one name, given once, repeatedly, or as `name[]`. */
export interface QueryEntries {
  readonly entries: readonly (readonly [name: string, value: string])[];
  readonly values: (name: string) => string[];
}

/** @throws TidewireError BAD_REQUEST for a query that is too long. */
export function readQuery(url: string): QueryEntries {
  const text = url.includes('?') ? url.slice(url.indexOf('?') + 1) : '';
  if (text.length > LONGEST_QUERY) throw new TidewireError('BAD_REQUEST', 'The query is longer than 16 KiB');
  return queryOf([...new URLSearchParams(text)]);
}

/** The same of entries that came otherwise. */
export function queryOf(entries: QueryEntries['entries']): QueryEntries {
  return {
    entries,
    values: (name) =>
      entries.filter(([key]) => key === name || key === `${name}[]`).map(([, value]) => value),
  };
}

/**
 * Reads the query of a subscribe request: `topic=`, repeated or as `topic[]=`, `filter[…]=`, `_fields=a,b`,
 * `events=object.created,…`, `lastEventId=`.
 *
 * @throws TidewireError MALFORMED_TOPIC for the first topic of no valid form (one bad topic refuses all), BAD_REQUEST
 * for everything else that cannot be read.
 */
export function parseSubscriptionQuery(url: string, maxTopics: number): SubscriptionQuery {
  const query = readQuery(url);
  return {
    wanted: parseTopicWish(query, maxTopics, NO_PARAMETERS),
    lastEventId: query.values(QUERY_PARAMETERS.lastEventId)[0],
  };
}

const NO_PARAMETERS: ReadonlySet<string> = new Set();

/**
 * What a query asks of topics. `own`: parameters that the request has besides, which are no conditions then.
 *
 * @throws TidewireError MALFORMED_TOPIC, BAD_REQUEST
 */
export function parseTopicWish(
  { entries, values }: QueryEntries,
  maxTopics: number,
  own: ReadonlySet<string>,
): Wanted {
  for (const [name] of entries) {
    const base = baseOf(name);
    if (base.startsWith('_') && base !== QUERY_PARAMETERS.fields) {
      throw unknownParameter(name, [...STREAM_PARAMETERS, ...own]);
    }
  }
  const fields = values(QUERY_PARAMETERS.fields);
  if (own.has(POLL_PARAMETERS.fields)) fields.push(...values(POLL_PARAMETERS.fields));
  return {
    from: parseTopics(values(QUERY_PARAMETERS.topic), maxTopics),
    wish: {
      filter: entries.filter(([name]) => isFilterName(name) && !own.has(baseOf(name))),
      fields: parseFields(QUERY_PARAMETERS.fields, fields),
    },
    actions: parseActions(values(QUERY_PARAMETERS.events)),
  };
}

/** A parameter that nothing would have read: whoever sent it believes in something that is not done. */
export function unknownParameter(name: string, known: readonly string[]): TidewireError {
  const shown = name.slice(0, 100);
  const base = baseOf(shown);
  const hint = name.startsWith('_')
    ? `; a condition on it is written filter[${base}]${shown.slice(base.length)}`
    : '';
  return badParameter(
    shown,
    `'${shown}' is not a parameter here; known are ${[...new Set(known)].join(', ')}${hint}`,
  );
}

function parseTopics(texts: readonly string[], maxTopics: number): Topic[] {
  if (texts.length === 0) throw malformedTopic('');
  const topics = new Map<string, Topic>();
  for (const text of texts) {
    const topic = parseTopic(text);
    if (topic === undefined) throw malformedTopic(text);
    topics.set(formatTopic(topic), topic);
  }
  if (topics.size > maxTopics) {
    throw new TidewireError('TOO_MANY_SUBSCRIPTIONS', `A connection has at most ${maxTopics} topics`);
  }
  return [...topics.values()];
}

/** The refusal names what was sent and every form that would have been right. */
function malformedTopic(text: string): TidewireError {
  const forms = TOPIC_PATTERNS.join(', ');
  const what = text === '' ? 'A topic is required' : `'${text.slice(0, 200)}' is not a topic`;
  const message = `${what}; valid forms are ${forms}`;
  return new TidewireError('MALFORMED_TOPIC', message, { errors: [{ field: 'topic', message }] });
}

/** Names of fields, separated by commas; undefined when the parameter `name` was not given. */
export function parseFields(name: string, lists: readonly string[]): readonly string[] | undefined {
  if (lists.length === 0) return undefined;
  const names = [...new Set(lists.flatMap((list) => list.split(',')).map((each) => each.trim()))].filter(
    (each) => each !== '',
  );
  if (names.length > 0 && names.length <= MAX_FIELD_NAMES) return names;
  throw badParameter(name, `${name} takes 1 to ${MAX_FIELD_NAMES} names, separated by commas`);
}

/** The names that a filter is made of: `status`, `filter[status][gte]`, `@self[updated]`. */
function isFilterName(name: string): boolean {
  const base = baseOf(name);
  return !base.startsWith('_') && !RESERVED_QUERY_NAMES.has(base);
}

function baseOf(name: string): string {
  return name.split('[', 1)[0] ?? name;
}

function parseActions(lists: readonly string[]): readonly ObjectAction[] | undefined {
  return lists.length === 0 ? undefined : readActions(lists.flatMap((list) => list.split(',')));
}

/** The refusal of one parameter. */
export function badParameter(field: string, message: string): TidewireError {
  return new TidewireError('BAD_REQUEST', message, { errors: [{ field, message }] });
}
