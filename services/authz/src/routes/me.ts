import { callerSchema } from '@tidewire/contract';
import { requirePrincipal } from '@tidewire/service-kit';
import type { HttpServer } from '@tidewire/service-kit';
import { formatPrincipal } from './shapes.ts';

/** `GET /api/auth/me`: who the caller is, for every kind of credential. */
export function registerMe(app: HttpServer): void {
  app.get(
    '/api/auth/me',
    {
      schema: {
        response: { 200: callerSchema },
      },
    },
    async (request) => {
      const { principal, credential } = requirePrincipal(request);
      const { id, type, scopes, expiresAt } = credential;
      return {
        principal: formatPrincipal(principal),
        credential: { id, type, principal: principal.id, scopes, expiresAt },
      };
    },
  );
}
