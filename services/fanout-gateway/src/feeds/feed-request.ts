import {
  FEED_LIMITS,
  TidewireError,
  feedRequestSchema,
  parseTopic,
  topicFilterSchema,
} from '@tidewire/contract';
import type { FeedRequest, Topic } from '@tidewire/contract';
import { parseInput, parseJsonBody } from '@tidewire/service-kit';
import { readActions } from '../transports/stream-actions.ts';
import type { Wanted } from '../transports/stream-opener.ts';
import { queryOfFilter } from '../transports/topic-filter.ts';

/**
 * The request that a text holds; whether what it names exists is not looked at here.
 *
 * @throws TidewireError BAD_REQUEST for what is not JSON, VALIDATION_ERROR naming what cannot be read, PAYLOAD_TOO_LARGE.
 */
export function parseFeedRequest(text: string): FeedRequest {
  if (text.length > FEED_LIMITS.maxRequestBytes) {
    throw new TidewireError('PAYLOAD_TOO_LARGE', 'The request is too large');
  }
  return parseInput(feedRequestSchema, text === '' ? {} : parseJsonBody(text), 'request');
}

/**
 * What a feed is to follow, as every transport opens it.
 *
 * @throws TidewireError MALFORMED_TOPIC for the first topic of no valid form, BAD_REQUEST, TOO_MANY_SUBSCRIPTIONS.
 */
export function readWanted(request: FeedRequest, maxTopics: number): Wanted {
  const { topics, tables, fields, events, sort } = request;
  if ((topics === undefined) === (tables === undefined)) {
    throw new TidewireError('BAD_REQUEST', 'A feed follows topics, or a table: one of both');
  }
  const [table] = tables ?? [];
  if (table !== undefined) {
    if (events !== undefined) throw bad('events', 'events are chosen of topics only');
    return { from: table, wish: { filter: tableFilter(request), fields, sort }, actions: undefined };
  }
  if (sort !== undefined) throw bad('sort', 'an order is of tables only');
  return {
    from: readTopics(topics ?? [], maxTopics),
    wish: { filter: topicFilter(request), fields },
    actions: events && readActions(events),
  };
}

function readTopics(texts: readonly string[], maxTopics: number): readonly Topic[] {
  if (texts.length > maxTopics) {
    throw new TidewireError('TOO_MANY_SUBSCRIPTIONS', `A feed has at most ${maxTopics} topics`);
  }
  return texts.map((text) => {
    const topic = parseTopic(text);
    if (topic !== undefined) return topic;
    throw new TidewireError('MALFORMED_TOPIC', `'${text.slice(0, 200)}' is not a topic`, {
      errors: [{ field: 'topics', message: `'${text.slice(0, 200)}' is not a topic` }],
    });
  });
}

function tableFilter({ filter = '' }: FeedRequest): string {
  return typeof filter === 'string' ? filter : JSON.stringify(filter);
}

function topicFilter({ filter = {} }: FeedRequest): ReturnType<typeof queryOfFilter> {
  const parsed = topicFilterSchema.safeParse(filter);
  if (parsed.success) return queryOfFilter(parsed.data);
  throw bad('filter', 'a filter of topics is {field: value} or {field: {operator: value}}');
}

function bad(field: string, message: string): TidewireError {
  return new TidewireError('BAD_REQUEST', message, { errors: [{ field, message }] });
}
