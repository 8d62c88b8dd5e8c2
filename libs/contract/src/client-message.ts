import { z } from 'zod';
import { uuidSchema } from './identifier.ts';
import { MAX_SECRET_LENGTH } from './request.ts';
import { subscriptionIdSchema } from './subscription.ts';

/** Bounds of one WebSocket. */
export const SOCKET_LIMITS = Object.freeze({
  /** Bytes of a client's message, after inflation. */
  maxMessageBytes: 64 * 1024,
  /** Records that a connection can be editing at once. */
  maxPendingRecords: 100,
  /** Pages that a connection can be on at once. */
  maxPages: 10,
});

/** The sub-protocol that a client may name in its upgrade. */
export const SOCKET_PROTOCOL = 'tidewire.v1';

const fieldNamesSchema = z.array(z.string().min(1).max(200)).min(1).max(100);

const subscription = {
  subscriptionId: subscriptionIdSchema.optional(),
  /** Resume after this event. */
  lastEventId: z.string().max(200).optional(),
  fields: fieldNamesSchema.optional(),
};

/**
 * `{table, ...}`, with or without `type`. `filter`: `field:operator:value`, or JSON as a value or as text:
 * `{field, operator, value}`, a list of them, `{and: [...]}`, `{or: [...]}`. `sort`: `field:asc,other:desc`.
 */
export const tableHandshakeSchema = z.strictObject({
  type: z.literal('subscribe').optional(),
  table: z.string().min(1).max(200),
  ...subscription,
  filter: z.union([z.string(), z.array(z.unknown()), z.looseObject({})]).optional(),
  sort: z.string().max(1000).optional(),
});
export type TableHandshake = z.infer<typeof tableHandshakeSchema>;

/** A filter of topics: `{field: value}` or `{field: {operator: value}}`, as in an address. */
export const topicFilterSchema = z.record(
  z.string().min(1).max(200),
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  ]),
);
export type TopicFilter = z.infer<typeof topicFilterSchema>;

/** `{type: 'subscribe', topic, ...}`. */
export const topicHandshakeSchema = z.strictObject({
  type: z.literal('subscribe'),
  topic: z.string().min(1).max(500),
  ...subscription,
  filter: topicFilterSchema.optional(),
  events: z.array(z.string().max(50)).min(1).max(10).optional(),
});
export type TopicHandshake = z.infer<typeof topicHandshakeSchema>;

/** Bounds of one stream of Server-Sent Events with several subscriptions. */
export const SEVERAL_LIMITS = Object.freeze({
  maxSubscriptions: 100,
  /** Bytes of the request: eight times a message of a WebSocket, enough for as many of the longest filters (4 KiB). */
  maxBodyBytes: 8 * SOCKET_LIMITS.maxMessageBytes,
});

/** Body of `POST /api/realtime/subscribe`: what one stream of Server-Sent Events is to be told of. */
export const handshakesSchema = z.strictObject({
  subscriptions: z
    .array(z.union([tableHandshakeSchema, topicHandshakeSchema]))
    .min(1)
    .max(SEVERAL_LIMITS.maxSubscriptions),
});
export type Handshakes = z.infer<typeof handshakesSchema>;
export type Handshake = Handshakes['subscriptions'][number];

/** Ends a subscription, by its id or, where it was not named, by its table or topic. */
export const unsubscribeSchema = z.object({
  type: z.literal('unsubscribe'),
  subscriptionId: subscriptionIdSchema.optional(),
  table: z.string().min(1).max(200).optional(),
  topic: z.string().min(1).max(500).optional(),
});

/** "I am on this page", and "not any more". */
export const joinPageSchema = z.object({ type: z.literal('join'), pagePath: z.string().min(1).max(2048) });
export const leavePageSchema = z.object({ type: z.literal('leave'), pagePath: z.string().min(1).max(2048) });

/**
 * "I am editing these fields of this record, which had this `updatedAt` when I read it": until `settled` a `conflict` tells
 * of every write of somebody else that changes one of them. Sent again it replaces what was said before.
 */
export const pendingSchema = z.object({
  type: z.literal('pending'),
  table: z.string().min(1).max(200),
  recordId: uuidSchema,
  fields: fieldNamesSchema,
  updatedAt: z.string().max(40),
});
export type PendingEdit = z.infer<typeof pendingSchema>;

export const settledSchema = z.object({
  type: z.literal('settled'),
  table: z.string().min(1).max(200),
  recordId: uuidSchema,
});

/** Another credential of the same principal, before the one that the connection has ends. */
export const tokenMessageSchema = z.object({
  type: z.literal('token'),
  token: z.string().min(1).max(MAX_SECRET_LENGTH),
});

export const pingSchema = z.object({ type: z.literal('ping') });

/** Every message that a client may send on a WebSocket; a table's handshake may also come without `type`. */
export const CLIENT_MESSAGES = Object.freeze({
  subscribe: z.union([tableHandshakeSchema, topicHandshakeSchema]),
  unsubscribe: unsubscribeSchema,
  join: joinPageSchema,
  leave: leavePageSchema,
  pending: pendingSchema,
  settled: settledSchema,
  token: tokenMessageSchema,
  ping: pingSchema,
});
export const clientMessageSchema = z.union([
  tableHandshakeSchema,
  topicHandshakeSchema,
  unsubscribeSchema,
  joinPageSchema,
  leavePageSchema,
  pendingSchema,
  settledSchema,
  tokenMessageSchema,
  pingSchema,
]);
export type ClientMessage = z.infer<typeof clientMessageSchema>;
