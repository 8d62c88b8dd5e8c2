import { z } from 'zod';
import { namedPropertiesSchema } from './catalogue-entry.ts';
import { eventIdSchema, logPositionSchema } from './event-id.ts';
import { principalIdSchema, uuidSchema } from './identifier.ts';
import { rightsStateSchema } from './log-message.ts';
import { authorizationSchema, policySchema, propertyAuthorizationSchema, roleSchema } from './policy.ts';
import { errorCodeSchema, fieldErrorSchema } from './problem.ts';
import { credentialSchema, principalSchema } from './principal.ts';
import { timestampSchema } from './time.ts';

/** How a request on a request subject fails. */
export const requestFailureSchema = z.object({
  ok: z.literal(false),
  code: errorCodeSchema,
  message: z.string(),
  errors: z.array(fieldErrorSchema).optional(),
});
export type RequestFailure = z.infer<typeof requestFailureSchema>;

/**
 * How a secret was presented: `token` is what a client sent as Bearer or `?token=`, whether an API token or the access
 * token of an issuer; `session` is the cookie; `basic` is `user:password`, decoded.
 */
export const PRESENTED_TYPES = Object.freeze(['token', 'session', 'basic'] as const);
export type PresentedType = (typeof PRESENTED_TYPES)[number];

/** The longest secret of any kind, characters: access tokens with many claims; half of what Node takes as headers. */
export const MAX_SECRET_LENGTH = 8192;

/** A client's network address as text; bounded, because it is where rate limits are counted. */
export const clientAddressSchema = z.string().min(1).max(64);

/** `authz.v1.authenticate`: the secret itself, never logged. */
export const authenticateRequestSchema = z.object({
  type: z.enum(PRESENTED_TYPES),
  secret: z.string().min(1).max(MAX_SECRET_LENGTH),
  /** Whence the client speaks, for rate limits. Absent: unknown. */
  address: clientAddressSchema.optional(),
});
export type AuthenticateRequest = z.infer<typeof authenticateRequestSchema>;

/** Principal and credential as the primary database has them, with the position of that SQL snapshot. */
export const authenticateReplySchema = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    principal: principalSchema,
    credential: credentialSchema,
    position: logPositionSchema,
    /**
     * When this secret stops counting although its credential goes on: it was rotated, and only requests that were
     * under way may still come with it. Absent: it counts as long as the credential does.
     */
    secretEndsAt: timestampSchema.optional(),
  }),
  requestFailureSchema,
]);
export type AuthenticateReply = z.infer<typeof authenticateReplySchema>;

/** `authz.v1.principal`: rights of somebody who may not be there at the moment, or who showed its credential elsewhere. */
export const principalRequestSchema = z.object({
  id: principalIdSchema,
  /** Acts by this credential, which is to be its own and to count. Absent: without the limits of any. */
  credential: uuidSchema.optional(),
});
export type PrincipalRequest = z.infer<typeof principalRequestSchema>;

/** The principal as the primary database has it, with the position of that SQL snapshot; `NOT_FOUND` for a removed one too. */
export const principalReplySchema = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    principal: principalSchema,
    /** The one that was asked for. */
    credential: credentialSchema.optional(),
    position: logPositionSchema,
  }),
  requestFailureSchema,
]);
export type PrincipalReply = z.infer<typeof principalReplySchema>;

/** `authz.v1.state`, `catalogue.v1.state`: pages of at most 500 states, `after` is the previous answer's `next`. */
export const stateRequestSchema = z.object({ after: z.string().max(200).nullable() });
export type StateRequest = z.infer<typeof stateRequestSchema>;

/**
 * One page. Each page is its own SQL snapshot; whoever loads all pages and then applies the log from the FIRST page's
 * position has everything, because states are whole and the newest version wins.
 */
export const stateReplySchema = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    position: logPositionSchema,
    items: z.array(rightsStateSchema),
    next: z.string().nullable(),
  }),
  requestFailureSchema,
]);
export type StateReply = z.infer<typeof stateReplySchema>;

/** `authz.v1.set-policy`: rules of a register or schema, on behalf of `principal`, who must be `admin`. */
export const setPolicyRequestSchema = z.object({
  principal: z.string(),
  correlationId: z.string().nullable(),
  traceparent: z.string().nullable(),
  target: z.enum(['register', 'schema']),
  id: uuidSchema,
  authorization: authorizationSchema.nullable(),
  properties: z.record(z.string(), propertyAuthorizationSchema),
  roles: z.array(roleSchema),
  removed: z.boolean(),
  /** What the names mean that the rules use; absent, they are not checked: rules of what is gone. */
  names: namedPropertiesSchema.optional(),
});
export type SetPolicyRequest = z.infer<typeof setPolicyRequestSchema>;

export const setPolicyReplySchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), policy: policySchema }),
  requestFailureSchema,
]);
export type SetPolicyReply = z.infer<typeof setPolicyReplySchema>;

/** `relay.v1.beat`: the log's head and how old the oldest unpublished row is. Sent every {@link BEAT_INTERVAL_MS}. */
export const beatSchema = z.object({
  /** Position of the newest stored event. */
  head: eventIdSchema,
  /** The relay's clock at sending, milliseconds since 1970. */
  sentAt: z.int(),
  /** Age of the oldest outbox row that is not in the log yet, milliseconds; 0 when there is none. */
  backlogAgeMs: z.int().min(0),
});
export type Beat = z.infer<typeof beatSchema>;

export const BEAT_INTERVAL_MS = 500;
