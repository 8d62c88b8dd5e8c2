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

/** Header names and values in turn, as they stood in the message: repeated headers and their order survive. */
export type FlatHeaders = string[];

/** The end-to-end headers of a message; what its `Connection` header names is dropped as well. */
export function endToEndHeaders(rawHeaders: readonly string[]): FlatHeaders {
  const named = connectionTokens(rawHeaders);
  const kept: FlatHeaders = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && !named.has(lower)) kept.push(name, rawHeaders[index + 1]!);
  }
  return kept;
}

/**
 * What a service gets: the end-to-end headers and who asked. The client's address is appended to
 * `X-Forwarded-For`, so the last entry is always one that this edge saw itself; `X-Forwarded-Proto` and `-Host`
 * are left as a proxy in front set them.
 */
export function forwardedHeaders(request: IncomingMessage): FlatHeaders {
  const headers = endToEndHeaders(request.rawHeaders);
  const address = request.socket.remoteAddress ?? 'unknown';
  const before = request.headers['x-forwarded-for'];
  const chain = before === undefined ? address : `${String(before)}, ${address}`;
  const result: FlatHeaders = [];
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]!.toLowerCase() !== 'x-forwarded-for')
      result.push(headers[index]!, headers[index + 1]!);
  }
  result.push('X-Forwarded-For', chain);
  if (request.headers['x-forwarded-proto'] === undefined) result.push('X-Forwarded-Proto', 'http');
  if (request.headers['x-forwarded-host'] === undefined && request.headers.host !== undefined) {
    result.push('X-Forwarded-Host', request.headers.host);
  }
  return result;
}

/** A request or response head as it goes over the wire. Values come from a parser that refuses CR and LF. */
export function formatHead(firstLine: string, headers: FlatHeaders): Buffer {
  let text = `${firstLine}\r\n`;
  for (let index = 0; index < headers.length; index += 2)
    text += `${headers[index]}: ${headers[index + 1]}\r\n`;
  return Buffer.from(`${text}\r\n`, 'latin1');
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

function connectionTokens(rawHeaders: readonly string[]): Set<string> {
  const tokens = new Set<string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.toLowerCase() !== 'connection') continue;
    for (const token of rawHeaders[index + 1]!.split(',')) tokens.add(token.trim().toLowerCase());
  }
  return tokens;
}
