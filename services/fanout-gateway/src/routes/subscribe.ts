import { QUERY_PARAMETERS, SEVERAL_LIMITS, handshakesSchema } from '@tidewire/contract';
import { isWebSocketUpgrade, parseInput } from '@tidewire/service-kit';
import type { HttpServer } from '@tidewire/service-kit';
import { cursorOf, openSocket, openStream, streamRoute } from './open-stream.ts';
import type { StreamRouteOptions } from './open-stream.ts';
import { parseSubscriptionQuery, readQuery, unknownParameter } from './subscription-query.ts';
import type { QueryEntries } from './subscription-query.ts';

export interface SubscribeRouteOptions extends StreamRouteOptions {
  readonly maxTopics: number;
}

const SUBSCRIBE_PATH = '/api/realtime/subscribe';
/** What the socket's address takes; what it is to be told of comes in handshakes. */
const SOCKET_PARAMETERS: readonly string[] = [QUERY_PARAMETERS.lastEventId, QUERY_PARAMETERS.token];
/** Cursors are in the handshakes, one for each. */
const SEVERAL_PARAMETERS: readonly string[] = [QUERY_PARAMETERS.token];

/**
 * `GET /api/realtime/subscribe`: events of one or several topics, as Server-Sent Events; as a WebSocket, whatever its
 * handshakes ask for. `POST`: whatever the handshakes of its body ask for, as Server-Sent Events.
 */
export function registerSubscribeRoute(app: HttpServer, options: SubscribeRouteOptions): void {
  app.get(SUBSCRIBE_PATH, {
    ...streamRoute(options),
    handler: (request, reply) =>
      openStream(request, reply, options, async (place) => {
        if (isWebSocketUpgrade(request.raw)) {
          const { values } = readKnown(request.url, SOCKET_PARAMETERS);
          const cursor = cursorOf(request, values(QUERY_PARAMETERS.lastEventId)[0]);
          await openSocket(request, place, options, { cursor, first: undefined });
          return;
        }
        const { wanted, lastEventId } = parseSubscriptionQuery(request.url, options.maxTopics);
        await options.sse.open({ ...place, wanted, cursor: cursorOf(request, lastEventId) });
      }),
  });

  app.post(SUBSCRIBE_PATH, {
    ...streamRoute(options),
    bodyLimit: SEVERAL_LIMITS.maxBodyBytes,
    handler: (request, reply) =>
      openStream(request, reply, { ...options, use: 'write' }, async (place) => {
        readKnown(request.url, SEVERAL_PARAMETERS);
        const { subscriptions } = parseInput(handshakesSchema, request.body, 'body');
        await options.sse.openSeveral(place, subscriptions);
      }),
  });
}

/** A query that has nothing but these. @throws TidewireError BAD_REQUEST */
function readKnown(url: string, known: readonly string[]): QueryEntries {
  const query = readQuery(url);
  const unknown = query.entries.find(([name]) => !known.includes(name));
  if (unknown !== undefined) throw unknownParameter(unknown[0], known);
  return query;
}
