import { z } from 'zod';
import { principalIdSchema, slugSchema } from './identifier.ts';
import { requestFailureSchema } from './request.ts';
import { subscriptionIdSchema } from './subscription.ts';

const recordSchema = z.record(z.string(), z.unknown());

/** An operation as GraphQL over SSE and WebSocket carry it. */
export const graphqlOperationSchema = z.object({
  query: z.string(),
  operationName: z.string().nullish(),
  variables: recordSchema.nullish(),
  /** `lastEventId`: resume after this event. `operationId`: how the client calls it, where several share a stream. */
  extensions: recordSchema.nullish(),
});
export type GraphqlOperation = z.infer<typeof graphqlOperationSchema>;

/** How a client calls an operation on a connection that has several. */
export const operationIdSchema = subscriptionIdSchema;

/** Names a stream that is reserved, or that was opened with the reservation. Nobody can guess one. */
export const graphqlStreamTokenSchema = z
  .string()
  .regex(/^[\w-]{32}$/, 'must be what the reservation was answered');

/**
 * KV bucket of those streams: their token -> {@link GraphqlReservation}, so that any gateway may be asked to open one, or for
 * an operation on it.
 */
export const GRAPHQL_STREAMS_BUCKET = 'GRAPHQL_STREAMS';

/** What gateways know of each other's streams. */
export const graphqlReservationSchema = z.object({
  /** Whose it is; null: nobody's in particular. For everybody else there is no such stream. */
  principal: principalIdSchema.nullable(),
  /** The gateway that has opened it; null: none has. */
  gateway: slugSchema.nullable(),
});
export type GraphqlReservation = z.infer<typeof graphqlReservationSchema>;

/** How long a client of graphql-ws may take to send `connection_init`. */
export const GRAPHQL_INIT_TIMEOUT_MS = 5000;

/** How long a stream may be opened after it was reserved. */
export const GRAPHQL_RESERVATION_MS = 30_000;

const addressed = {
  stream: graphqlStreamTokenSchema,
  /** Who asks: it has to be whose stream it is. */
  principal: principalIdSchema.nullable(),
  operationId: operationIdSchema,
};

/** `gateway.v1.graphql-stream.{gateway}`: an operation for a stream that another gateway has. */
export const graphqlStreamRequestSchema = z.discriminatedUnion('action', [
  z.object({ action: z.literal('subscribe'), ...addressed, operation: graphqlOperationSchema }),
  z.object({ action: z.literal('complete'), ...addressed }),
]);
export type GraphqlStreamRequest = z.infer<typeof graphqlStreamRequestSchema>;

/** `NOT_FOUND`: this principal has no such stream there. `CONFLICT`: the id is another operation's. */
export const graphqlStreamReplySchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true) }),
  requestFailureSchema,
]);
export type GraphqlStreamReply = z.infer<typeof graphqlStreamReplySchema>;
