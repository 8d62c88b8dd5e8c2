import { formatEventId, formatTimestamp } from '@tidewire/contract';
import type { LogPosition, Resync, StreamMessage } from '@tidewire/contract';
import type { EncodedChange, EncodedEvent } from './wire-format.ts';

/** The messages of sockets and of a table's stream as one line of JSON each: `streamMessageSchema` says what comes out. */

export function formatEventMessage({ json }: EncodedEvent, subscription: string): string {
  return `{"type":"event","subscriptionId":${JSON.stringify(subscription)},"event":${json}}`;
}

/** `subscription` is empty in the answer to a poll. */
export function formatChangeMessage({ members }: EncodedChange, subscription: string): string {
  const id = subscription === '' ? '' : `,"subscriptionId":${JSON.stringify(subscription)}`;
  return `{"type":"change"${id},${members}}`;
}

export function formatHeartbeat(position: LogPosition, subscription: string, nowMs: number): string {
  return formatMessage({
    type: 'heartbeat',
    subscriptionId: subscription,
    eventId: formatEventId(position),
    timestamp: formatTimestamp(nowMs),
  });
}

export function formatResyncMessage(resync: Resync, subscription: string): string {
  return formatMessage({ type: 'resync', ...resync, scope: [subscription] });
}

export function formatMessage(message: StreamMessage): string {
  return JSON.stringify(message);
}
