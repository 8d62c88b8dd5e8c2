import { SSE_EVENTS, formatEventId, formatTimestamp } from '@tidewire/contract';
import type { CredentialExpiring, LogPosition, Resync, StreamEnd, StreamMessage } from '@tidewire/contract';
import {
  formatChangeMessage,
  formatEventMessage,
  formatHeartbeat,
  formatMessage,
  formatResyncMessage,
} from './stream-message.ts';
import type { WireFormat } from './wire-format.ts';

/**
 * One event of a stream: its id, its name if it has one, and its data, which is one line of JSON (JSON escapes line ends, so a value
 * can never begin a field of its own). WHATWG HTML 9.2.
 */
export function sseFrame(id: string, event: string | undefined, data: string): string {
  const name = event === undefined ? '' : `event: ${event}\n`;
  return `id: ${id}\n${name}data: ${data}\n\n`;
}

/** A heartbeat: an id without data moves the client's cursor and dispatches nothing. */
export function ssePosition(position: LogPosition): string {
  return `: position\nid: ${formatEventId(position)}\n\n`;
}

/** "Fetch again". Its id is the position from which events follow, so a reconnect goes on from there. */
export function sseResync(resync: Resync): string {
  return sseFrame(resync.current, SSE_EVENTS.resync, JSON.stringify(resync));
}

/** "Renew your credential". It has no id: the client's cursor is not moved by it. */
export function sseCredentialExpiring(expiresAt: number): string {
  const data: CredentialExpiring = { expiresAt: formatTimestamp(expiresAt) };
  return `event: ${SSE_EVENTS.credentialExpiring}\ndata: ${JSON.stringify(data)}\n\n`;
}

/**
 * Text as one chunk of HTTP/1.1's chunked coding (RFC 9112 7.1), to be written to the response's socket itself. Chunks
 * can be joined: a buffer of several is several chunks.
 */
export function chunk(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const head = `${length.toString(16)}\r\n`;
  const bytes = Buffer.allocUnsafe(head.length + length + 2);
  bytes.write(head, 0, 'latin1');
  bytes.write(text, head.length, 'utf8');
  bytes.write('\r\n', head.length + length, 'latin1');
  return bytes;
}

/** The beginning of such a chunk, of which so many bytes follow in buffers of their own, and a line end (CR LF) behind them. */
export function chunkStart(text: string, restBytes: number): Buffer {
  return Buffer.from(`${(Buffer.byteLength(text) + restBytes).toString(16)}\r\n${text}`);
}

/** Topics: events by name, control by name. */
export const SSE_FRAMES: WireFormat = Object.freeze({
  named: false,
  event: ({ id, event, json }) => chunk(sseFrame(id, event, json)),
  change: (change) => chunk(sseFrame(change.id, undefined, formatChangeMessage(change, ''))),
  position: (position) => chunk(ssePosition(position)),
  resync: (resync) => chunk(sseResync(resync)),
} satisfies WireFormat);

/** A table: messages that are told apart by their type, as on a WebSocket; the id of each is the cursor. */
export const TABLE_SSE_FRAMES: WireFormat = Object.freeze({
  named: true,
  event: ({ id, event, json }) => chunk(sseFrame(id, event, json)),
  change: (change, subscription) =>
    chunk(sseFrame(change.id, undefined, formatChangeMessage(change, subscription))),
  position: (position, subscription, nowMs) =>
    chunk(sseFrame(formatEventId(position), undefined, formatHeartbeat(position, subscription, nowMs))),
  resync: (resync, subscription) =>
    chunk(sseFrame(resync.current, undefined, formatResyncMessage(resync, subscription))),
} satisfies WireFormat);

/**
 * Several subscriptions: the messages of a WebSocket. Each subscription has a cursor of its own, inside its messages, so
 * that the stream has none.
 */
export const SEVERAL_SSE_FRAMES: WireFormat = Object.freeze({
  named: true,
  event: (event, subscription) => chunk(sseData(formatEventMessage(event, subscription))),
  change: (change, subscription) => chunk(sseData(formatChangeMessage(change, subscription))),
  position: (position, subscription, nowMs) => chunk(sseData(formatHeartbeat(position, subscription, nowMs))),
  resync: (resync, subscription) => chunk(sseData(formatResyncMessage(resync, subscription))),
} satisfies WireFormat);

/** How a stream is told what is not an event, beside what all streams of its wire are told together. */
export interface SseWords {
  resync(resync: Resync): string;
  expiring(expiresAt: number): string;
  /** Events are held back, or not any more; empty where the protocol has no words for it. */
  held(on: boolean): string;
  /** The last words; empty where the protocol has none for it. */
  end(end: StreamEnd): string;
}

export const TOPIC_WORDS: SseWords = Object.freeze({
  resync: sseResync,
  expiring: sseCredentialExpiring,
  held: () => '',
  end: sseEnd,
});

/** A stream of messages. What is said here is about the connection, and leaves every cursor where it is. */
export const MESSAGE_WORDS: SseWords = Object.freeze({
  resync: (resync: Resync) => sseMessage({ type: 'resync', ...resync }),
  expiring: (expiresAt: number) =>
    sseMessage({ type: 'credential-expiring', expiresAt: formatTimestamp(expiresAt) }),
  held: (on: boolean) =>
    sseMessage({
      type: 'connection-status',
      status: on ? 'reconnecting' : 'connected',
      transport: 'sse',
    }),
  end: sseEnd,
});

/** The same where the connection is one subscription, whose cursor is the id. */
export function createTableWords(subscription: string): SseWords {
  return {
    ...MESSAGE_WORDS,
    resync: (resync) => sseFrame(resync.current, undefined, formatResyncMessage(resync, subscription)),
  };
}

function sseEnd(end: StreamEnd): string {
  return `event: ${SSE_EVENTS.end}\ndata: ${JSON.stringify(end)}\n\n`;
}

/** A message that has no place in the order of the log. */
export function sseMessage(message: StreamMessage): string {
  return sseData(formatMessage(message));
}

function sseData(json: string): string {
  return `data: ${json}\n\n`;
}
