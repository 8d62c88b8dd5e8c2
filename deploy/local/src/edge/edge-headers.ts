import type { IncomingMessage } from 'node:http';

/** Headers that speak about one connection, not about the message (RFC 9110 7.6.1): never passed on. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect', // answered by this server itself (100 Continue)
]);

/** Names and values as they stood in the message: repeated headers and their order survive. */
export type HeaderList = (readonly [name: string, value: string])[];

/** The end-to-end headers of a message; what its `Connection` header names is dropped as well. */
export function endToEndHeaders(rawHeaders: readonly string[]): HeaderList {
  const all = headerList(rawHeaders);
  const named = connectionTokens(all);
  return all.filter(([name]) => {
    const lower = name.toLowerCase();
    return !HOP_BY_HOP.has(lower) && !named.has(lower);
  });
}

/** What only a proxy may say: for whom it asks. */
const FORWARDED = new Set(['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']);

/** Forgets what a request says about whom it is made for: its sender is not a proxy that is believed. */
export function dropForwarded(request: IncomingMessage): void {
  for (const name of FORWARDED) delete request.headers[name];
  const kept = headerList(request.rawHeaders).filter(([name]) => !FORWARDED.has(name.toLowerCase()));
  request.rawHeaders = kept.flat();
}

/**
 * What a service gets: the end-to-end headers and who asked. The client's address is appended to
 * `X-Forwarded-For`, so the last entry is always one that this edge saw itself; `X-Forwarded-Proto` and `-Host`
 * are left as a proxy in front set them. See {@link dropForwarded}.
 */
export function forwardedHeaders(request: IncomingMessage): HeaderList {
  const address = request.socket.remoteAddress ?? 'unknown';
  const before = request.headers['x-forwarded-for'];
  const chain = before === undefined ? address : `${String(before)}, ${address}`;
  const headers = endToEndHeaders(request.rawHeaders).filter(
    ([name]) => name.toLowerCase() !== 'x-forwarded-for',
  );
  headers.push(['X-Forwarded-For', chain]);
  if (request.headers['x-forwarded-proto'] === undefined) headers.push(['X-Forwarded-Proto', 'http']);
  if (request.headers['x-forwarded-host'] === undefined && request.headers.host !== undefined) {
    headers.push(['X-Forwarded-Host', request.headers.host]);
  }
  return headers;
}

/** A request or response head as it goes over the wire. Values come from a parser that refuses CR and LF. */
export function formatHead(firstLine: string, headers: HeaderList): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`${firstLine}\r\n${lines}\r\n`, 'latin1');
}

/** Whether the client asked for an event stream: EventSource sends exactly this media type. */
export function wantsEventStream(request: IncomingMessage): boolean {
  return (request.headers.accept ?? '').toLowerCase().includes('text/event-stream');
}

/** Whether a request carries a body, as its framing says. */
export function hasBody(request: IncomingMessage): boolean {
  if (request.headers['transfer-encoding'] !== undefined) return true;
  const length = request.headers['content-length'];
  return length !== undefined && length !== '0';
}

function headerList(rawHeaders: readonly string[]): HeaderList {
  const list: HeaderList = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    list.push([rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '']);
  }
  return list;
}

function connectionTokens(headers: HeaderList): Set<string> {
  const values = headers.filter(([name]) => name.toLowerCase() === 'connection').map(([, value]) => value);
  return new Set(values.flatMap((value) => value.split(',')).map((token) => token.trim().toLowerCase()));
}
