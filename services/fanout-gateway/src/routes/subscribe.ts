import { QUERY_PARAMETERS } from '@tidewire/contract';
import { isWebSocketUpgrade } from '@tidewire/service-kit';
import type { HttpServer } from '@tidewire/service-kit';
import { cursorOf, openSocket, openStream, streamRoute } from './open-stream.ts';
import type { StreamRouteOptions } from './open-stream.ts';
import { parseSubscriptionQuery, readQuery, unknownParameter } from './subscription-query.ts';

export interface SubscribeRouteOptions extends StreamRouteOptions {
  readonly maxTopics: number;
}

const SUBSCRIBE_PATH = '/api/realtime/subscribe';
/** What the socket's address takes; what it is to be told of comes in handshakes. */
const SOCKET_PARAMETERS: readonly string[] = [QUERY_PARAMETERS.lastEventId, QUERY_PARAMETERS.token];

/**
 * `GET /api/realtime/subscribe`: events of one or several topics, as Server-Sent Events; as a WebSocket, whatever its
 * handshakes ask for.
 */
export function registerSubscribeRoute(app: HttpServer, options: SubscribeRouteOptions): void {
  app.get(SUBSCRIBE_PATH, {
    ...streamRoute(options),
    handler: (request, reply) =>
      openStream(request, reply, options, async (place) => {
        if (isWebSocketUpgrade(request.raw)) {
          const { entries, values } = readQuery(request.url);
          const unknown = entries.find(([name]) => !SOCKET_PARAMETERS.includes(name));
          if (unknown !== undefined) throw unknownParameter(unknown[0], SOCKET_PARAMETERS);
          const cursor = cursorOf(request, values(QUERY_PARAMETERS.lastEventId)[0]);
          await openSocket(request, place, options, { cursor, first: undefined });
          return;
        }
        const { wanted, lastEventId } = parseSubscriptionQuery(request.url, options.maxTopics);
        await options.sse.open({ ...place, wanted, cursor: cursorOf(request, lastEventId) });
      }),
  });
}
