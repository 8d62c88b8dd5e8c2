import { TidewireError } from '@tidewire/contract';
import { requirePrincipal } from '@tidewire/service-kit';
import type { HttpRequest, PrincipalContext } from '@tidewire/service-kit';
import type { Author } from '../rights-writer.ts';

/**
 * Who acts, by a credential that is not limited. A token that was made to read one topic must not be able to make
 * itself a better one, so limited credentials get no further than `/api/auth/me`.
 *
 * @throws TidewireError UNAUTHORIZED, or FORBIDDEN for a limited credential.
 */
export function requireUnlimited(request: HttpRequest): PrincipalContext {
  const context = requirePrincipal(request);
  const { scopes } = context.credential;
  if (scopes?.actions !== undefined || scopes?.topics !== undefined) {
    throw new TidewireError('FORBIDDEN', 'This credential is limited and may not do this.');
  }
  return context;
}

/**
 * The same, an administrator's. Said before anything is looked up, so that the answer is the same whatever exists.
 *
 * @throws TidewireError FORBIDDEN for everybody else.
 */
export function requireAdmin(request: HttpRequest): PrincipalContext {
  const context = requireUnlimited(request);
  if (!context.principal.admin) throw new TidewireError('FORBIDDEN', 'Only an administrator may do this.');
  return context;
}

/** The author of what this request writes. */
export function authorOf(request: HttpRequest): Author {
  const { principal } = requirePrincipal(request);
  return {
    principal: principal.id,
    correlationId: request.correlationId,
    traceparent: request.traceparent,
  };
}

/** What is absent and what the asker may not know look the same. */
export function notFound(): TidewireError {
  return new TidewireError('NOT_FOUND', 'Not found.');
}
