import { TidewireError } from '@tidewire/contract';
import { toTidewireError } from '@tidewire/service-kit';
import type { HttpServer } from '@tidewire/service-kit';
import type { PresencePort } from '../transports/socket-session.ts';
import { openStream, streamRoute } from './open-stream.ts';
import type { StreamRouteOptions } from './open-stream.ts';
import { onlyValue } from './poll-query.ts';
import { readQuery } from './subscription-query.ts';

export interface PresenceRouteOptions extends StreamRouteOptions {
  readonly presence: PresencePort;
}

/** `GET /api/realtime/presence?pagePath=`: who is on a page, as Server-Sent Events; whoever listens is there too. */
export function registerPresenceRoute(app: HttpServer, options: PresenceRouteOptions): void {
  const { sse, presence } = options;
  app.get('/api/realtime/presence', {
    ...streamRoute(options),
    handler: (request, reply) =>
      openStream(request, reply, options, async (place) => {
        const pagePath = onlyValue(readQuery(request.url), 'pagePath') ?? '';
        if (pagePath === '')
          throw new TidewireError('BAD_REQUEST', 'The path of a page is required: pagePath=');
        const page = presence.requirePage(place.admission.reader, pagePath);
        const peer = await sse.openBare(place, `presence ${page}`, presence);
        if (peer === undefined) return;
        try {
          await presence.join(peer, pagePath);
        } catch (error) {
          // The stream has begun: what is wrong now is said in it.
          const { code, message } = toTidewireError(error);
          peer.end(code, message);
        }
      }),
  });
}
