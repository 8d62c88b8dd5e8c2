import { PUSH_PATHS, formatEventId } from '@tidewire/contract';
import type { DeviceMessage, LogPosition } from '@tidewire/contract';
import webPush from 'web-push';
import type { VapidKeys } from '../vapid/vapid-keys-postgres.ts';
import type { Device } from './device.ts';

/** By whom messages are signed, and for how long push services keep them: a day when absent, 28 days at most. */
export interface MessageOptions {
  readonly vapid: VapidKeys & {
    /** `mailto:` or `https:`. */
    readonly subject: string;
  };
  readonly ttlSeconds?: number;
}

/** What is posted to an endpoint. */
export interface EncodedMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const TTL_SECONDS = 86_400;
/** What push services take. */
const MAX_TTL_SECONDS = 28 * 86_400;
/** Sizes step by this much, so that the length of a message does not tell how many topics changed. */
const STEP_BYTES = 1024;
/** What push services take is 4096 bytes; encryption adds 103 (RFC 8291, section 4). */
const MAX_BYTES = 3584;
/** The message of before is worth nothing once there is a newer one: push services keep the last of a `Topic` (RFC 8030). */
const TOPICS: Readonly<Record<DeviceMessage['type'], string>> = Object.freeze({
  changed: 'tidewire-changed',
  test: 'tidewire-test',
});

/** What a device is told of changes that came after `since`. */
export function changedMessage(since: LogPosition, topics: readonly string[] | null): DeviceMessage {
  const id = formatEventId(since);
  return {
    type: 'changed',
    since: id,
    topics: topics === null ? null : [...topics],
    changes: `${PUSH_PATHS.changes}?since=${id}`,
  };
}

/** Encrypts a message for its device alone (RFC 8291) and signs the request (RFC 8292). */
export function encodeMessage(
  { endpoint, keys }: Pick<Device, 'endpoint' | 'keys'>,
  message: DeviceMessage,
  { vapid, ttlSeconds = TTL_SECONDS }: MessageOptions,
): EncodedMessage {
  const { headers, body } = webPush.generateRequestDetails({ endpoint, keys }, pad(message), {
    TTL: Math.min(ttlSeconds, MAX_TTL_SECONDS),
    urgency: 'normal',
    topic: TOPICS[message.type],
    contentEncoding: 'aes128gcm',
    vapidDetails: { subject: vapid.subject, publicKey: vapid.publicKey, privateKey: vapid.privateKey },
  });
  return {
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    body,
  };
}

/** JSON with spaces at its end, which every parser passes over. */
function pad(message: DeviceMessage): Buffer {
  const text = Buffer.from(JSON.stringify(message));
  if (text.length > MAX_BYTES && message.type === 'changed') return pad({ ...message, topics: null });
  const size = Math.min(Math.ceil(text.length / STEP_BYTES) * STEP_BYTES, MAX_BYTES);
  return Buffer.concat([text, Buffer.alloc(Math.max(size - text.length, 0), ' ')]);
}
