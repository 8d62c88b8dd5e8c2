import { z } from 'zod';
import { eventIdSchema } from './event-id.ts';
import { principalIdSchema, slugSchema, uuidSchema } from './identifier.ts';
import { ocsSchema } from './notification.ts';
import { timestampSchema } from './time.ts';
import { topicSchema } from './topic.ts';

/** Where those who are not connected to a stream turn to. */
export const PUSH_PATHS = Object.freeze({
  /** The WebSocket of Nextcloud's notify_push. */
  socket: '/push/ws',
  preAuth: '/apps/notify_push/pre_auth',
  capabilities: '/ocs/v2.php/cloud/capabilities',
  notifications: '/ocs/v2.php/apps/notifications/api/v2/notifications',
  changes: '/api/push/changes',
  reset: '/api/push/reset',
  /** Self-tests of notify_push. */
  testCookie: '/push/test/cookie',
  testReverseCookie: '/push/test/reverse_cookie',
  testRemote: '/push/test/remote/{ip}',
} as const);

/** What clients of notify_push are told and say, letter for letter. */
export const PUSH_TEXTS = Object.freeze({
  authenticated: 'authenticated',
  invalidCredentials: 'err: Invalid credentials',
  invalidMessage: 'err: Invalid authentication message',
  unavailable: 'err: Error while sending authentication request to nextcloud: ',
  timedOut: 'Authentication timeout',
  tooMany: 'Error while handling authentication: Connection limit exceeded for user',
  notification: 'notify_notification',
} as const);

export const PUSH_LIMITS = Object.freeze({
  /** A socket that has not said who it is by then is closed, and a pre-auth token is worth nothing any more; milliseconds. */
  authenticationMs: 15_000,
  /** Sockets of one principal, over one process: one more is told {@link PUSH_TEXTS}.tooMany. */
  socketsPerPrincipal: 64,
  /** Bytes of one frame from a client: user names, passwords, and `listen …`. */
  frameBytes: 4096,
  /** Frames that are kept while it is not known who sends them. */
  earlyFrames: 64,
  /** Changes of one answer. */
  changes: 500,
  /** Principals of one message of {@link pushChangedSchema}. */
  changedPrincipals: 5000,
} as const);

/** Actions as clients of notify_push know them; `batch`: several objects of a collection, nobody says which. */
export const pushActionSchema = z.enum(['create', 'update', 'delete', 'batch']);
export type PushAction = z.infer<typeof pushActionSchema>;

/** The body of `or-object-{uuid}` and `or-collection-{register}-{schema}`: that something changed, and never what. */
export const pushBodySchema = z.object({
  action: pushActionSchema,
  register: slugSchema,
  schema: slugSchema,
  /** Absent for `batch`. */
  uuid: uuidSchema.optional(),
  version: z.string().optional(),
});
export type PushBody = z.infer<typeof pushBodySchema>;

/** A topic under which something changed that the reader may see, or could. */
export const pushChangeSchema = z.object({
  topic: topicSchema,
  /** The newest change. */
  eventId: eventIdSchema,
  /** When it was noticed. */
  time: timestampSchema,
});
export type PushChange = z.infer<typeof pushChangeSchema>;

/** What changed since a position. */
export const pushChangesSchema = z.object({
  changes: z.array(pushChangeSchema),
  /** What to send as `since` the next time. */
  lastEventId: eventIdSchema,
  /** There are more than this answer holds: ask again with `lastEventId`. */
  more: z.boolean(),
  /** It is not known what changed: `since` is older than what is remembered, or of another log. Fetch everything. */
  resync: z.boolean(),
});
export type PushChanges = z.infer<typeof pushChangesSchema>;

/** What replicas of the notifier tell each other once it is stored that something changed for these principals. */
export const pushChangedSchema = z.object({
  principals: z.array(principalIdSchema).max(PUSH_LIMITS.changedPrincipals),
  /** Rights were changed: they see other rows, or other properties, of this collection. */
  collection: z.object({ register: slugSchema, schema: slugSchema }).optional(),
});
export type PushChanged = z.infer<typeof pushChangedSchema>;

/** What was given up: a message for a device, or an event for a webhook. */
export const deadLetterSchema = z.object({
  kind: z.enum(['device', 'webhook']),
  /** Of the device or the webhook. */
  id: z.string(),
  principal: principalIdSchema,
  reason: z.string(),
  attempts: z.int().min(0),
  /** When it was given up. */
  time: timestampSchema,
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;

/** What a notifier remembers of {@link SIGNAL_SUBJECTS}.pushCookie. */
export const pushCookieSchema = z.object({ cookie: z.int().min(0) });

/** KV bucket of pre-auth tokens: hash of the token -> {@link storedPreAuthorisationSchema}, for any replica to redeem, once. */
export const PRE_AUTH_BUCKET = 'PUSH_PRE_AUTH';

/** Letters only: digits alone would become a number on the client's side. */
export const preAuthTokenSchema = z.string().regex(/^[A-Za-z]{32}$/);

/** Whom a pre-auth token stands for. */
export const preAuthorisationSchema = z.object({ principal: principalIdSchema, credential: z.string() });
export type PreAuthorisation = z.infer<typeof preAuthorisationSchema>;

/** A token as it is kept: its life counts from here, however long the bucket keeps it. */
export const storedPreAuthorisationSchema = preAuthorisationSchema.extend({ issuedAt: timestampSchema });
export type StoredPreAuthorisation = z.infer<typeof storedPreAuthorisationSchema>;

/** Where clients of notify_push find what they need, and which kinds of hints they get. */
export const notifyPushCapabilitySchema = z.object({
  type: z.array(z.enum(['files', 'activities', 'notifications'])),
  endpoints: z.object({ websocket: z.string(), pre_auth: z.string() }),
});
export type NotifyPushCapability = z.infer<typeof notifyPushCapabilitySchema>;

/** What Nextcloud's clients ask for first. Without `notify_push` there is no push for the caller. */
export const capabilitiesSchema = ocsSchema(
  z.object({
    version: z.object({}),
    capabilities: z.object({ notify_push: notifyPushCapabilitySchema.optional() }),
  }),
);
export type Capabilities = z.infer<typeof capabilitiesSchema>;

export function formatObjectMessage(uuid: string): string {
  return `or-object-${uuid}`;
}

/** Two collections may share a name where slugs have hyphens: the body says which one it is. */
export function formatCollectionMessage(register: string, schema: string): string {
  return `or-collection-${register}-${schema}`;
}
