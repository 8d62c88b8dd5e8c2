import type { PoolClient } from '@tidewire/service-kit';
import type { WrittenChanges } from '../changes/change-store.ts';
import type { Hearers } from '../changes/found-changes.ts';
import type { LogFollower } from '../log/rights-log.ts';
import { messageNames } from '../push-body.ts';
import { readNextcloudUsers } from './nextcloud-user-repository-postgres.ts';
import type { RedisPublisher } from './redis-publisher.ts';

/** Tells users of the Nextcloud what was found for their principals, once it is written down. */
export class NextcloudRelay {
  readonly #publisher: Pick<RedisPublisher, 'tell' | 'notify' | 'withdraw' | 'forget'>;

  constructor(publisher: Pick<RedisPublisher, 'tell' | 'notify' | 'withdraw' | 'forget'>) {
    this.#publisher = publisher;
  }

  /** What waits was found by rights of before. */
  readonly log: LogFollower = {
    onEntry: ({ message }, { schemas, principals }) => {
      if (schemas.size > 0) this.#publisher.withdraw(() => true);
      else if (principals.size > 0) this.#publisher.withdraw((id) => principals.has(id));
      if (message.kind === 'rights' && message.state.kind === 'principal' && message.state.removed) {
        this.#publisher.forget(message.state.id);
      }
    },
    onLoaded: () => this.#publisher.withdraw(() => true),
  };

  async hearers(client: PoolClient): Promise<Hearers> {
    return await readNextcloudUsers(client);
  }

  /** Waits for nothing. */
  tell({ principals, found }: WrittenChanges): void {
    const { hearers } = found;
    for (const { body, principals: hearing } of found.hints()) {
      const names = messageNames(body);
      for (const principal of hearing) {
        const user = hearers.get(principal);
        if (user === undefined) continue;
        for (const name of names) this.#publisher.tell(principal, user, { name, body });
      }
    }
    for (const principal of principals) {
      const user = hearers.get(principal);
      if (user !== undefined) this.#publisher.notify(principal, user);
    }
  }
}
