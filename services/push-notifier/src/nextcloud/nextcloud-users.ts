import type { NextcloudUser } from '@tidewire/contract';
import { admitPrincipal } from '@tidewire/rights';
import type { AdmissionOptions } from '@tidewire/rights';
import { inTransaction } from '@tidewire/service-kit';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import {
  findNextcloudUser,
  removeNextcloudUser,
  writeNextcloudUser,
} from './nextcloud-user-repository-postgres.ts';

export interface NextcloudUsersOptions {
  readonly pool: Pool;
  readonly admissions: AdmissionOptions;
  /** Makes a principal that is held in the view a follower. */
  readonly follow: (client: PoolClient, principal: string) => Promise<void>;
}

/** Who is told in the Nextcloud, and who they are there. */
export class NextcloudUsers {
  readonly #options: NextcloudUsersOptions;

  constructor(options: NextcloudUsersOptions) {
    this.#options = options;
  }

  async find(principal: string): Promise<NextcloudUser | undefined> {
    return await findNextcloudUser(this.#options.pool, principal);
  }

  /**
   * Has a principal told from now on, as another user where it was one.
   *
   * @throws TidewireError NOT_FOUND without that principal; CONFLICT when somebody else is the user; SERVICE_UNAVAILABLE when
   *   authz does not say.
   */
  async switchOn(wanted: NextcloudUser): Promise<void> {
    const { pool, admissions, follow } = this.#options;
    const { principal } = wanted;
    // An administrator acts for others, who need not be here.
    const admission = await admitPrincipal(admissions, { principal, credential: null });
    try {
      await inTransaction(pool, {}, async (client) => {
        await follow(client, principal);
        await writeNextcloudUser(client, wanted);
      });
    } finally {
      admission.release();
    }
  }

  /** False when it was nobody there. */
  async switchOff(principal: string): Promise<boolean> {
    return await removeNextcloudUser(this.#options.pool, principal);
  }
}
