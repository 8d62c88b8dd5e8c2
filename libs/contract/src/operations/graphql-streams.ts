import { z } from 'zod';
import { eventIdSchema } from '../event-id.ts';
import { GRAPHQL_PATHS, graphqlResultSchema } from '../graphql.ts';
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
        'The stream, also of an operation that is refused: `next` with errors, then `complete`. It lasts until one side ' +
        'ends it.',
      mediaType: 'text/event-stream',
      headers: ['Tidewire-Connection', 'Tidewire-Protocol'],
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
] as const satisfies readonly Operation[];
