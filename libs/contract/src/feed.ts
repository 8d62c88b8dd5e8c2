import { z } from 'zod';
import { eventIdSchema } from './event-id.ts';
import { slugSchema } from './identifier.ts';
import { PROBLEM_MEDIA_TYPE, errorCodeSchema } from './problem.ts';
import { requestFailureSchema } from './request.ts';

/** Bounds of feeds. Times in milliseconds. */
export const FEED_LIMITS = Object.freeze({
  /** How long one request can be told events. */
  maxExpiresMs: 300_000,
  /** Events that one request can ask for. */
  maxEvents: 1_000_000,
  /** Events of one answer, and what it has without `max`. */
  maxAnswerEvents: 1000,
  defaultAnswerEvents: 100,
  /** Messages that wait for an answer of the subscriber at once. */
  maxWindow: 256,
  defaultWindow: 64,
  /** Bytes of messages that wait for an answer at once; one message may always. */
  windowBytes: 256 * 1024,
  /** How often a quiet stream is told its position. */
  minHeartbeatMs: 250,
  maxHeartbeatMs: 60_000,
  defaultHeartbeatMs: 5_000,
  /** A subscriber that has answered nothing for so long is not there any more. */
  answerPatienceMs: 30_000,
  minAckWaitMs: 1_000,
  maxAckWaitMs: 3_600_000,
  defaultAckWaitMs: 30_000,
  /** Bytes of a request. */
  maxRequestBytes: 64 * 1024,
});

const textsSchema = z.array(z.string().min(1).max(500)).min(1).max(100);

/**
 * `feed.v1.next.{subscriber}`. Without `expires` one answer, at once, in the shape of a long poll; with it a stream of
 * messages until then, or until `max` events were told. `cursor` is the id of the last event that the subscriber knows, of
 * whatever transport; absent: from now on.
 */
export const feedRequestSchema = z.strictObject({
  cursor: z.string().max(200).optional(),
  /** One of `topics` and `tables`. */
  topics: textsSchema.optional(),
  /** Slug of a table: one, because a filter is of one table. */
  tables: z.array(z.string().min(1).max(200)).length(1, 'a feed follows one table').optional(),
  /** As on a WebSocket: `{field: value}` or `{field: {operator: value}}` for topics, the tables' dialects for a table. */
  filter: z
    .union([z.string().max(8192), z.array(z.unknown()).max(100), z.record(z.string(), z.unknown())])
    .optional(),
  fields: z.array(z.string().min(1).max(200)).min(1).max(100).optional(),
  /** `field:asc,other:desc`, of a table only: each change tells its record's place in that order. */
  sort: z.string().max(1000).optional(),
  /** `object.created`, `object.updated`, `object.deleted`; of topics only. */
  events: z.array(z.string().max(50)).min(1).max(10).optional(),
  /** Events at most. */
  max: z.int().min(1).max(FEED_LIMITS.maxEvents).optional(),
  /** Milliseconds. */
  expires: z.int().min(0).max(FEED_LIMITS.maxExpiresMs).optional(),
  /** Messages that may wait for the subscriber's answer at once. Default 64; of a worker of a group 1. */
  window: z.int().min(1).max(FEED_LIMITS.maxWindow).optional(),
  /** How often a quiet stream is told its position, milliseconds: two of them missed, and nobody is there any more. */
  heartbeat: z.int().min(FEED_LIMITS.minHeartbeatMs).max(FEED_LIMITS.maxHeartbeatMs).optional(),
  /** Workers of one group get each event once between them; the group keeps its own position, `cursor` is its first one. */
  group: slugSchema.optional(),
  /** How long a worker may take for an event before another one gets it, milliseconds. */
  ackWait: z.int().min(FEED_LIMITS.minAckWaitMs).max(FEED_LIMITS.maxAckWaitMs).optional(),
});
export type FeedRequest = z.infer<typeof feedRequestSchema>;

/**
 * The last message of a stream. Without a code it is simply over: ask again with the cursor. `lastEventId` is a cursor up
 * to which everything was told, or was not for this subscriber.
 */
export const feedEndSchema = z.object({
  type: z.literal('end'),
  code: errorCodeSchema.optional(),
  reason: z.string(),
  /** Whether asking again with the cursor can help. */
  reconnect: z.boolean(),
  lastEventId: eventIdSchema.optional(),
});
export type FeedEnd = z.infer<typeof feedEndSchema>;

/** What a subscriber answers a message with that has a reply subject. Anything else, nothing included, is `+ACK`. */
export const FEED_ANSWERS = Object.freeze({
  done: '+ACK',
  /** Of an event of a group: give it to somebody, perhaps to me, again. */
  again: '-NAK',
  /** Of an event of a group: I am still at it; the time begins anew. */
  working: '+WPI',
  /** Ends the stream. */
  stop: '+STOP',
} as const);

/** Headers of messages to subscribers. Lower case, as the CloudEvents binding and NATS (which minds the case) want it. */
export const FEED_HEADERS = Object.freeze({
  contentType: 'content-type',
  /** Of a refusal, as micro services of NATS have it: the HTTP status, and the code. */
  errorCode: 'Nats-Service-Error-Code',
  error: 'Nats-Service-Error',
  /** Of a refusal that is worth asking again after, as over HTTP: so many seconds. */
  retryAfter: 'retry-after',
} as const);

/** What a message is, by its `content-type`. */
export const FEED_CONTENT_TYPES = Object.freeze({
  /** An event of a topic: CloudEvents 1.0, structured mode. */
  event: 'application/cloudevents+json',
  /** A change of a table, an answer, or what else a stream has to say, told apart by `type`. */
  message: 'application/json',
  /** A refusal. */
  problem: PROBLEM_MEDIA_TYPE,
} as const);

/** KV bucket of the groups: `{subscriber}.{group}` -> where it stands and who leads it. */
export const FEED_GROUPS_BUCKET = 'FEED_GROUPS';
/** How long a group without workers is remembered, milliseconds: a week. */
export const FEED_GROUP_MEMORY_MS = 7 * 86_400_000;

/** Groups that one subscriber can have, and events of one that are done or given out beyond what is all done. */
export const FEED_GROUP_LIMITS = Object.freeze({
  groups: 100,
  workers: 100,
  ahead: 1000,
});

/** What the bucket holds of a group. */
export const feedGroupSchema = z.object({
  /** What the group follows, in one spelling: a request with another one is refused. */
  follows: z.string(),
  /** Everything up to here was done, or is not for this subscriber; null: nothing was yet. */
  cursor: eventIdSchema.nullable(),
  /** Events after the cursor that were done out of their order. */
  done: z.array(eventIdSchema).max(FEED_GROUP_LIMITS.ahead),
  /** The gateway that gives the events out; counts while that one is alive. */
  gateway: z.string().nullable(),
});
export type FeedGroup = z.infer<typeof feedGroupSchema>;

/** `gateway.v1.feed-group.{gateway}`: a worker for a group that this gateway leads. */
export const feedGroupRequestSchema = z.object({
  /** The subscriber's address (`subscriber.ts`). */
  subscriber: z.string(),
  /** Where the worker listens. It was held against the address already. */
  inbox: z.string(),
  request: feedRequestSchema,
});
export type FeedGroupRequest = z.infer<typeof feedGroupRequestSchema>;

/** The worker is the leader's from here on; `NOT_FOUND`: that gateway does not lead the group. */
export const feedGroupReplySchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true) }),
  requestFailureSchema,
]);
export type FeedGroupReply = z.infer<typeof feedGroupReplySchema>;
