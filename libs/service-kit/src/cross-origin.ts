import { ANSWER_HEADERS, TidewireError } from '@tidewire/contract';
import type { IncomingHttpHeaders } from 'node:http';
import type { HttpServer } from './http-server.ts';

/** Ends an entry that stands for every port of its host. Only loopback hosts may be given so. */
const ANY_PORT = ':*';
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const REQUEST_HEADERS =
  'Authorization, Cache-Control, Content-Type, If-Match, If-None-Match, Last-Event-ID, X-Correlation-Id, ' +
  'X-GraphQL-Event-Stream-Token, traceparent';
/** Scripts never see `Set-Cookie`, whatever a server says. */
const EXPOSED_HEADERS = Object.keys(ANSWER_HEADERS)
  .filter((name) => name !== 'Set-Cookie')
  .join(', ');
/** Browsers ask again after this; it is the longest that the most impatient of them keeps an answer, in seconds. */
const PREFLIGHT_MAX_AGE_S = '600';

/** What a page may ask for, as a refusal calls it. */
const USES = Object.freeze({
  write: 'Writes with a session cookie',
  stream: 'Streams with a session cookie',
  socket: 'WebSockets with a session cookie',
  login: 'Logins of browsers',
} as const);

/**
 * Whether a request comes from an allowed page. Browsers send cookies along with whatever any site makes them request;
 * `Origin` is the one thing such a site cannot choose. An entry `http://localhost:*` stands for every port.
 */
export function isAllowedOrigin(headers: IncomingHttpHeaders, allowed: readonly string[]): boolean {
  const { origin } = headers;
  if (origin === undefined) return false;
  return allowed.some((entry) => entry === origin || (entry.endsWith(ANY_PORT) && isPortOf(entry, origin)));
}

function isPortOf(entry: string, origin: string): boolean {
  const host = entry.slice(0, -ANY_PORT.length);
  return (
    origin === host || (origin.startsWith(`${host}:`) && /^\d{1,5}$/.test(origin.slice(host.length + 1)))
  );
}

/**
 * Refuses what a foreign page makes a browser do with its session cookie. A `write` or a `socket` needs an allowed
 * `Origin`. A `stream` may come without one, because browsers send none with a GET to their own origin, and so may a
 * `login`, which programs do too; but then nothing may say that another site caused it.
 *
 * @throws TidewireError FORBIDDEN.
 */
export function requireOwnPage(
  headers: IncomingHttpHeaders,
  allowed: readonly string[],
  use: keyof typeof USES,
): void {
  if (isAllowedOrigin(headers, allowed)) return;
  const site = headers['sec-fetch-site'];
  const isOwn = site === undefined || site === 'same-origin' || site === 'none';
  if (use !== 'write' && use !== 'socket' && headers.origin === undefined && isOwn) return;
  throw new TidewireError('FORBIDDEN', `${USES[use]} must come from this origin.`);
}

/**
 * Lets pages of the allowed origins read the answers of this server, with credentials (CORS, https://fetch.spec.whatwg.org).
 * Other origins get the same answers without those headers: their browsers keep them from the page.
 */
export function answerCrossOrigin(app: HttpServer, allowed: readonly string[]): void {
  app.addHook('onRequest', async (request, reply) => {
    // On the response itself: streams write their head past the framework.
    const { raw } = reply;
    raw.setHeader('vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !isAllowedOrigin(request.headers, allowed)) return;
    raw.setHeader('access-control-allow-origin', origin);
    raw.setHeader('access-control-allow-credentials', 'true');
    raw.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
      return;
    raw.setHeader('access-control-allow-methods', METHODS);
    raw.setHeader('access-control-allow-headers', REQUEST_HEADERS);
    raw.setHeader('access-control-max-age', PREFLIGHT_MAX_AGE_S);
    return reply.code(204).send();
  });
}
