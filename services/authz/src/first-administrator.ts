import type { Pool } from '@tidewire/service-kit';
import { inTransaction, setProvenance } from '@tidewire/service-kit';
import { findIdentity, insertToken } from './credential-repository-postgres.ts';
import { grantAdmin, insertPrincipal, lockPrincipal } from './principal-repository-postgres.ts';
import { withRefusals } from './refusal-postgres.ts';
import { hashSecret, toStoredSecret } from './token-secret.ts';

export interface AdministratorRequest {
  readonly id: string;
  readonly name: string;
  readonly secret: string;
  /** When the token ends by itself, milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null;
  readonly nowMs: number;
}

/** What a run changed; nothing, when all of it was there. */
export interface AdministratorResult {
  readonly principalCreated: boolean;
  readonly tokenCreated: boolean;
}

/**
 * Makes sure that there is an administrator of this name who holds this token. Nothing that is there is changed but
 * for what was asked: a principal of that name becomes an administrator.
 *
 * @throws TidewireError CONFLICT when the principal was removed, or when the token belongs to somebody else.
 */
export async function ensureAdministrator(
  pool: Pool,
  request: AdministratorRequest,
): Promise<AdministratorResult> {
  const { id, name, secret, expiresAtMs, nowMs } = request;
  const holder = await findIdentity(pool, 'token', hashSecret(secret), nowMs);
  return withRefusals(() =>
    inTransaction(pool, {}, async (client) => {
      const actor = { id: 'command:bootstrap', name: 'bootstrap', organisation: null };
      await setProvenance(client, { actor, correlationId: null, traceparent: null });
      const found = await lockPrincipal(client, id);
      if (found === undefined) await insertPrincipal(client, { id, name, admin: true });
      else if (!found.admin) await grantAdmin(client, id);
      const holds = holder?.principal.id === id;
      if (!holds) {
        const token = {
          principal: id,
          name: 'bootstrap',
          secret: toStoredSecret(secret),
          scopes: null,
          expiresAtMs,
        };
        await insertToken(client, token);
      }
      return { principalCreated: found === undefined, tokenCreated: !holds };
    }),
  );
}
