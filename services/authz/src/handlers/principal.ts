import { TidewireError, principalRequestSchema, queueGroup } from '@tidewire/contract';
import type { PrincipalReply, PrincipalRequest } from '@tidewire/contract';
import type { Responder } from '@tidewire/messaging';
import { outageAsUnavailable } from '@tidewire/service-kit';
import type { Clock, Pool } from '@tidewire/service-kit';
import { findCredential, refusalOf } from '../credential-repository-postgres.ts';
import type { Identity } from '../credential-repository-postgres.ts';
import { findPrincipalAt } from '../principal-repository-postgres.ts';

/**
 * Answers `authz.v1.principal`. A removed principal is answered as one that never was, and so is a credential that is
 * somebody else's or does not count.
 */
export function answerPrincipal(pool: Pool, clock: Pick<Clock, 'now'>): Responder<PrincipalRequest> {
  return {
    queue: queueGroup('authz'),
    requestSchema: principalRequestSchema,
    handle: async ({ id, credential }): Promise<PrincipalReply> => {
      const found = await outageAsUnavailable(() =>
        credential === undefined
          ? findPrincipalAt(pool, id)
          : findActing(pool, { principal: id, credential }, clock.now()),
      );
      if (found === undefined) throw new TidewireError('NOT_FOUND', `There is no principal '${id}'.`);
      return { ok: true, ...found };
    },
  };
}

/** Principal, credential and position of one snapshot; undefined for a credential that is not its own or does not count. */
async function findActing(
  pool: Pool,
  by: { readonly principal: string; readonly credential: string },
  nowMs: number,
): Promise<Identity | undefined> {
  const found = await findCredential(pool, { id: by.credential });
  if (found?.principal.id !== by.principal || refusalOf(found, nowMs) !== undefined) return undefined;
  const { principal, credential, position } = found;
  return { principal, credential, position };
}
