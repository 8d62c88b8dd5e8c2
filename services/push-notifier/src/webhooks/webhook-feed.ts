import { FEED_LIMITS, TidewireError, errorCodeRow, formatEventId, parseEventId } from '@tidewire/contract';
import type { ErrorCode, FeedRequest, LogPosition } from '@tidewire/contract';
import type { FeedMessage, FeedSource, FeedStream } from '@tidewire/messaging';
import { addressOf } from './webhook.ts';
import type { Follows, WebhookOwner } from './webhook.ts';

/** What a webhook's feed is asked for. */
export interface Asking extends WebhookOwner, Follows {
  /** Absent: from now on. */
  readonly cursor?: LogPosition;
}

/**
 * Two and a half of them missed, and another gateway is asked: 40 seconds after one was killed. More often would only have idle
 * webhooks say more often that they are idle.
 */
export const HEARTBEAT_MS = 15_000;
/** Streams end at different times, or all webhooks would ask again at once. */
const SHORTEST_STREAM = 0.7;
/** For a question that is answered as soon as what was missed is read. */
const QUESTION_MS = 10_000;
const QUESTION_HEARTBEAT_MS = 500;

/**
 * Follows a webhook's feed. A stream, because an idle one costs four small messages a minute and brings an event the moment it
 * happens; single answers would have to be asked for again and again, and each would read the log from the cursor. With a window
 * of one, so that an event is judged when the one before it was delivered, and what waits does so in the gateway, which drops it
 * when rights are lost.
 */
export function followFeed(
  source: FeedSource,
  asking: Asking,
  { random, heartbeatMs }: { readonly random: number; readonly heartbeatMs: number },
): FeedStream {
  const share = SHORTEST_STREAM + (1 - SHORTEST_STREAM) * random;
  const expires = Math.round(FEED_LIMITS.maxExpiresMs * share);
  return open(source, asking, { expires, heartbeat: heartbeatMs });
}

/** The next thing that is to be told after the cursor as of now; a position, when there is nothing up to there. */
export type Answer = Extract<FeedMessage, { kind: 'event' | 'resync' | 'position' }>;

/**
 * What comes after the cursor, as of now. `until`: a position before that is no answer yet.
 *
 * @throws TidewireError what the gateway refuses it with; SERVICE_UNAVAILABLE when there is none.
 */
export async function askFeed(
  source: FeedSource,
  asking: Asking & { readonly cursor: LogPosition },
  until: LogPosition,
): Promise<Answer> {
  const stream = open(source, asking, { expires: QUESTION_MS, heartbeat: QUESTION_HEARTBEAT_MS, max: 1 });
  try {
    for (;;) {
      const message = await stream.next();
      switch (message.kind) {
        case 'event':
        case 'resync':
          return message;
        case 'position':
          if (formatEventId(until) <= message.eventId) return message;
          break;
        case 'subscribed':
          break;
        default:
          throw failureOf(message);
      }
    }
  } finally {
    stream.stop();
  }
}

/**
 * Where a feed stands that is asked for now.
 *
 * @throws TidewireError what the gateway refuses it with: it is not there, or not for its owner; SERVICE_UNAVAILABLE.
 */
export async function findPosition(source: FeedSource, asking: Asking): Promise<LogPosition> {
  const stream = open(source, asking, { expires: QUESTION_MS });
  try {
    const message = await stream.next();
    const position = message.kind === 'subscribed' && parseEventId(message.eventId ?? '');
    if (!position) throw failureOf(message);
    return position;
  } finally {
    stream.stop();
  }
}

function open(
  source: FeedSource,
  { topics, filter, fields, cursor, ...owner }: Asking,
  bounds: Pick<FeedRequest, 'expires' | 'heartbeat' | 'max'>,
): FeedStream {
  return source.open(addressOf(owner), {
    topics: [...topics],
    ...(filter !== null && { filter }),
    ...(fields !== null && { fields: [...fields] }),
    ...(cursor !== undefined && { cursor: formatEventId(cursor) }),
    window: 1,
    ...bounds,
  });
}

function failureOf(message: FeedMessage): TidewireError {
  if (message.kind === 'refused') return message.error;
  if (message.kind === 'end' && message.end.code !== undefined) {
    return new TidewireError(message.end.code, message.end.reason);
  }
  return new TidewireError('SERVICE_UNAVAILABLE', 'Events cannot be read at the moment.', {
    retryAfterSeconds: 1,
  });
}

/**
 * Whether a refusal stands until somebody changes something: the owner is not let in, or what the webhook follows is not there.
 * That an operator ended a connection says nothing about the next one.
 */
export function isFinal(code: ErrorCode): boolean {
  return code !== 'CONNECTION_ENDED' && errorCodeRow(code).retry === 'never';
}
