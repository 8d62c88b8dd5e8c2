import { z } from 'zod';
import topicListExample from '../../examples/topic-list.json' with { type: 'json' };
import topicPollExample from '../../examples/topic-poll.json' with { type: 'json' };
import streamStatusExample from '../../examples/stream-status.json' with { type: 'json' };
import { EVENT_NAMES, cloudEventSchema } from '../cloud-event.ts';
import { credentialExpiringSchema } from '../connection.ts';
import { eventIdSchema } from '../event-id.ts';
import { slugSchema } from '../identifier.ts';
import { QUERY_PARAMETERS } from '../object.ts';
import { POLL_LIMITS, POLL_PARAMETERS } from '../poll-limits.ts';
import { tablePollSchema, topicPollSchema } from '../poll.ts';
import { SSE_EVENTS, resyncSchema, streamEndSchema, streamStatusSchema, topicListSchema } from '../stream.ts';
import { topicSchema } from '../topic.ts';
import type { Operation, OperationParameter } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'fanout-gateway', tag: 'realtime', authentication: 'required' } as const;

/** What a subscription of any transport asks for. */
export const SUBSCRIPTION_PARAMETERS = Object.freeze({
  topic: {
    name: QUERY_PARAMETERS.topic,
    in: 'query',
    required: true,
    schema: z.array(topicSchema).min(1),
    description:
      'What to subscribe to; may be repeated. `register/{slug}`, `register/{slug}/schema/{slug}`, `object/{uuid}` or ' +
      '`organisation/{uuid}`. One bad topic refuses the whole request.',
    example: ['register/meldingen-register/schema/meldingen'],
  },
  events: {
    name: QUERY_PARAMETERS.events,
    in: 'query',
    schema: z.string(),
    description: `Only these events, separated by commas: ${Object.values(EVENT_NAMES).join(', ')}.`,
    example: 'object.created,object.updated',
  },
  lastEventId: {
    name: QUERY_PARAMETERS.lastEventId,
    in: 'query',
    schema: z.string(),
    description:
      'The cursor: the id of the last event that was handled, or the position of a list. What happened since then comes ' +
      'first. The header `Last-Event-ID` wins, because an EventSource that reconnects repeats its old address.',
    example: 'evt-mwrd70tk-000000000041',
  },
} as const satisfies Record<string, OperationParameter>);

