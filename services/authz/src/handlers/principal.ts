import { TidewireError, principalRequestSchema, queueGroup } from '@tidewire/contract';
import type { PrincipalReply, PrincipalRequest } from '@tidewire/contract';
import type { Responder } from '@tidewire/messaging';
import { outageAsUnavailable } from '@tidewire/service-kit';
import type { Pool } from '@tidewire/service-kit';
import { findPrincipalAt } from '../principal-repository-postgres.ts';

/** Answers `authz.v1.principal`. A removed principal is answered as one that never was. */
export function answerPrincipal(pool: Pool): Responder<PrincipalRequest> {
  return {
    queue: queueGroup('authz'),
    requestSchema: principalRequestSchema,
    handle: async ({ id }): Promise<PrincipalReply> => {
      const found = await outageAsUnavailable(() => findPrincipalAt(pool, id));
      if (found === undefined) throw new TidewireError('NOT_FOUND', `There is no principal '${id}'.`);
      return { ok: true, ...found };
    },
  };
}
