import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { HTTP_HEADERS, PROBLEM_MEDIA_TYPE, TidewireError, formatProblem } from '@tidewire/contract';
import { readCorrelation } from '@tidewire/service-kit';
import { formatHead, wantsEventStream } from './edge-headers.ts';
import type { HeaderList } from './edge-headers.ts';

/** Reconnection delays that are handed out when a stream's service is away: spread, so that not all return at once. */
const RETRY_SHORTEST_MS = 1_000;
const RETRY_SPREAD_MS = 7_000;
const RETRY_AFTER_SECONDS = 1;

/**
 * Says that the service behind a path is away. An `EventSource` never reconnects after a 503, so whoever asked for
 * an event stream gets an empty one that tells it when to come back.
 */
export function answerUnavailable(request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  if (wantsEventStream(request)) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.end(`retry: ${RETRY_SHORTEST_MS + Math.floor(Math.random() * RETRY_SPREAD_MS)}\n\n`);
    return;
  }
  answerProblem(response, unavailable());
}

/** An error in the shape that every service uses. */
export function answerProblem(
  response: ServerResponse,
  error: TidewireError,
  headers: Record<string, string> = {},
): void {
  const retry =
    error.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(error.retryAfterSeconds) };
  answerJson(response, error.status, formatProblem(error), {
    'Content-Type': PROBLEM_MEDIA_TYPE,
    ...retry,
    ...headers,
  });
}

/** A small JSON answer; `headers` may name another media type. */
export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'Content-Length': Buffer.byteLength(text),
    [HTTP_HEADERS.correlationId]: readCorrelation(response.req.headers).correlationId,
    ...headers,
  });
  response.end(text);
}

/** Refuses an upgrade before the 101: the same problem, written on the bare socket, which is then closed. */
export function refuseUpgrade(socket: Duplex, error: TidewireError): void {
  const body = Buffer.from(JSON.stringify(formatProblem(error)));
  const headers: HeaderList = [
    ['Content-Type', PROBLEM_MEDIA_TYPE],
    ['Content-Length', String(body.length)],
    ['Connection', 'close'],
  ];
  if (error.retryAfterSeconds !== undefined) headers.push(['Retry-After', String(error.retryAfterSeconds)]);
  socket.end(
    Buffer.concat([formatHead(`HTTP/1.1 ${error.status} ${reasonOf(error.status)}`, headers), body]),
  );
}

export function unavailable(): TidewireError {
  return new TidewireError('SERVICE_UNAVAILABLE', 'This part of the system is away; try again in a moment.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

export function notFound(): TidewireError {
  return new TidewireError('NOT_FOUND', 'There is nothing at this address.');
}

export function readOnly(): TidewireError {
  return new TidewireError('METHOD_NOT_ALLOWED', 'This path takes GET, HEAD.');
}

export function malformedAddress(): TidewireError {
  return new TidewireError('BAD_REQUEST', 'The address is not a well-formed path.');
}

function reasonOf(status: number): string {
  return status === 503 ? 'Service Unavailable' : status === 404 ? 'Not Found' : 'Bad Request';
}
