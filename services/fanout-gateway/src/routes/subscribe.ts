import type { IncomingMessage } from 'node:http';
import { HTTP_HEADERS, TidewireError } from '@tidewire/contract';
import type { ErrorCode } from '@tidewire/contract';
import { readCredential, requireOwnPage, toTidewireError } from '@tidewire/service-kit';
import type { ClientAddress, GivenCredential, HttpServer } from '@tidewire/service-kit';
import { chooseCursor } from '../replay/cursor.ts';
import type { Admission } from '../rights/admission.ts';
import { admitAnonymous } from '../rights/admission.ts';
import type { SseStreams } from '../transports/sse-streams.ts';
import { parseSubscriptionQuery } from './subscription-query.ts';
import { answerTransient } from './transient-answer.ts';

/** What it takes to find out who asks. */
export interface AdmitRequestOptions {
  readonly admit: (credential: GivenCredential) => Promise<Admission>;
  readonly anonymousStreams: boolean;
  /** Origins whose pages may use a session cookie here. */
  readonly allowedOrigins: readonly string[];
  readonly addressOf: ClientAddress;
}

export interface SubscribeRouteOptions extends AdmitRequestOptions {
  readonly sse: SseStreams;
  /** @throws TidewireError while nobody can be let in. */
  readonly requireReady: () => void;
  readonly maxTopics: number;
  readonly retryMs: () => number;
  /** Told of every refused request, for metrics. */
  readonly onRefusal: (code: ErrorCode) => void;
}

const SUBSCRIBE_PATH = '/api/realtime/subscribe';

/** Whether a request asks for a stream. */
export function isSubscribe(method: string | undefined, target: string | undefined): boolean {
  return method === 'GET' && target?.split('?', 1)[0] === SUBSCRIBE_PATH;
}

/** `GET /api/realtime/subscribe`: events of one or several topics, as Server-Sent Events. */
export function registerSubscribeRoute(app: HttpServer, options: SubscribeRouteOptions): void {
  const { sse, requireReady, maxTopics, retryMs } = options;
  app.get(SUBSCRIBE_PATH, {
    // The stream's own order of checks: room first, then who asks, then what for.
    config: { authentication: 'none' },
    exposeHeadRoute: false,
    errorHandler: (error, request, reply) => {
      options.onRefusal(toTidewireError(error).code);
      if (!answerTransient(error, request, reply, retryMs())) throw error;
    },
    handler: async (request, reply) => {
      if (request.raw.httpVersion !== '1.1') {
        throw new TidewireError(
          'BAD_REQUEST',
          'Streams need HTTP/1.1 (behind nginx: proxy_http_version 1.1)',
        );
      }
      requireReady();
      const admission = await admitRequest(request.raw, options);
      try {
        const query = parseSubscriptionQuery(request.url, maxTopics);
        const header = request.headers[HTTP_HEADERS.lastEventId];
        const cursor = chooseCursor(typeof header === 'string' ? header : undefined, query.lastEventId);
        const { wanted } = query;
        const { correlationId } = request;
        const address = options.addressOf(request.raw);
        await sse.open({ wanted, cursor, admission, address, correlationId, response: reply.raw });
      } catch (error) {
        admission.release();
        throw error;
      }
      reply.hijack();
    },
  });
}

/**
 * Who asks. `use`: whether the request writes, which a session cookie may do for allowed pages only.
 *
 * @throws TidewireError UNAUTHORIZED; BAD_REQUEST for several different credentials; FORBIDDEN for a foreign page with a
 * session cookie.
 */
export async function admitRequest(
  request: IncomingMessage,
  { admit, anonymousStreams, allowedOrigins, addressOf }: AdmitRequestOptions,
  use: 'stream' | 'write' = 'stream',
): Promise<Admission> {
  const credential = readCredential(request);
  if (credential?.source === 'cookie') requireOwnPage(request.headers, allowedOrigins, use);
  if (credential !== undefined) return await admit({ ...credential, address: addressOf(request) });
  if (anonymousStreams) return admitAnonymous();
  throw new TidewireError('UNAUTHORIZED', 'Send a credential: "Authorization: Bearer <token>" or a session.');
}
