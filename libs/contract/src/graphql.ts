import { z } from 'zod';
import { credentialExpiringSchema } from './connection.ts';
import type { ErrorCode } from './error-code.ts';
import { eventIdSchema } from './event-id.ts';
import { resyncSchema } from './stream.ts';

/** Where GraphQL is spoken. */
export const GRAPHQL_PATHS = Object.freeze({
  /** Queries and mutations. */
  operations: '/api/graphql',
  /** Subscriptions: Server-Sent Events, one connection each; graphql-ws on Upgrade. */
  subscriptions: '/api/graphql/subscriptions',
  /** Subscriptions: Server-Sent Events, one connection for all of a client's operations. */
  stream: '/api/graphql/stream',
  explorer: '/api/graphql/explorer',
});

/** What GraphQL over HTTP answers with; in it, other than in `application/json`, an answer without data is no success. */
export const GRAPHQL_MEDIA_TYPE = 'application/graphql-response+json';

/** The sub-protocol of GraphQL over WebSocket, and the header of the single connection's token. */
export const GRAPHQL_SOCKET_PROTOCOL = 'graphql-transport-ws';
export const GRAPHQL_STREAM_TOKEN_HEADER = 'x-graphql-event-stream-token';

/** Bounds of one GraphQL request, of whatever kind. */
export const GRAPHQL_LIMITS = Object.freeze({
  maxDocumentBytes: 16 * 1024,
  maxVariablesBytes: 64 * 1024,
  maxTokens: 2000,
  /** Fields inside fields; a connection's `edges` and `node` count. */
  maxDepth: 10,
  /** Fields after fragments were put in their places, repeated ones too. */
  maxFields: 500,
  /** Root fields of a query or mutation. */
  maxRootFields: 20,
});

/** Codes of errors that only GraphQL has; all others are those of {@link ErrorCode}. */
export const GRAPHQL_ERROR_CODES = [
  'FIELD_FORBIDDEN',
  'QUERY_TOO_COMPLEX',
  'INTROSPECTION_DISABLED',
  'PERSISTED_QUERY_NOT_FOUND',
] as const;
export type GraphqlErrorCode = ErrorCode | (typeof GRAPHQL_ERROR_CODES)[number];

/** What `_event` says: what a change was to the subscriber. */
export const GRAPHQL_EVENTS = Object.freeze({
  created: 'CREATED',
  entered: 'ENTERED',
  updated: 'UPDATED',
  left: 'REMOVED',
  deleted: 'DELETED',
} as const);

/** An error beside or instead of data. */
export const graphqlErrorSchema = z.object({
  message: z.string(),
  path: z.array(z.union([z.string(), z.int()])).optional(),
  locations: z.array(z.object({ line: z.int(), column: z.int() })).optional(),
  extensions: z.looseObject({ code: z.string() }),
});
export type GraphqlErrorEntry = z.infer<typeof graphqlErrorSchema>;

/**
 * What `next` carries. `data` is null where the stream has something to say that is no event: `extensions.resync` ("fetch
 * again"), `extensions.credentialExpiring` ("renew"), or errors that end it.
 */
export const graphqlResultSchema = z.object({
  data: z.record(z.string(), z.looseObject({}).nullable()).nullable().optional(),
  errors: z.array(graphqlErrorSchema).min(1).optional(),
  extensions: z
    .object({
      resync: resyncSchema.optional(),
      credentialExpiring: credentialExpiringSchema.optional(),
      /** The id of the event, which is also the cursor. */
      eventId: eventIdSchema.optional(),
    })
    .optional(),
});
export type GraphqlResult = z.infer<typeof graphqlResultSchema>;
