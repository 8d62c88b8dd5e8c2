import { SIGNAL_SUBJECTS, TidewireError } from '@tidewire/contract';
import type { Actor, Principal } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import { inTransaction, setProvenance } from '@tidewire/service-kit';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import { lockPrincipal } from './principal-repository-postgres.ts';
import { withRefusals } from './refusal-postgres.ts';

/** On whose behalf something is written, and within which request. */
export interface Author {
  readonly principal: string;
  readonly correlationId: string | null;
  readonly traceparent: string | null;
}

type Work<Result> = (client: PoolClient, author: Principal) => Promise<Result>;

/** The only way to change rights: one transaction, judged inside it, told to the log. */
export interface RightsWriter {
  /**
   * Writes as whoever the author is.
   *
   * @throws TidewireError UNAUTHORIZED when the author was removed meanwhile.
   */
  write<Result>(author: Author, work: Work<Result>): Promise<Result>;
  /**
   * Writes as an administrator. Whether the author is one is read in the transaction that writes, with the row locked:
   * who lost the right a moment ago does not write with it.
   *
   * @throws TidewireError FORBIDDEN when the author is not an administrator.
   */
  writeAsAdmin<Result>(author: Author, work: Work<Result>): Promise<Result>;
  /** Writes as somebody who is no principal, such as an issuer: whoever calls has judged that it may. */
  writeAs<Result>(actor: Actor, work: (client: PoolClient) => Promise<Result>): Promise<Result>;
}

export function createRightsWriter(pool: Pool, bus: Pick<MessageBus, 'signal'>): RightsWriter {
  const write = async <Result>(author: Author, work: Work<Result>): Promise<Result> => {
    const result = await withRefusals(() =>
      inTransaction(pool, {}, async (client) => {
        const principal = await lockPrincipal(client, author.principal);
        if (principal === undefined) throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
        const { correlationId, traceparent } = author;
        const actor = { id: principal.id, name: principal.name, organisation: principal.activeOrganisation };
        await setProvenance(client, { actor, correlationId, traceparent });
        return work(client, principal);
      }),
    );
    bus.signal(SIGNAL_SUBJECTS.poke);
    return result;
  };
  return {
    write,
    writeAsAdmin: (author, work) =>
      write(author, async (client, principal) => {
        if (!principal.admin) throw new TidewireError('FORBIDDEN', 'Only an administrator may do this.');
        return work(client, principal);
      }),
    async writeAs(actor, work) {
      const provenance = { actor, correlationId: null, traceparent: null };
      const result = await withRefusals(() => inTransaction(pool, { provenance }, work));
      bus.signal(SIGNAL_SUBJECTS.poke);
      return result;
    },
  };
}
