import {
  TidewireError,
  loginSchema,
  pageQueryShape,
  principalIdSchema,
  sessionPageSchema,
} from '@tidewire/contract';
import { readCredential, requireOwnPage } from '@tidewire/service-kit';
import type { Clock, HttpReply, HttpRequest, HttpServer, Pool } from '@tidewire/service-kit';
import { z } from 'zod';
import { invalidCredential } from '../authenticator.ts';
import type { Lookup } from '../authenticator.ts';
import { pageRequest, formatPage } from '../page.ts';
import type { Login } from '../passwords/login.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { clearSessionCookie, formatSessionCookie } from '../sessions/session-cookie.ts';
import type { CookieOptions } from '../sessions/session-cookie.ts';
import { endSessions, listSessions } from '../sessions/session-repository-postgres.ts';
import type { SessionStore } from '../sessions/session-store.ts';
import { authorOf, notFound, requireUnlimited } from './access.ts';
import { registerCredentialEnd } from './credential-end.ts';

export interface SessionRoutesOptions {
  readonly pool: Pool;
  readonly writer: RightsWriter;
  readonly clock: Pick<Clock, 'now'>;
  readonly sessions: SessionStore;
  readonly login: Login;
  readonly findSession: (secret: string) => Promise<Lookup>;
  readonly cookie: CookieOptions;
  readonly allowedOrigins: readonly string[];
  readonly addressOf: (request: HttpRequest) => string;
}

/** `/api/auth/login`, `/api/auth/logout`, `/api/auth/session` and `/api/auth/sessions`. */
export function registerSessions(app: HttpServer, options: SessionRoutesOptions): void {
  registerLogin(app, options);
  registerLogout(app, options);
  registerRotate(app, options);
  registerList(app, options);
  registerEnd(app, options);
}

function registerLogin(app: HttpServer, options: SessionRoutesOptions): void {
  const { login, allowedOrigins, addressOf, cookie } = options;
  app.post(
    '/api/auth/login',
    // A cookie of a session that is over must not keep anybody out.
    { config: { authentication: 'none' }, schema: { body: loginSchema } },
    async (request, reply) => {
      requireOwnPage(request.headers, allowedOrigins, 'login');
      const { correlationId, traceparent } = request;
      const address = addressOf(request);
      const secret = await login({ ...request.body, address, correlationId, traceparent });
      // Always a new secret; whatever the browser came with is over, whoever put it there.
      await endPresented(options, request);
      return setCookie(reply, formatSessionCookie(secret, cookie));
    },
  );
}

function registerLogout(app: HttpServer, options: SessionRoutesOptions): void {
  app.post('/api/auth/logout', { config: { authentication: 'none' } }, async (request, reply) => {
    if (presentedSecret(request) !== undefined) {
      requireOwnPage(request.headers, options.allowedOrigins, 'write');
      await endPresented(options, request);
    }
    return setCookie(reply, clearSessionCookie(options.cookie));
  });
}

function registerRotate(app: HttpServer, { writer, sessions, cookie }: SessionRoutesOptions): void {
  app.post('/api/auth/session/rotate', async (request, reply) => {
    const { credential } = requireUnlimited(request);
    if (credential.type !== 'session') {
      throw new TidewireError('FORBIDDEN', 'Only a session has a secret that can be exchanged.');
    }
    const secret = await writer.write(authorOf(request), (client) => sessions.rotate(client, credential.id));
    if (secret === undefined) throw invalidCredential();
    return setCookie(reply, formatSessionCookie(secret, cookie));
  });
}

function registerList(app: HttpServer, { pool, clock }: SessionRoutesOptions): void {
  app.get(
    '/api/auth/sessions',
    {
      schema: {
        querystring: z.strictObject({ ...pageQueryShape, principal: principalIdSchema.optional() }),
        response: { 200: sessionPageSchema },
      },
    },
    async (request) => {
      const { principal, credential } = requireUnlimited(request);
      const { principal: wanted, ...query } = request.query;
      if (!principal.admin && wanted !== undefined && wanted !== principal.id) throw notFound();
      const page = pageRequest(query);
      const owner = principal.admin ? wanted : principal.id;
      const { results, total } = await listSessions(pool, owner, clock.now(), page);
      const marked = results.map((entry) => ({ ...entry, current: entry.id === credential.id }));
      return formatPage({ results: marked, total }, page);
    },
  );
}

function registerEnd(app: HttpServer, { writer }: SessionRoutesOptions): void {
  registerCredentialEnd(app, writer, { collection: '/api/auth/sessions', type: 'session' });
  app.delete(
    '/api/auth/sessions',
    {
      schema: {
        querystring: z.strictObject({
          principal: principalIdSchema.optional(),
          token: z.string().optional(),
        }),
      },
    },
    async (request, reply) => {
      const { principal, credential } = requireUnlimited(request);
      const owner = request.query.principal ?? principal.id;
      if (owner === principal.id) {
        await writer.write(authorOf(request), (client) => endSessions(client, owner, credential.id));
        return reply.code(204).send();
      }
      if (!principal.admin) throw notFound();
      await writer.writeAsAdmin(authorOf(request), (client) => endSessions(client, owner, undefined));
      return reply.code(204).send();
    },
  );
}

/** Ends the session that a request came with, if there is one. */
async function endPresented(
  { findSession, sessions }: SessionRoutesOptions,
  request: HttpRequest,
): Promise<void> {
  const secret = presentedSecret(request);
  const lookup = secret === undefined ? undefined : await findSession(secret);
  if (lookup !== undefined && 'found' in lookup) {
    await sessions.end(lookup.found.credential.id, lookup.found.principal);
  }
}

/** The secret of the cookie. Several different ones are none: nobody can tell which is meant. */
function presentedSecret({ headers }: HttpRequest): string | undefined {
  try {
    const found = readCredential({ headers: { cookie: headers.cookie } });
    return found?.secret;
  } catch {
    return undefined;
  }
}

function setCookie(reply: HttpReply, value: string): HttpReply {
  return reply.code(204).header('set-cookie', value).send();
}
