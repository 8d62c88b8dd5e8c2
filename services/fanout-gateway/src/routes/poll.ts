import type { OutgoingHttpHeaders } from 'node:http';
import { HTTP_HEADERS, PROTOCOL_VERSION } from '@tidewire/contract';
import type { Admission } from '@tidewire/rights';
import { toTidewireError } from '@tidewire/service-kit';
import type { GivenCredential, HttpReply, HttpServer } from '@tidewire/service-kit';
import { chooseCursor } from '../replay/cursor.ts';
import type { LongPoll } from '../transports/long-poll.ts';
import { createHttpPollPeer } from '../transports/poll-peer.ts';
import type { PollAnswer } from '../transports/poll-sink.ts';
import { parsePollQuery } from './poll-query.ts';
import { admitRequest } from './admit-request.ts';
import type { SubscribeRouteOptions } from './subscribe.ts';

export interface PollRouteOptions extends Pick<
  SubscribeRouteOptions,
  'addressOf' | 'allowedOrigins' | 'anonymousStreams' | 'maxTopics' | 'onRefusal' | 'requireReady'
> {
  readonly longPoll: LongPoll;
  /** Like `admit` of streams, for those who come again and again. */
  readonly admitAgain: (credential: GivenCredential) => Promise<Admission>;
  /** Whether clients should come back over another connection, which may lead to another gateway. */
  readonly draining: () => boolean;
}

/** `GET /api/realtime/poll`: what happened after a cursor, or the next thing that does. */
export function registerPollRoute(app: HttpServer, options: PollRouteOptions): void {
  const { longPoll, admitAgain, addressOf, maxTopics, draining } = options;
  app.get('/api/realtime/poll', {
    // The stream's own order of checks: room first, then who asks, then what for.
    config: { authentication: 'none' },
    exposeHeadRoute: false,
    errorHandler: (error) => {
      options.onRefusal(toTidewireError(error).code);
      throw error;
    },
    handler: async (request, reply) => {
      options.requireReady();
      const admission = await admitRequest(request.raw, { ...options, admit: admitAgain });
      try {
        const { wanted, lastEventId, timeoutMs, limit } = parsePollQuery(request.url, maxTopics);
        const header = request.headers[HTTP_HEADERS.lastEventId];
        await longPoll.poll({
          wanted,
          cursor: chooseCursor(typeof header === 'string' ? header : undefined, lastEventId),
          admission,
          address: addressOf(request.raw),
          timeoutMs,
          limit,
          peer: createHttpPollPeer(reply.raw),
          transport: 'poll',
          send: (answer) => sendAnswer(reply, answer, draining()),
        });
      } catch (error) {
        admission.release();
        throw error;
      }
      // The client may have gone without an answer.
      if (!reply.sent) reply.hijack();
    },
  });
}

/** Past the framework's own queue: what was judged now is written now. */
function sendAnswer(reply: HttpReply, { body }: PollAnswer, last: boolean): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
    [HTTP_HEADERS.protocol]: PROTOCOL_VERSION,
    ...(last && { connection: 'close' }),
  });
  reply.raw.end(body);
}
