import { TidewireError, newPasswordSchema, principalIdSchema } from '@tidewire/contract';
import type { HttpRequest, HttpServer, Pool, PoolClient } from '@tidewire/service-kit';
import { z } from 'zod';
import type { PasswordHasher } from '../passwords/password-hasher.ts';
import { endPassword, findPassword, replacePassword } from '../passwords/password-repository-postgres.ts';
import type { PasswordVerifier } from '../passwords/password-verifier.ts';
import { lockPrincipal } from '../principal-repository-postgres.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { endSessions } from '../sessions/session-repository-postgres.ts';
import { authorOf, notFound, requireAdmin, requireUnlimited } from './access.ts';

export interface PasswordRoutesOptions {
  readonly pool: Pool;
  readonly writer: RightsWriter;
  readonly hasher: PasswordHasher;
  readonly verifier: PasswordVerifier;
  readonly minLength: number;
  readonly addressOf: (request: HttpRequest) => string;
}

const paramsSchema = z.object({ id: principalIdSchema });

/** `/api/principals/{id}/password`: one's own with the current one; an administrator sets and removes everybody's. */
export function registerPasswords(app: HttpServer, options: PasswordRoutesOptions): void {
  const { writer, hasher, minLength } = options;
  app.put(
    '/api/principals/:id/password',
    { schema: { params: paramsSchema, body: newPasswordSchema } },
    async (request, reply) => {
      const { principal, credential } = requireUnlimited(request);
      const { id } = request.params;
      const { password, currentPassword } = request.body;
      const isOwn = id === principal.id;
      if (!isOwn && !principal.admin) throw notFound();
      requireLength(password, minLength);
      const before = isOwn ? await requireCurrent(options, request, currentPassword) : undefined;
      const phc = await hasher.hash(password);
      const work = async (client: PoolClient): Promise<void> => {
        if ((await lockPrincipal(client, id)) === undefined) throw notFound();
        if (isOwn && (await findPassword(client, id))?.credential !== before) {
          throw new TidewireError('CONFLICT', 'The password was changed meanwhile.');
        }
        await replacePassword(client, id, phc);
        await endSessions(client, id, isOwn ? credential.id : undefined);
      };
      if (isOwn) await writer.write(authorOf(request), work);
      else await writer.writeAsAdmin(authorOf(request), work);
      return reply.code(204).send();
    },
  );
  app.delete('/api/principals/:id/password', { schema: { params: paramsSchema } }, async (request, reply) => {
    const { principal, credential } = requireAdmin(request);
    const { id } = request.params;
    await writer.writeAsAdmin(authorOf(request), async (client) => {
      if ((await lockPrincipal(client, id)) === undefined) throw notFound();
      await endPassword(client, id);
      await endSessions(client, id, id === principal.id ? credential.id : undefined);
    });
    return reply.code(204).send();
  });
}

/**
 * Who changes their own password shows the one that they have: a session or a token that was left open is not enough.
 * Returns the credential of the current one; undefined when there is none, and then only administrators go on.
 */
async function requireCurrent(
  { pool, verifier, addressOf }: PasswordRoutesOptions,
  request: HttpRequest,
  shown: string | undefined,
): Promise<string | undefined> {
  const { principal } = requireUnlimited(request);
  if ((await findPassword(pool, principal.id)) === undefined) {
    if (principal.admin) return undefined;
    throw new TidewireError('FORBIDDEN', 'An administrator sets the first password.');
  }
  const verified =
    shown === undefined ? undefined : await verifier.verify(principal.id, shown, addressOf(request));
  if (verified === undefined || 'refused' in verified) {
    throw new TidewireError('FORBIDDEN', 'The current password is not right.');
  }
  return verified.credential;
}

function requireLength(password: string, minLength: number): void {
  // Characters, not the halves that JavaScript counts.
  if (Array.from(password).length >= minLength) return;
  const message = `must have at least ${minLength} characters`;
  throw new TidewireError('VALIDATION_ERROR', `password ${message}.`, {
    errors: [{ field: '/password', message }],
  });
}
