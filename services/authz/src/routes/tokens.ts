import {
  QUERY_PARAMETERS,
  TidewireError,
  createdTokenSchema,
  newTokenSchema,
  pageQueryShape,
  parseTimestamp,
  principalIdSchema,
  tokenPageSchema,
} from '@tidewire/contract';
import type { Clock, HttpServer, Pool, PoolClient, PrincipalContext } from '@tidewire/service-kit';
import { z } from 'zod';
import { countTokens, insertToken, listTokens } from '../credential-repository-postgres.ts';
import type { TokenEntry } from '../credential-repository-postgres.ts';
import { formatPage, pageRequest } from '../page.ts';
import { lockPrincipal } from '../principal-repository-postgres.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { createTokenSecret, toStoredSecret } from '../token-secret.ts';
import { authorOf, notFound, requireUnlimited } from './access.ts';
import { registerCredentialEnd } from './credential-end.ts';
import type { OnCredentialEnded } from './credential-end.ts';

export interface TokenRoutesOptions {
  readonly pool: Pool;
  readonly writer: RightsWriter;
  readonly clock: Clock;
  /** Whether an administrator may choose secrets (`TIDEWIRE_CHOSEN_TOKENS`). */
  readonly chosenSecrets: boolean;
  readonly onEnded: OnCredentialEnded;
}

/** Live tokens of one principal at most: more are forgotten ones. */
const MAX_TOKENS = 100;

/** `/api/auth/tokens`: everybody manages their own, an administrator everybody's. */
export function registerTokens(app: HttpServer, options: TokenRoutesOptions): void {
  registerCreate(app, options);
  registerListAndEnd(app, options);
}

function registerCreate(app: HttpServer, { writer, clock, chosenSecrets }: TokenRoutesOptions): void {
  app.post(
    '/api/auth/tokens',
    {
      schema: {
        body: newTokenSchema,
        response: { 201: createdTokenSchema },
      },
    },
    async (request, reply) => {
      const context = requireUnlimited(request);
      requireLasting(context);
      const { name, scopes, secret: chosen, expiresAt } = request.body;
      const owner = request.body.principal ?? context.principal.id;
      if (owner !== context.principal.id && !context.principal.admin) throw notFound();
      if (chosen !== undefined) requireChosenAllowed(context.principal.admin, chosenSecrets);
      const expiresAtMs = expiresAt === undefined ? null : requireFuture(expiresAt, clock.now());
      const secret = chosen ?? createTokenSecret();
      const work = async (client: PoolClient): Promise<TokenEntry> => {
        if ((await lockPrincipal(client, owner)) === undefined) throw notFound();
        if ((await countTokens(client, owner)) >= MAX_TOKENS) {
          throw new TidewireError(
            'CONFLICT',
            `A principal has at most ${MAX_TOKENS} tokens: delete some first.`,
          );
        }
        const stored = toStoredSecret(secret);
        return insertToken(client, {
          principal: owner,
          name,
          secret: stored,
          scopes: scopes ?? null,
          expiresAtMs,
        });
      };
      const entry =
        owner === context.principal.id
          ? await writer.write(authorOf(request), work)
          : await writer.writeAsAdmin(authorOf(request), work);
      const { prefix: _prefix, endedAt: _endedAt, lastUsedAt: _lastUsedAt, ...created } = entry;
      return reply.code(201).send({ ...created, token: secret });
    },
  );
}

function registerListAndEnd(app: HttpServer, { pool, writer, onEnded }: TokenRoutesOptions): void {
  app.get(
    '/api/auth/tokens',
    {
      schema: {
        querystring: z.strictObject({ ...pageQueryShape, principal: principalIdSchema.optional() }),
        response: { 200: tokenPageSchema },
      },
    },
    async (request) => {
      const { principal } = requireUnlimited(request);
      const page = pageRequest({
        [QUERY_PARAMETERS.limit]: request.query._limit,
        [QUERY_PARAMETERS.offset]: request.query._offset,
      });
      const wanted = request.query.principal;
      if (!principal.admin && wanted !== undefined && wanted !== principal.id) throw notFound();
      return formatPage(await listTokens(pool, principal.admin ? wanted : principal.id, page), page);
    },
  );
  registerCredentialEnd(app, writer, { collection: '/api/auth/tokens', type: 'token', onEnded });
}

/**
 * Who comes with an issuer's access token is here for as long as the issuer says so: a token made by it would go on when
 * the issuer had long shut its subject out.
 */
function requireLasting({ credential }: PrincipalContext): void {
  if (credential.type !== 'access-token') return;
  throw new TidewireError('FORBIDDEN', 'An access token makes no tokens: ask an administrator for one.');
}

function requireChosenAllowed(admin: boolean, allowed: boolean): void {
  if (admin && allowed) return;
  throw new TidewireError(
    'FORBIDDEN',
    'Secrets are made here. A demo lets its administrator choose them with TIDEWIRE_CHOSEN_TOKENS=true.',
  );
}

function requireFuture(text: string, nowMs: number): number {
  const ms = parseTimestamp(text);
  const message = ms === undefined ? 'must be a date and time as in RFC 3339' : 'must be in the future';
  if (ms !== undefined && ms > nowMs) return ms;
  throw new TidewireError('VALIDATION_ERROR', `expiresAt ${message}.`, {
    errors: [{ field: '/expiresAt', message }],
  });
}
