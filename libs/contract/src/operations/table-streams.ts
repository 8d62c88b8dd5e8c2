import { z } from 'zod';
import tableHandshakeExample from '../../examples/table-handshake.json' with { type: 'json' };
import topicHandshakeExample from '../../examples/topic-handshake.json' with { type: 'json' };
import { handshakesSchema } from '../client-message.ts';
import { referenceSchema } from '../definition.ts';
import { eventIdSchema } from '../event-id.ts';
import { joinSchema, leaveSchema, pagePathSchema, presenceSyncSchema } from '../presence.ts';
import { SSE_EVENTS, streamEndSchema } from '../stream.ts';
import {
  connectionStatusSchema,
  credentialExpiringMessageSchema,
  errorMessageSchema,
  heartbeatSchema,
  resyncMessageSchema,
  subscribedSchema,
  topicEventSchema,
  unsubscribedSchema,
} from '../stream-message.ts';
import { TABLE_QUERY_PARAMETERS } from '../table.ts';
import { tableChangeSchema } from '../table-message.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';
import { SUBSCRIPTION_PARAMETERS } from './realtime.ts';

const shared = { service: 'fanout-gateway', tag: 'realtime', authentication: 'required' } as const;

const stream = {
  description: 'The stream. It lasts until one side ends it.',
  mediaType: 'text/event-stream',
  headers: ['Tidewire-Connection', 'Tidewire-Protocol'],
} as const;

/** Messages without an `event:` name, told apart by their `type`. */
const tableAnswer = {
  ...stream,
  events: {
    message: z.union([
      subscribedSchema,
      tableChangeSchema,
      heartbeatSchema,
      resyncMessageSchema,
      connectionStatusSchema,
      credentialExpiringMessageSchema,
    ]),
    [SSE_EVENTS.end]: streamEndSchema,
  },
  example:
    ': connection 7c1e0f5a-3b1d-4a52-8f6e-2d9c1b0a4e77\nretry: 3000\nid: evt-mwrd70tk-000000000041\n\n' +
    'data: {"type":"subscribed","table":"orders","subscriptionId":"orders", ...}\n\n' +
    'id: evt-mwrd70tk-000000000042\ndata: {"type":"change","subscriptionId":"orders","event":"insert", ...}\n\n',
} as const;

const tableStream = {
  ...shared,
  method: 'GET',
  parameters: [
    {
      name: 'table',
      in: 'path',
      schema: referenceSchema,
      description: 'Slug of the table, or UUID of its schema.',
      example: 'orders',
    },
    {
      name: TABLE_QUERY_PARAMETERS.filter,
      in: 'query',
      schema: z.string().max(4096),
      description:
        'Only records that match: `field:operator:value`, or JSON: `{field, operator, value}`, a list of them, ' +
        '`{and: [...]}` or `{or: [...]}`. A record that begins to match is an `insert`, one that ceases to a `delete`.',
      example: 'status:eq:processing',
    },
    { ...PARAMETERS.fields, name: TABLE_QUERY_PARAMETERS.fields, example: 'status,total' },
    {
      name: TABLE_QUERY_PARAMETERS.sort,
      in: 'query',
      schema: z.string().max(1000),
      description:
        'Up to five fields with `asc` or `desc`. The client keeps the order: each change has the values as `sortKey`.',
      example: 'total:desc',
    },
    SUBSCRIPTION_PARAMETERS.lastEventId,
    {
      name: 'Last-Event-ID',
      in: 'header',
      schema: eventIdSchema,
      description: 'The cursor, as an EventSource sends it by itself.',
      example: 'evt-mwrd70tk-000000000041',
    },
  ],
  answers: { 200: tableAnswer },
  errors: [
    'MALFORMED_FILTER',
    'UNKNOWN_FIELD',
    'FORBIDDEN',
    'NOT_FOUND',
    'TOO_MANY_CONNECTIONS',
    'TOO_MANY_SUBSCRIPTIONS',
  ],
} as const;

