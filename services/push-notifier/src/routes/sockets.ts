import { PUSH_PATHS, TidewireError } from '@tidewire/contract';
import { isWebSocketUpgrade } from '@tidewire/service-kit';
import type { ClientAddress, HttpServer } from '@tidewire/service-kit';
import type { PushSockets } from '../sockets/push-sockets.ts';

export interface SocketsRouteOptions {
  readonly sockets: Pick<PushSockets, 'accept'>;
  readonly addressOf: ClientAddress;
  /** @throws TidewireError while nobody can be let in. */
  readonly requireReady: () => void;
}

/** Whether a request asks for a socket: what the server has to know of its streams. */
export function isPushSocketRequest(method: string | undefined, target: string | undefined): boolean {
  return method === 'GET' && target?.split('?', 1)[0] === PUSH_PATHS.socket;
}

/**
 * `GET /push/ws`: the WebSocket of notify_push. Who is there is said in its first messages: no cookie counts, so that any page
 * may open one.
 */
export function registerSocketsRoute(app: HttpServer, options: SocketsRouteOptions): void {
  const { sockets, addressOf, requireReady } = options;
  app.get(PUSH_PATHS.socket, {
    config: { authentication: 'none' },
    exposeHeadRoute: false,
    handler: (request, reply) => {
      if (!isWebSocketUpgrade(request.raw)) {
        throw new TidewireError('BAD_REQUEST', 'Ask for a WebSocket (Upgrade), over HTTP/1.1');
      }
      requireReady();
      sockets.accept({
        request: request.raw,
        response: reply.raw,
        correlationId: request.correlationId,
        address: addressOf(request.raw),
      });
      reply.hijack();
    },
  });
}
