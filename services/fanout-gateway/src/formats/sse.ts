import { SSE_EVENTS, formatEventId, formatTimestamp } from '@tidewire/contract';
import type { CredentialExpiring, LogPosition, Resync } from '@tidewire/contract';

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
