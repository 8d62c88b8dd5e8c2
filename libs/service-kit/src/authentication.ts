import { TidewireError } from '@tidewire/contract';
import type { Credential, LogPosition, Principal } from '@tidewire/contract';
import type { FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import type { ClientAddress } from './client-address.ts';
import { readCredential } from './credential.ts';
import type { GivenCredential } from './credential.ts';
import { requireOwnPage } from './cross-origin.ts';

/** Who acts, by what, and as of which place in the log that is known. */
export interface PrincipalContext {
  readonly principal: Principal;
  readonly credential: Credential;
  /** The position of the answer: rights up to here are in `principal` and `credential`. */
  readonly position?: LogPosition;
}

/**
 * Whether a route needs a credential: `required` (what a route gets that says nothing), `optional` (anonymous is
 * fine, a bad credential is not), `none` (the credential is not even looked at: health, login).
 */
export type AuthenticationNeed = 'required' | 'optional' | 'none';

declare module 'fastify' {
  interface FastifyContextConfig {
    authentication?: AuthenticationNeed;
  }
  interface FastifyRequest {
    /** Set by {@link authenticationPlugin}; null for anonymous requests and on routes that need none. */
    principal: PrincipalContext | null;
  }
}

export interface AuthenticationOptions {
  /**
   * Says who holds the credential.
   *
   * @throws TidewireError UNAUTHORIZED, with one text for unknown, expired and revoked; SERVICE_UNAVAILABLE when
   * nobody can say at the moment.
   */
  readonly authenticate: (credential: GivenCredential) => Promise<PrincipalContext>;
  /** Origins whose pages may write with a session cookie; normally the public URL's. */
  readonly allowedOrigins: readonly string[];
  /** Whether `Authorization: Basic` is taken, and named where a credential is missing. Default false. */
  readonly basic?: boolean;
  /** Tells whence a request comes, for the rate limits of whoever authenticates it. */
  readonly addressOf?: ClientAddress;
}

const BASIC_CHALLENGE = 'Basic realm="tidewire", charset="UTF-8"';

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Authenticates every request of the server it is registered on, before its body is read: an outsider learns nothing
 * from validation and costs no parsing. Routes say what they need in `config.authentication`.
 */
export const authenticationPlugin = fastifyPlugin<AuthenticationOptions>(
  async (app, { authenticate, allowedOrigins, basic = false, addressOf }) => {
    app.addHook('onRequest', async (request) => {
      const need = request.routeOptions.config.authentication ?? 'required';
      // A path without a route stays 404: which paths exist is public.
      if (need === 'none' || request.is404) return;
      const credential = readCredential(request.raw, { basic });
      if (credential === undefined) {
        if (need === 'required') throw unauthenticated();
        return;
      }
      if (credential.source === 'cookie' && !SAFE_METHODS.has(request.method)) {
        requireOwnPage(request.headers, allowedOrigins, 'write');
      }
      request.principal = await authenticate(
        addressOf === undefined ? credential : { ...credential, address: addressOf(request.raw) },
      );
    });
    if (!basic) return;
    app.addHook('onSend', async (_request, reply) => {
      const challenge = reply.getHeader('www-authenticate');
      if (challenge !== undefined)
        void reply.header('www-authenticate', `${String(challenge)}, ${BASIC_CHALLENGE}`);
    });
  },
  { name: 'tidewire-authentication' },
);

/**
 * Who acts, on a route that needs a credential.
 *
 * @throws TidewireError UNAUTHORIZED on an anonymous request.
 */
export function requirePrincipal(request: Pick<FastifyRequest, 'principal'>): PrincipalContext {
  if (request.principal === null) throw unauthenticated();
  return request.principal;
}

function unauthenticated(): TidewireError {
  return new TidewireError(
    'UNAUTHORIZED',
    'Send a credential: "Authorization: Bearer <token>" or a session.',
  );
}
