import type { IncomingHttpHeaders } from 'node:http';
import { MAX_SECRET_LENGTH, QUERY_PARAMETERS, TidewireError } from '@tidewire/contract';
import type { PresentedType } from '@tidewire/contract';

/** What a client showed to say who it is. `secret` is never logged, echoed or put into an error. */
export interface GivenCredential {
  readonly type: PresentedType;
  readonly secret: string;
  /** Where it was found: what came by cookie needs an allowed Origin on writes and WebSockets. */
  readonly source: 'query' | 'bearer' | 'cookie' | 'basic';
}

/** What {@link readCredential} looks at: any Fastify request and any `http.IncomingMessage`, upgrades included. */
export interface CredentialCarrier {
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** All values of each header: `headers` has only the first `Authorization`, and does not tell that there were more. */
  readonly headersDistinct?: NodeJS.Dict<string[]>;
}

export const SESSION_COOKIE = 'tidewire_session';

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;

/**
 * Finds the credential of a request: `?token=`, `Authorization: Bearer`, or the session cookie. Undefined when there
 * is none. The same one given twice is fine.
 *
 * @throws TidewireError BAD_REQUEST when two different ones are given, or one is malformed: whom the request acts for
 * must not depend on which of them a server happens to look at first.
 */
export function readCredential(request: CredentialCarrier): GivenCredential | undefined {
  const found = [queryTokens(request.url), bearerTokens(request), sessionCookies(request.headers)].flat();
  const [first] = found;
  if (first === undefined) return undefined;
  if (found.some((other) => other.secret !== first.secret || other.type !== first.type)) {
    throw new TidewireError(
      'BAD_REQUEST',
      'Send one credential: the request carries several different ones.',
    );
  }
  if (first.secret.length === 0 || first.secret.length > MAX_SECRET_LENGTH) throw malformed();
  return first;
}

function queryTokens(url: string | undefined): GivenCredential[] {
  const start = url?.indexOf('?') ?? -1;
  if (url === undefined || start < 0) return [];
  return new URLSearchParams(url.slice(start + 1))
    .getAll(QUERY_PARAMETERS.token)
    .map((secret) => ({ type: 'token', secret, source: 'query' }));
}

function bearerTokens({ headers, headersDistinct }: CredentialCarrier): GivenCredential[] {
  const { authorization } = headers;
  if (authorization === undefined) return [];
  return (headersDistinct?.['authorization'] ?? [authorization]).map((value) => {
    const secret = BEARER.exec(value)?.[1];
    if (secret === undefined) throw malformed();
    return { type: 'token', secret, source: 'bearer' };
  });
}

function sessionCookies(headers: IncomingHttpHeaders): GivenCredential[] {
  return (headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${SESSION_COOKIE}=`))
    .map((pair) => ({ type: 'session', secret: pair.slice(SESSION_COOKIE.length + 1), source: 'cookie' }));
}

function malformed(): TidewireError {
  return new TidewireError(
    'BAD_REQUEST',
    'The credential is malformed: send "Authorization: Bearer <token>".',
  );
}

/**
 * Whether a request that is authenticated by cookie comes from an allowed page. Browsers send cookies along with
 * whatever any site makes them request; `Origin` is the one thing such a site cannot choose.
 */
export function isAllowedOrigin(headers: IncomingHttpHeaders, allowed: readonly string[]): boolean {
  return headers.origin !== undefined && allowed.includes(headers.origin);
}
