import { z } from 'zod';
import { cloudEventSchema } from './cloud-event.ts';
import { credentialExpiringSchema } from './connection.ts';
import { eventIdSchema } from './event-id.ts';
import { slugSchema, uuidSchema } from './identifier.ts';
import { joinSchema, leaveSchema, presenceSyncSchema } from './presence.ts';
import { errorCodeSchema, fieldErrorSchema } from './problem.ts';
import { sortTypeSchema } from './sort-type.ts';
import { resyncSchema } from './stream.ts';
import { subscriptionIdSchema } from './subscription.ts';
import { recordConflictSchema, tableChangeSchema } from './table-message.ts';
import { timestampSchema } from './time.ts';
import { topicSchema } from './topic.ts';

/** An event of a topic, where a connection can have several subscriptions. */
export const topicEventSchema = z.object({
  type: z.literal('event'),
  subscriptionId: subscriptionIdSchema,
  event: cloudEventSchema,
});

/** What a subscription is to: one of both. */
const subject = { table: slugSchema.optional(), topic: topicSchema.optional() };

/** A subscription has begun, as it was understood. Everything that it brings follows this. */
export const subscribedSchema = z.object({
  type: z.literal('subscribed'),
  ...subject,
  /** In place of `topic`, where a subscription can be to several. */
  topics: z.array(topicSchema).optional(),
  subscriptionId: subscriptionIdSchema,
  /** The connection, as it is named when a credential is renewed. */
  connectionId: uuidSchema,
  /** `field:operator:value` for one condition, JSON for several; absent: no filter. */
  filter: z.string().optional(),
  /** Absent: all that may be read. */
  fields: z.array(z.string()).optional(),
  /** `field:asc,other:desc`; each change has its record's place in that order as `sortKey`. */
  sort: z.string().optional(),
  /** How the values of each term of `sort` are ordered, in the order of the terms; there wherever `sort` is. */
  sortTypes: z.array(sortTypeSchema).optional(),
  /** The position from which events follow; absent where what was missed is still to come. */
  eventId: eventIdSchema.optional(),
});

/** A subscription is over. After an `error` with its id the server ended it. */
export const unsubscribedSchema = z.object({
  type: z.literal('unsubscribed'),
  ...subject,
  subscriptionId: subscriptionIdSchema,
});

/** The connection is alive. With `subscriptionId`: everything up to `eventId`, a cursor, was told or was not for the reader. */
export const heartbeatSchema = z.object({
  type: z.literal('heartbeat'),
  subscriptionId: subscriptionIdSchema.optional(),
  eventId: eventIdSchema.optional(),
  timestamp: timestampSchema,
});

/** The answer to a client's `ping`. */
export const pongSchema = z.object({ type: z.literal('pong'), timestamp: timestampSchema });

/** The server holds back what it cannot confirm the rights for (`reconnecting`), or goes on (`connected`). */
export const connectionStatusSchema = z.object({
  type: z.literal('connection-status'),
  status: z.enum(['connected', 'reconnecting', 'disconnected']),
  transport: z.enum(['websocket', 'sse', 'poll', 'nats']),
});

/** `scope` holds the ids of the subscriptions that fetch again. */
export const resyncMessageSchema = resyncSchema.extend({ type: z.literal('resync') });

/** Something that the client sent was refused, or a subscription ended. The connection goes on. */
export const errorMessageSchema = z.object({
  type: z.literal('error'),
  code: errorCodeSchema,
  message: z.string(),
  /** The subscription that is concerned, where there is one. */
  subscriptionId: subscriptionIdSchema.optional(),
  detail: z.array(fieldErrorSchema).optional(),
});

/** The credential of the connection will end then. */
export const credentialExpiringMessageSchema = credentialExpiringSchema.extend({
  type: z.literal('credential-expiring'),
});

/** The answer to a client's `token`: the connection lives by that credential from here on. */
export const credentialRenewedSchema = z.object({
  type: z.literal('credential-renewed'),
  /** null: it does not expire. */
  expiresAt: timestampSchema.nullable(),
});

/**
 * Every message of a WebSocket, and of the Server-Sent Events of a table and of several subscriptions, told apart by `type`.
 * Clients ignore types that they do not know.
 */
export const streamMessageSchema = z.discriminatedUnion('type', [
  tableChangeSchema,
  topicEventSchema,
  recordConflictSchema,
  heartbeatSchema,
  subscribedSchema,
  unsubscribedSchema,
  joinSchema,
  leaveSchema,
  presenceSyncSchema,
  connectionStatusSchema,
  resyncMessageSchema,
  errorMessageSchema,
  credentialExpiringMessageSchema,
  credentialRenewedSchema,
  pongSchema,
]);
export type StreamMessage = z.infer<typeof streamMessageSchema>;
