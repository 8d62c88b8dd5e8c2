import { RESERVED_QUERY_NAMES } from '@tidewire/condition';
import {
  EVENT_NAMES,
  QUERY_PARAMETERS,
  TOPIC_PATTERNS,
  TidewireError,
  formatTopic,
  parseTopic,
} from '@tidewire/contract';
import type { ObjectAction, Topic } from '@tidewire/contract';

/** A subscribe request as its query states it; whether the things named exist is not looked at here. */
export interface SubscriptionQuery {
  readonly topics: readonly Topic[];
  /** The parameters that are conditions on fields; parsed per schema, because fields have types there. */
  readonly filter: readonly (readonly [name: string, value: string])[];
  /** Names of `_fields`; undefined when all readable fields are wanted. */
  readonly fields: readonly string[] | undefined;
  /** Actions of `events`; undefined when all are wanted. */
  readonly actions: readonly ObjectAction[] | undefined;
  readonly lastEventId: string | undefined;
}

const LONGEST_QUERY = 16 * 1024;
const MOST_FIELDS = 200;

/**
 * Reads the query of a subscribe request: `topic=`, repeated or as `topic[]=`, `filter[…]=`, `_fields=a,b`,
 * `events=object.created,…`, `lastEventId=`.
 *
 * @throws TidewireError MALFORMED_TOPIC for the first topic of no valid form (one bad topic refuses all), BAD_REQUEST
 * for everything else that cannot be read.
 */
export function parseSubscriptionQuery(url: string, maxTopics: number): SubscriptionQuery {
  const text = url.slice(url.indexOf('?') + 1);
  if (!url.includes('?')) throw malformedTopic('');
  if (text.length > LONGEST_QUERY) throw new TidewireError('BAD_REQUEST', 'The query is longer than 16 KiB');
  const entries = [...new URLSearchParams(text)];
  const values = (name: string): string[] =>
    entries.filter(([key]) => key === name || key === `${name}[]`).map(([, value]) => value);
  return {
    topics: parseTopics(values(QUERY_PARAMETERS.topic), maxTopics),
    filter: entries.filter(([name]) => isFilterName(name)),
    fields: parseFields(values(QUERY_PARAMETERS.fields)),
    actions: parseActions(values(QUERY_PARAMETERS.events)),
    lastEventId: values(QUERY_PARAMETERS.lastEventId)[0],
  };
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

function parseFields(lists: readonly string[]): readonly string[] | undefined {
  if (lists.length === 0) return undefined;
  const names = [...new Set(lists.flatMap((list) => list.split(',')))].filter((name) => name !== '');
  if (names.length > 0 && names.length <= MOST_FIELDS) return names;
  throw badParameter(QUERY_PARAMETERS.fields, `_fields takes 1 to ${MOST_FIELDS} names, separated by commas`);
}

/** The names that a filter is made of: `status`, `filter[status][gte]`, `@self[updated]`. */
function isFilterName(name: string): boolean {
  const base = name.split('[', 1)[0] ?? name;
  return !base.startsWith('_') && !RESERVED_QUERY_NAMES.has(base);
}

const ACTION_BY_EVENT: ReadonlyMap<string, ObjectAction> = new Map(
  Object.entries(EVENT_NAMES).map(([action, name]) => [name, action as ObjectAction]),
);

function parseActions(lists: readonly string[]): readonly ObjectAction[] | undefined {
  if (lists.length === 0) return undefined;
  const actions = new Set<ObjectAction>();
  for (const name of lists.flatMap((list) => list.split(','))) {
    const action = ACTION_BY_EVENT.get(name);
    if (action === undefined) {
      const known = [...ACTION_BY_EVENT.keys()].join(', ');
      throw badParameter(
        QUERY_PARAMETERS.events,
        `'${name.slice(0, 100)}' is not an event; known are ${known}`,
      );
    }
    actions.add(action);
  }
  return [...actions];
}

function badParameter(field: string, message: string): TidewireError {
  return new TidewireError('BAD_REQUEST', message, { errors: [{ field, message }] });
}
