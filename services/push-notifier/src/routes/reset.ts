import { PUSH_PATHS, TidewireError } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { isAdministrator } from '@tidewire/rights';
import { requirePrincipal } from '@tidewire/service-kit';
import type { HttpServer } from '@tidewire/service-kit';
import { readerOf } from './reader-of.ts';

export interface ResetRouteOptions {
  readonly view: () => RightsView;
  /** Tells every notifier to close its sockets. */
  readonly reset: () => void;
}

/** `POST /api/push/reset`: every push socket is closed. */
export function registerResetRoute(app: HttpServer, { view, reset }: ResetRouteOptions): void {
  app.post(PUSH_PATHS.reset, async (request, reply) => {
    if (!isAdministrator(view(), readerOf(requirePrincipal(request)))) {
      throw new TidewireError('FORBIDDEN', 'Only an administrator may close the sockets of others');
    }
    reset();
    return await reply.code(202).send();
  });
}
