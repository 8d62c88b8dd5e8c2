import { z } from 'zod';
import { eventIdSchema } from '../event-id.ts';
import { GRAPHQL_PATHS, graphqlResultSchema } from '../graphql.ts';
import { graphqlStreamTokenSchema, operationIdSchema } from '../graphql-stream.ts';
import { jsonValueSchema } from '../catalogue.ts';
import type { Operation } from './operation.ts';
import { SUBSCRIPTION_PARAMETERS } from './realtime.ts';

const operationSchema = z.object({
  query: z.string(),
  operationName: z.string().nullable().optional(),
  variables: z.record(z.string(), jsonValueSchema).nullable().optional(),
  extensions: z
    .looseObject({ lastEventId: z.string().optional().describe('resume after this event') })
    .nullable()
    .optional(),
});

const EXAMPLE = 'subscription { meldingenEvents(filter: {status: "nieuw"}) { _uuid titel status } }';

const cursor = {
  name: 'Last-Event-ID',
  in: 'header',
  schema: eventIdSchema,
  description: 'The cursor, as an EventSource sends it by itself.',
  example: 'evt-mwrd70tk-000000000041',
} as const;

const shared = {
  service: 'fanout-gateway',
  tag: 'realtime',
  authentication: 'required',
  path: GRAPHQL_PATHS.subscriptions,
  errors: ['FORBIDDEN', 'TOO_MANY_CONNECTIONS', 'TOO_MANY_SUBSCRIPTIONS'],
  answers: {
    200: {
      description:
        'The stream, also of an operation that is refused: `next` with errors, then `complete`. Otherwise it lasts until ' +
        'one side ends it, and the header `Tidewire-Connection` names it.',
      mediaType: 'text/event-stream',
      events: { next: graphqlResultSchema },
      example:
        'id: evt-mwrd70tk-000000000042\nevent: next\n' +
        'data: {"data":{"meldingenEvents":{"_uuid":"0b0e6a2c-43a5-4a3e-9d4b-1f4a8e2c7d10","titel":"Stoeptegel","status":"nieuw"}}}\n\n',
    },
    204: { description: 'An EventSource came back after `complete`: there is nothing more.' },
  },
} as const;

const description =
  'One subscription as GraphQL over SSE has it in its distinct connections mode; `id` is the cursor. On Upgrade with the ' +
  'sub-protocol `graphql-transport-ws`, GraphQL over WebSocket.';

const OPERATION_ID = 'a31c1e0f-5a3b-4d4a-952f-6e2d9c1b0a4e';
const TOKEN = 'mG2pV7Qx0bT9yR4cLw8sKz3nHd6fJa1e';

const streamToken = {
  name: 'X-GraphQL-Event-Stream-Token',
  in: 'header',
  schema: graphqlStreamTokenSchema,
  description:
    'What the reservation was answered. Where the credential is in a header or a cookie, `?token=` may say it instead.',
  example: TOKEN,
} as const;

/** GraphQL over SSE, one stream for all of a client's operations. */
const singleConnection = {
  service: 'fanout-gateway',
  tag: 'realtime',
  authentication: 'required',
  path: GRAPHQL_PATHS.stream,
  parameters: [streamToken],
} as const;

/** An operation that names itself. */
const namedOperationSchema = operationSchema.extend({
  extensions: z.looseObject({
    operationId: operationIdSchema.describe('how the client calls the operation on the stream'),
    lastEventId: z.string().optional().describe('resume after this event'),
  }),
});

/** GraphQL subscriptions. */
export const GRAPHQL_STREAM_OPERATIONS = [
  {
    ...shared,
    id: 'subscribeWithGraphql',
    method: 'GET',
    summary: 'Subscribe with GraphQL',
    description,
    parameters: [
      {
        name: 'query',
        in: 'query',
        required: true,
        schema: z.string(),
        description: 'The document.',
        example: EXAMPLE,
      },
      {
        name: 'operationName',
        in: 'query',
        schema: z.string(),
        description: 'Which operation of the document.',
        example: 'Watch',
      },
      {
        name: 'variables',
        in: 'query',
        schema: z.string(),
        description: 'JSON text of its variables.',
        example: '{}',
      },
      {
        name: 'extensions',
        in: 'query',
        schema: z.string(),
        description: 'JSON text; `lastEventId` is the cursor.',
        example: '{}',
      },
      SUBSCRIPTION_PARAMETERS.lastEventId,
      cursor,
    ],
  },
  {
    ...shared,
    id: 'postGraphqlSubscription',
    method: 'POST',
    summary: 'Subscribe with GraphQL, in a body',
    description,
    parameters: [SUBSCRIPTION_PARAMETERS.lastEventId, cursor],
    body: { schema: operationSchema, example: { query: EXAMPLE } },
  },
  {
    ...singleConnection,
    id: 'reserveGraphqlStream',
    method: 'PUT',
    summary: 'Reserve a stream for several GraphQL operations',
    description:
      'GraphQL over SSE in its single connection mode, for browsers with few connections: reserve a stream, open it once ' +
      'within 30 seconds, send operations in requests of their own. Every gateway takes each of these. A stream is its ' +
      'principal’s: for everybody else there is none.',
    answers: {
      201: { description: 'The token of the reservation.', mediaType: 'text/plain', example: TOKEN },
    },
    errors: ['TOO_MANY_CONNECTIONS'],
  },
  {
    ...singleConnection,
    id: 'openGraphqlStream',
    method: 'GET',
    summary: 'Open a reserved stream',
    description:
      'Once for each reservation. What an operation is told names it; `payload` is what the stream of a single ' +
      'subscription carries, with the event’s id in `extensions.eventId`, which is the operation’s cursor.',
    answers: {
      200: {
        description: 'The stream. It lasts until one side ends it.',
        mediaType: 'text/event-stream',
        headers: ['Tidewire-Connection', 'Tidewire-Protocol'],
        events: {
          next: z.object({ id: operationIdSchema, payload: graphqlResultSchema }),
          complete: z.object({ id: operationIdSchema }),
        },
        example:
          `event: next\ndata: {"id":"${OPERATION_ID}","payload":{"extensions":{"eventId":"evt-mwrd70tk-000000000042"},` +
          '"data":{"meldingenEvents":{"_uuid":"0b0e6a2c-43a5-4a3e-9d4b-1f4a8e2c7d10","titel":"Stoeptegel","status":"nieuw"}}}}\n\n',
      },
    },
    errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'TOO_MANY_CONNECTIONS'],
  },
  {
    ...singleConnection,
    id: 'startGraphqlOperation',
    method: 'POST',
    summary: 'Send a GraphQL operation for an open stream',
    description:
      'What is wrong with the document is said in the stream: `next` with errors, then `complete`.',
    body: {
      schema: namedOperationSchema,
      example: { query: EXAMPLE, extensions: { operationId: OPERATION_ID } },
    },
    answers: { 202: { description: 'It is subscribed, or refused in the stream.' } },
    errors: ['NOT_FOUND', 'CONFLICT'],
  },
  {
    ...singleConnection,
    id: 'endGraphqlOperation',
    method: 'DELETE',
    summary: 'End a GraphQL operation of an open stream',
    parameters: [
      streamToken,
      {
        name: 'operationId',
        in: 'query',
        required: true,
        schema: operationIdSchema,
        description: 'Which operation.',
        example: OPERATION_ID,
      },
    ],
    answers: { 200: { description: 'There is no such operation any more.' } },
    errors: ['NOT_FOUND'],
  },
] as const satisfies readonly Operation[];