/** `/api/realtime`. */
export const REALTIME_OPERATIONS = [
  {
    ...shared,
    id: 'subscribe',
    method: 'GET',
    path: '/api/realtime/subscribe',
    summary: 'Stream events',
    description:
      'Server-Sent Events: each change of the topics that the caller may see, trimmed to what it may see, as it happens. ' +
      '`id:` is the cursor to come back with. An `event: resync` says that events may be missing: fetch again. What is ' +
      'transient is never answered 5xx to a client that accepts `text/event-stream`, because an EventSource would stay ' +
      'closed: the answer is an empty stream with `retry:`. An operator may admit anonymous subscribers to what a `public` ' +
      'rule allows. A request that asks for an upgrade becomes a WebSocket, whose handshakes say what it is to be told of.',
    parameters: [
      SUBSCRIPTION_PARAMETERS.topic,
      PARAMETERS.filter,
      PARAMETERS.fields,
      SUBSCRIPTION_PARAMETERS.events,
      SUBSCRIPTION_PARAMETERS.lastEventId,
      {
        name: 'Last-Event-ID',
        in: 'header',
        schema: eventIdSchema,
        description: 'The cursor, as an EventSource sends it by itself.',
        example: 'evt-mwrd70tk-000000000041',
      },
    ],
    answers: {
      200: {
        description: 'The stream. It lasts until one side ends it.',
        mediaType: 'text/event-stream',
        events: {
          [EVENT_NAMES.created]: cloudEventSchema,
          [EVENT_NAMES.updated]: cloudEventSchema,
          [EVENT_NAMES.deleted]: cloudEventSchema,
          [SSE_EVENTS.resync]: resyncSchema,
          [SSE_EVENTS.end]: streamEndSchema,
          [SSE_EVENTS.credentialExpiring]: credentialExpiringSchema,
        },
        example:
          ': connection 7c1e0f5a-3b1d-4a52-8f6e-2d9c1b0a4e77\nretry: 3000\nid: evt-mwrd70tk-000000000041\n\n' +
          'id: evt-mwrd70tk-000000000042\nevent: object.deleted\ndata: {"specversion":"1.0", ...}\n\n',
        headers: ['Tidewire-Connection', 'Tidewire-Protocol'],
      },
    },
    errors: [
      'MALFORMED_TOPIC',
      'MALFORMED_FILTER',
      'UNKNOWN_FIELD',
      'FORBIDDEN',
      'NOT_FOUND',
      'TOO_MANY_CONNECTIONS',
      'TOO_MANY_SUBSCRIPTIONS',
    ],
  },
  {
    ...shared,
    id: 'poll',
    method: 'GET',
    path: '/api/realtime/poll',
    summary: 'Poll for events',
    description:
      'For those who cannot keep a stream open: what happened after `lastEventId`, at once when there is something, ' +
      'otherwise as soon as there is, and an empty list when the time is up. `lastEventId` of the answer goes into the next ' +
      'poll, to any gateway; nothing is missed in between. Either `topic` or `table` is given: topics are answered with ' +
      '`events`, which are CloudEvents, a table with `messages`. A `resync` says that events may be missing: fetch again, ' +
      'then go on from `lastEventId`.',
    parameters: [
      { ...SUBSCRIPTION_PARAMETERS.topic, required: false },
      {
        name: POLL_PARAMETERS.table,
        in: 'query',
        schema: slugSchema,
        description: 'The slug of a table, instead of topics.',
        example: 'meldingen',
      },
      {
        name: POLL_PARAMETERS.filter,
        in: 'query',
        schema: z.union([z.string(), z.record(z.string(), z.string())]),
        description:
          'For a table `field:operator:value`, or JSON: `{field, operator, value}`, a list of them, `{and: [...]}` or ' +
          '`{or: [...]}`. For topics `filter[field][operator]=value`, as on a stream.',
        example: 'status:eq:nieuw',
      },
      {
        name: POLL_PARAMETERS.fields,
        in: 'query',
        schema: z.string(),
        description: 'Only these fields, separated by commas. For topics `_fields` is the same.',
        example: 'titel,status',
      },
      {
        ...SUBSCRIPTION_PARAMETERS.events,
        description: `For topics. ${SUBSCRIPTION_PARAMETERS.events.description}`,
      },
      {
        ...SUBSCRIPTION_PARAMETERS.lastEventId,
        description:
          'The cursor: `lastEventId` of the last answer, an event id of any transport, or the position of a list. Without ' +
          'it the poll waits for what happens from now on.',
      },
      {
        name: POLL_PARAMETERS.timeoutMs,
        in: 'query',
        schema: z.int().min(0).max(POLL_LIMITS.maxTimeoutMs).default(POLL_LIMITS.defaultTimeoutMs),
        description: 'How long to wait for the first event, milliseconds; 0 does not wait.',
        example: 25_000,
      },
      {
        name: POLL_PARAMETERS.limit,
        in: 'query',
        schema: z.int().min(1).max(POLL_LIMITS.maxLimit).default(POLL_LIMITS.defaultLimit),
        description: 'How many events one answer has at most.',
        example: 100,
      },
    ],
    answers: {
      200: {
        description: 'Events in the order of the log, or none, and the cursor of the next poll.',
        schema: z.union([topicPollSchema, tablePollSchema]),
        example: topicPollExample,
        headers: ['Tidewire-Protocol'],
      },
    },
    errors: [
      'CREDENTIAL_ENDED',
      'CONNECTION_ENDED',
      'GONE',
      'MALFORMED_TOPIC',
      'MALFORMED_FILTER',
      'UNKNOWN_FIELD',
      'NOT_FOUND',
      'TOO_MANY_CONNECTIONS',
      'TOO_MANY_SUBSCRIPTIONS',
    ],
  },
  {
    ...shared,
    id: 'listTopics',
    method: 'GET',
    path: '/api/realtime/topics',
    summary: 'List topics',
    description: 'What the caller may subscribe to, and the four forms of topics.',
    answers: { 200: { description: 'Topics.', schema: topicListSchema, example: topicListExample } },
  },
  {
    ...shared,
    id: 'getStreamStatus',
    method: 'GET',
    path: '/api/realtime/status',
    summary: 'State of the streams',
    description:
      "The caller's own connections and subscriptions, how far back a cursor may lie, and whether events are delivered.",
    answers: { 200: { description: 'Status.', schema: streamStatusSchema, example: streamStatusExample } },
  },
] as const satisfies readonly Operation[];
