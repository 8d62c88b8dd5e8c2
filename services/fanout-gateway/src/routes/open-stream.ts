import { HTTP_HEADERS, TidewireError } from '@tidewire/contract';
import type { ErrorCode } from '@tidewire/contract';
import type { Admission } from '@tidewire/rights';
import { isWebSocketUpgrade, toTidewireError } from '@tidewire/service-kit';
import type { HttpReply, HttpRequest } from '@tidewire/service-kit';
import { chooseCursor } from '../replay/cursor.ts';
import type { SsePlace, SseStreams } from '../transports/sse-streams.ts';
import type { WebSockets } from '../transports/web-sockets.ts';
import type { WantedLane } from '../transports/lanes.ts';
import { admitRequest } from './admit-request.ts';
import type { AdmitRequestOptions } from './admit-request.ts';
import { answerTransient } from './transient-answer.ts';

const STREAM_PATHS =
  /^\/api\/(?:realtime\/(?:subscribe|presence)|tables\/[^/]+\/subscribe(?:\/sse)?|graphql\/(?:subscriptions|stream))$/;

/** Whether a request asks for a stream or a socket. */
export function isStreamRequest(method: string | undefined, target: string | undefined): boolean {
  return method === 'GET' && STREAM_PATHS.test(target?.split('?', 1)[0] ?? '');
}

/** What every route stands on whose answer is a stream or a socket. */
export interface StreamRouteOptions extends AdmitRequestOptions {
  readonly sse: SseStreams;
  readonly sockets: WebSockets;
  /** @throws TidewireError while nobody can be let in. */
  readonly requireReady: () => void;
  readonly retryMs: () => number;
  /** What a session cookie is used for, where it is not reading a stream. */
  readonly use?: 'write';
  /** Told of every refused request, for metrics. */
  readonly onRefusal: (code: ErrorCode) => void;
}

/** Part of a route whose answer lasts. The order of checks is the stream's own: room first, then who asks, then what for. */
export function streamRoute(options: StreamRouteOptions): {
  readonly config: { readonly authentication: 'none' };
  readonly exposeHeadRoute: false;
  readonly errorHandler: (error: Error, request: HttpRequest, reply: HttpReply) => void;
} {
  return {
    config: { authentication: 'none' },
    exposeHeadRoute: false,
    errorHandler: (error, request, reply) => {
      options.onRefusal(toTidewireError(error).code);
      if (!answerTransient(error, request, reply, options.retryMs())) throw error;
    },
  };
}

/**
 * Lets a caller in and hands the answer over to `open`, which owns the admission from there on.
 *
 * @throws TidewireError before anything was sent.
 */
export async function openStream(
  request: HttpRequest,
  reply: HttpReply,
  options: StreamRouteOptions,
  open: (place: SsePlace) => Promise<unknown>,
): Promise<void> {
  if (request.raw.httpVersion !== '1.1') {
    throw new TidewireError('BAD_REQUEST', 'Streams need HTTP/1.1 (behind nginx: proxy_http_version 1.1)');
  }
  options.requireReady();
  const { use = isWebSocketUpgrade(request.raw) ? 'socket' : 'stream' } = options;
  const admission: Admission = await admitRequest(request.raw, options, use);
  try {
    const { correlationId } = request;
    await open({ admission, address: options.addressOf(request.raw), correlationId, response: reply.raw });
  } catch (error) {
    admission.release();
    throw error;
  }
  reply.hijack();
}

/** Hands a request for a WebSocket over, with the subscription that it begins with, if any. */
export async function openSocket(
  request: HttpRequest,
  place: SsePlace,
  { sockets }: StreamRouteOptions,
  asked: { readonly cursor: string | undefined; readonly first: WantedLane | undefined },
): Promise<void> {
  await sockets.accept({ request: request.raw, ...place, ...asked });
}

/** The cursor of a request: its header, otherwise `lastEventId` of its query. */
export function cursorOf(request: HttpRequest, query: string | undefined): string | undefined {
  const header = request.headers[HTTP_HEADERS.lastEventId];
  return chooseCursor(typeof header === 'string' ? header : undefined, query);
}