/** The same messages for several subscriptions, each of which names its own. */
const severalAnswer = {
  ...stream,
  description:
    'The stream, also where every subscription is refused: it ends when none of them is left, and otherwise lasts until ' +
    'one side ends it.',
  events: {
    message: z.union([
      subscribedSchema,
      tableChangeSchema,
      topicEventSchema,
      heartbeatSchema,
      resyncMessageSchema,
      errorMessageSchema,
      unsubscribedSchema,
      connectionStatusSchema,
      credentialExpiringMessageSchema,
    ]),
    [SSE_EVENTS.end]: streamEndSchema,
  },
  example:
    ': connection 7c1e0f5a-3b1d-4a52-8f6e-2d9c1b0a4e77\nretry: 3000\n\n' +
    'data: {"type":"subscribed","table":"orders","subscriptionId":"s1", ...}\n\n' +
    'data: {"type":"subscribed","topic":"register/shop/schema/orders","subscriptionId":"t1", ...}\n\n' +
    'data: {"type":"change","subscriptionId":"s1","event":"insert", ...}\n\n',
} as const;

/** Changes of tables, several subscriptions on one stream, and who is on a page. */
export const TABLE_STREAM_OPERATIONS = [
  {
    ...tableStream,
    id: 'subscribeToTable',
    path: '/api/tables/{table}/subscribe',
    summary: 'Follow a table',
    description:
      'The changes of a table: over a WebSocket when the request asks for an upgrade, which is what this address is for, or ' +
      'as Server-Sent Events for a client that accepts `text/event-stream`. The messages are the same. The socket streams ' +
      'without any message of the client, and takes further subscriptions. What is refused is refused before the upgrade.',
  },
  {
    ...tableStream,
    id: 'streamTable',
    path: '/api/tables/{table}/subscribe/sse',
    summary: 'Follow a table over Server-Sent Events',
    description: 'As above, for clients that cannot ask for it with a header.',
  },
  {
    ...shared,
    id: 'subscribeToSeveral',
    method: 'POST',
    path: '/api/realtime/subscribe',
    summary: 'Follow several tables and topics on one stream',
    description:
      'Server-Sent Events with what a WebSocket would tell of the same handshakes, for clients whose network lets no ' +
      'WebSocket through. Each message names its `subscriptionId`, and each subscription has a cursor of its own, inside the ' +
      'messages: there is no `id:`, and no `event:` but `end`. A subscription that is refused is answered by `error` and ' +
      '`unsubscribed`, and the others go on. A client whose set of subscriptions changes opens another stream, with the ' +
      'cursor of each.',
    body: {
      schema: handshakesSchema,
      example: { subscriptions: [tableHandshakeExample, topicHandshakeExample] },
    },
    answers: { 200: severalAnswer },
    errors: ['TOO_MANY_CONNECTIONS'],
  },
  {
    ...shared,
    id: 'getPresence',
    method: 'GET',
    path: '/api/realtime/presence',
    summary: 'See who is on a page',
    description:
      'Server-Sent Events: `presence-sync` with everybody of the organisation who is on the page, then `join` and `leave`. ' +
      'Whoever listens is on the page too. A client with a WebSocket sends `join` and `leave` there instead.',
    parameters: [
      {
        name: 'pagePath',
        in: 'query',
        required: true,
        schema: pagePathSchema,
        description: 'The path of the page; of a table `/tables/{table}`.',
        example: '/tables/orders',
      },
    ],
    answers: {
      200: {
        ...stream,
        events: {
          message: z.union([presenceSyncSchema, joinSchema, leaveSchema, credentialExpiringMessageSchema]),
          [SSE_EVENTS.end]: streamEndSchema,
        },
        example:
          'data: {"type":"presence-sync","pagePath":"/tables/orders","users":[]}\n\n' +
          'data: {"type":"leave","userId":"alice","pagePath":"/tables/orders"}\n\n',
      },
    },
    errors: ['FORBIDDEN', 'NOT_FOUND', 'TOO_MANY_CONNECTIONS'],
  },
] as const satisfies readonly Operation[];
