import { z } from 'zod';
import { eventIdSchema } from './event-id.ts';
import { errorCodeSchema } from './problem.ts';
import { topicKindSchema } from './topic.ts';

/** Why a client has to fetch again instead of being told every event. */
export const RESYNC_REASONS = [
  'expired',
  'epoch',
  'ahead',
  'malformed',
  'behind',
  'rights-changed',
  'time',
  'too-deep',
  'unencodable',
] as const;
export type ResyncReason = (typeof RESYNC_REASONS)[number];

export const resyncReasonSchema = z.enum(RESYNC_REASONS);

/** "You may have missed something: fetch again, then go on from `current`." */
export const resyncSchema = z.object({
  reason: resyncReasonSchema,
  /** The oldest event that can still be replayed. */
  oldest: eventIdSchema,
  /** The position from which events follow this message. */
  current: eventIdSchema,
  /** Which of the connection's subscriptions are concerned; absent: all of them. */
  scope: z.array(z.string()).optional(),
});
export type Resync = z.infer<typeof resyncSchema>;

/** The last message of a stream that the server ends. `reconnect` says whether coming back with the cursor can help. */
export const streamEndSchema = z.object({
  code: errorCodeSchema,
  reason: z.string(),
  reconnect: z.boolean(),
});
export type StreamEnd = z.infer<typeof streamEndSchema>;

/** SSE `event:` names besides those of events. Never `error`: EventSource uses that name itself. */
export const SSE_EVENTS = Object.freeze({
  resync: 'resync',
  end: 'end',
  credentialExpiring: 'credential-expiring',
});

/** `GET /api/realtime/topics`: what the caller may subscribe to. */
export const topicListSchema = z.object({
  topics: z.array(z.object({ topic: z.string(), kind: topicKindSchema, title: z.string() })),
  patterns: z.array(z.string()),
});
export type TopicList = z.infer<typeof topicListSchema>;

/** How many there are: the caller's own, and all of them for `admin`. */
export const countSchema = z.object({ own: z.int(), total: z.int().optional() });

/** `GET /api/realtime/status`. Counts are the caller's own; `total` only for `admin`. */
export const streamStatusSchema = z.object({
  /** `held`: rights cannot be confirmed as those of now, so nothing is told until they can. */
  delivery: z.enum(['live', 'held']),
  connections: countSchema,
  subscriptions: countSchema,
  heartbeatMs: z.int(),
  retention: z.object({ oldestId: eventIdSchema, newestId: eventIdSchema }),
  transports: z.array(z.string()),
});
export type StreamStatus = z.infer<typeof streamStatusSchema>;
