import { isIP } from 'node:net';
import { PUSH_PATHS, TidewireError, pushCookieSchema } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { isAdministrator } from '@tidewire/rights';
import { requirePrincipal } from '@tidewire/service-kit';
import type { ClientAddress, HttpReply, HttpRequest, HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import type { SelfTest } from '../self-test/self-test.ts';
import { readerOf } from './reader-of.ts';

export interface SelfTestRouteOptions {
  readonly selfTest: SelfTest;
  readonly view: () => RightsView;
  readonly addressOf: ClientAddress;
}

const remoteSchema = z.object({ ip: z.string().refine((text) => isIP(text) !== 0, 'must be an address') });

/** `/push/test/…`: notify_push's self-tests, for administrators. Answers are plain text, as there. */
export function registerSelfTestRoutes(
  app: HttpServer,
  { selfTest, view, addressOf }: SelfTestRouteOptions,
): void {
  const asAdministrator = (request: HttpRequest): string => {
    const context = requirePrincipal(request);
    if (!isAdministrator(view(), readerOf(context))) {
      throw new TidewireError('FORBIDDEN', 'Only an administrator may test the notifier');
    }
    return context.principal.id;
  };

  app.get(PUSH_PATHS.testCookie, async (request, reply) => {
    asAdministrator(request);
    return await sendText(reply, selfTest.cookie);
  });

  app.post(PUSH_PATHS.testCookie, { schema: { body: pushCookieSchema } }, async (request, reply) => {
    asAdministrator(request);
    selfTest.tell(request.body.cookie);
    return await reply.code(202).send();
  });

  app.get(PUSH_PATHS.testReverseCookie, async (request, reply) => {
    const principal = asAdministrator(request);
    return await sendText(reply, await selfTest.askBack(principal));
  });

  app.get(
    PUSH_PATHS.testRemote.replace('{ip}', ':ip'),
    { schema: { params: remoteSchema } },
    async (request, reply) => {
      asAdministrator(request);
      const { socket, headers } = request.raw;
      // As a proxy that is believed would pass it on.
      const forwarded = { ...headers, 'x-forwarded-for': request.params.ip };
      return await sendText(reply, addressOf({ socket, headers: forwarded }));
    },
  );
}

async function sendText(reply: HttpReply, value: string | number): Promise<HttpReply> {
  return await reply.header('content-type', 'text/plain; charset=utf-8').send(String(value));
}
