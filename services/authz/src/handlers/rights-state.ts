import { TidewireError, isUuid, queueGroup, stateRequestSchema } from '@tidewire/contract';
import type { StateReply, StateRequest } from '@tidewire/contract';
import type { Responder } from '@tidewire/messaging';
import { outageAsUnavailable } from '@tidewire/service-kit';
import type { Pool } from '@tidewire/service-kit';
import { readStatePage } from '../state-repository-postgres.ts';
import type { StateKey } from '../state-repository-postgres.ts';

const PAGE_BOUNDS = Object.freeze({ maxItems: 500, maxBytes: 512 * 1024 });

/** Answers `authz.v1.state`: organisations and policies, removed ones included, page by page. */
export function answerRightsState(pool: Pool): Responder<StateRequest> {
  return {
    queue: queueGroup('authz'),
    requestSchema: stateRequestSchema,
    handle: async ({ after }): Promise<StateReply> => {
      const key = after === null ? undefined : parseKey(after);
      const page = await outageAsUnavailable(() => readStatePage(pool, key, PAGE_BOUNDS));
      if (page === undefined) throw new TidewireError('SERVICE_UNAVAILABLE', 'The outbox has no position.');
      return {
        ok: true,
        position: page.position,
        items: page.items,
        next: page.next === undefined ? null : `${page.next.kind}/${page.next.id}`,
      };
    },
  };
}

function parseKey(after: string): StateKey {
  const [kind, id, ...rest] = after.split('/');
  if ((kind !== 'organisation' && kind !== 'policy') || id === undefined || !isUuid(id) || rest.length > 0) {
    throw new TidewireError('BAD_REQUEST', '"after" is not the "next" of a page.');
  }
  return { kind, id };
}
