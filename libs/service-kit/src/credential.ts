import type { IncomingHttpHeaders } from 'node:http';
import { MAX_SECRET_LENGTH, QUERY_PARAMETERS, SESSION_COOKIE, TidewireError } from '@tidewire/contract';
import type { PresentedType } from '@tidewire/contract';

/** What a client showed to say who it is. `secret` is never logged, echoed or put into an error. */
export interface GivenCredential {
  readonly type: PresentedType;
  readonly secret: string;
  /** Where it was found: what came by cookie needs an allowed Origin on writes and WebSockets. */
  readonly source: 'query' | 'bearer' | 'cookie' | 'basic';
  /** Whence the request came, for rate limits. Absent where nobody looked. */
  readonly address?: string;
}

/** What {@link readCredential} looks at: any Fastify request and any `http.IncomingMessage`, upgrades included. */
export interface CredentialCarrier {
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** All values of each header: `headers` has only the first `Authorization`, and does not tell that there were more. */
  readonly headersDistinct?: NodeJS.Dict<string[]>;
}

const BASIC = /^Basic +([A-Za-z0-9+/_-]+={0,2}) *$/i;
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;

export interface CredentialReading {
  /** Whether `Authorization: Basic` is taken too: only where clients cannot send anything else. */
  readonly basic?: boolean;
}

/**
 * Finds the credential of a request: `?token=`, `Authorization: Bearer`, the session cookie, or Basic where that is
 * asked for. Undefined when there is none. The same one given twice is fine.
 *
 * @throws TidewireError BAD_REQUEST when two different ones are given, or one is malformed: whom the request acts for
 * must not depend on which of them a server happens to look at first. UNAUTHORIZED when it is longer than any can be.
 */
export function readCredential(
  request: CredentialCarrier,
  reading: CredentialReading = {},
): GivenCredential | undefined {
  const found = [
    queryTokens(request.url),
    authorizations(request, reading),
    sessionCookies(request.headers),
  ].flat();
  const [first] = found;
  if (first === undefined) return undefined;
  if (found.some((other) => other.secret !== first.secret || other.type !== first.type)) {
    throw new TidewireError(
      'BAD_REQUEST',
      'Send one credential: the request carries several different ones.',
    );
  }
  if (first.secret.length === 0) throw malformed();
  // Longer than any: refused as every credential that is not known, which it would be.
  if (first.secret.length > MAX_SECRET_LENGTH) {
    throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
  }
  return first;
}

function queryTokens(url: string | undefined): GivenCredential[] {
  const start = url?.indexOf('?') ?? -1;
  if (url === undefined || start < 0) return [];
  return new URLSearchParams(url.slice(start + 1))
    .getAll(QUERY_PARAMETERS.token)
    .map((secret) => ({ type: 'token', secret, source: 'query' }));
}

function authorizations(
  { headers, headersDistinct }: CredentialCarrier,
  { basic = false }: CredentialReading,
): GivenCredential[] {
  const { authorization } = headers;
  if (authorization === undefined) return [];
  return (headersDistinct?.['authorization'] ?? [authorization]).map((value) => {
    const pair = basic ? BASIC.exec(value)?.[1] : undefined;
    if (pair !== undefined) return { type: 'basic', secret: decodePair(pair), source: 'basic' };
    const secret = BEARER.exec(value)?.[1];
    if (secret === undefined) throw malformed();
    return { type: 'token', secret, source: 'bearer' };
  });
}

/** `user:password` as RFC 7617 has it, in UTF-8. */
function decodePair(encoded: string): string {
  let pair: string;
  try {
    pair = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64'));
  } catch {
    throw malformed();
  }
  if (!pair.includes(':')) throw malformed();
  return pair;
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
