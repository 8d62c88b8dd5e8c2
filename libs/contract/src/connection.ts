import { z } from 'zod';
import { logPositionSchema } from './event-id.ts';
import { principalIdSchema, slugSchema, uuidSchema } from './identifier.ts';
import { LIST_LIMITS } from './object.ts';
import { errorCodeSchema } from './problem.ts';
import { credentialSchema, principalSchema } from './principal.ts';
import { clientAddressSchema } from './request.ts';
import { countSchema } from './stream.ts';
import { timestampSchema } from './time.ts';
import { topicSchema } from './topic.ts';

/** Ways of being told of events: a stream of Server-Sent Events, a long poll that waits, a WebSocket, and GraphQL over two of them. */
export const TRANSPORTS = ['sse', 'poll', 'websocket', 'graphql-sse', 'graphql-ws', 'nats'] as const;
export const transportSchema = z.enum(TRANSPORTS);
export type Transport = (typeof TRANSPORTS)[number];

/** An open connection, as operators see it. `null`: it is anonymous, or its principal acts for no organisation. */
export const connectionSchema = z.object({
  id: uuidSchema,
  principal: principalIdSchema.nullable(),
  credential: uuidSchema.nullable(),
  /** The active organisation of its principal, as of now. */
  organisation: uuidSchema.nullable(),
  /** The client's, as far as the proxies in front are trusted; `unknown` when it has gone already. */
  address: clientAddressSchema,
  transport: transportSchema,
  /** What its subscriptions are to; those of tables are the topics of their schemas. */
  topics: z.array(topicSchema),
  /** Slugs of its tables, on the tables face. */
  tables: z.array(slugSchema),
  since: timestampSchema,
  /** The gateway's instance: another one after each start. */
  gateway: slugSchema,
});
export type ConnectionInfo = z.infer<typeof connectionSchema>;

/** Which connections are meant: those that have all that is named. */
export const connectionFilterSchema = z.strictObject({
  principal: principalIdSchema.optional(),
  credential: uuidSchema.optional(),
  organisation: uuidSchema.optional(),
  address: clientAddressSchema.optional(),
});
export type ConnectionFilter = z.infer<typeof connectionFilterSchema>;

/** The query of `GET /api/connections`. `cursor` is `next` of the page before. */
export const connectionQuerySchema = connectionFilterSchema.extend({
  limit: z.coerce.number().int().min(1).max(LIST_LIMITS.maxLimit).default(LIST_LIMITS.defaultLimit),
  cursor: uuidSchema.optional(),
  token: z.string().optional(),
});

/** The query of `DELETE /api/connections`: at least one member, so that nobody ends everything by leaving it out. */
export const connectionEndQuerySchema = connectionFilterSchema
  .extend({ token: z.string().optional() })
  .refine(({ token: _token, ...filter }) => Object.values(filter).some((value) => value !== undefined), {
    message: 'names nobody: give principal, credential, organisation or address',
  });

/** A gateway that is there and did not answer in time: its connections are not among those that are told of. */
const incompleteSchema = z.boolean();

/** `GET /api/connections`: a page, in the order of the ids. */
export const connectionPageSchema = z.object({
  connections: z.array(connectionSchema),
  /** All that match, over the gateways that answered. */
  total: countSchema.shape.own.min(0),
  incomplete: incompleteSchema,
  /** `cursor` of the next page; null: this is the last one. */
  next: uuidSchema.nullable(),
});
export type ConnectionPage = z.infer<typeof connectionPageSchema>;

/** `DELETE /api/connections`. */
export const connectionsEndedSchema = z.object({ ended: z.int().min(0), incomplete: incompleteSchema });
export type ConnectionsEnded = z.infer<typeof connectionsEndedSchema>;

/** A stream is told that its credential will end; renewed in time, it goes on. */
export const credentialExpiringSchema = z.object({ expiresAt: timestampSchema });
export type CredentialExpiring = z.infer<typeof credentialExpiringSchema>;

/** How long before the end of its credential a stream is told. */
export const CREDENTIAL_WARNING_MS = 60_000;

/**
 * `gateway.v1.connections`: asked of every gateway at once, each of which answers for its own connections. What a new
 * credential is travels as its states; its secret stays with the gateway that it was shown to.
 */
export const connectionsRequestSchema = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('list'),
    filter: connectionFilterSchema,
    /** Connections with a greater id. */
    after: uuidSchema.nullable(),
    limit: z.int().min(1).max(LIST_LIMITS.maxLimit),
  }),
  z.object({
    action: z.literal('end'),
    filter: connectionFilterSchema.extend({ id: uuidSchema.optional() }),
  }),
  z.object({
    action: z.literal('renew'),
    id: uuidSchema,
    principal: principalSchema,
    credential: credentialSchema,
    /** Where in the log the two states were known. */
    position: logPositionSchema,
  }),
]);
export type ConnectionsRequest = z.infer<typeof connectionsRequestSchema>;

/** One gateway's answer. */
export const connectionsReplySchema = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('list'),
    gateway: slugSchema,
    connections: z.array(connectionSchema),
    total: z.int().min(0),
    /** There are more behind the last one than were asked for, or than one answer holds. */
    more: z.boolean(),
  }),
  z.object({ action: z.literal('end'), gateway: slugSchema, ended: z.int().min(0) }),
  z.object({
    action: z.literal('renew'),
    gateway: slugSchema,
    /** `unknown`: no connection of this principal has the id here. `stale`: show the credential again. */
    outcome: z.enum(['renewed', 'unknown', 'stale', 'refused']),
    refusal: z.object({ code: errorCodeSchema, message: z.string() }).optional(),
  }),
]);
export type ConnectionsReply = z.infer<typeof connectionsReplySchema>;
