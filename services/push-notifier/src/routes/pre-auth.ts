import { PUSH_PATHS } from '@tidewire/contract';
import { requirePrincipal } from '@tidewire/service-kit';
import type { HttpServer } from '@tidewire/service-kit';
import type { PreAuth } from '../pre-auth/pre-auth.ts';

export interface PreAuthRouteOptions {
  readonly preAuth: Pick<PreAuth, 'issue'>;
}

/**
 * `POST /apps/notify_push/pre_auth`: a token for the socket, as plain text. Clients do not ask twice, so that there is nothing
 * that they could send wrongly: no limit of requests, and a body is not looked at.
 */
export function registerPreAuthRoute(app: HttpServer, { preAuth }: PreAuthRouteOptions): void {
  void app.register(async (scope: HttpServer) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => {
      payload.resume();
      payload.on('end', () => done(null));
      payload.on('error', done);
    });
    scope.post(PUSH_PATHS.preAuth, {
      handler: async (request, reply) => {
        const { principal, credential } = requirePrincipal(request);
        const token = await preAuth.issue({ principal: principal.id, credential: credential.id });
        return await reply.header('content-type', 'text/plain; charset=utf-8').send(token);
      },
    });
  });
}
