import { inTransaction } from '@tidewire/service-kit';
import type { Clock, Logger, Pool, Timer } from '@tidewire/service-kit';
import { removeIdleFollowers } from './follower-repository-postgres.ts';

export interface IdleFollowersOptions {
  readonly pool: Pool;
  readonly clock: Pick<Clock, 'setInterval'>;
  readonly logger: Logger;
  /** Days after which nothing is kept any more for somebody who was not here. */
  readonly days: number;
}

const INTERVAL_MS = 3_600_000;

/** Forgets followers who do not come any more. */
export class IdleFollowers {
  readonly #options: IdleFollowersOptions;
  #timer: Timer | undefined;

  constructor(options: IdleFollowersOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.setInterval(() => void this.forget(), INTERVAL_MS);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** One round; those who own something that is told by itself are here as long as they own it. */
  async forget(): Promise<void> {
    const { pool, days, logger } = this.#options;
    try {
      const count = await inTransaction(pool, {}, (client) => removeIdleFollowers(client, days));
      if (count > 0) logger.info('idle followers forgotten', { count });
    } catch (error) {
      logger.warn('idle followers could not be forgotten', { error });
    }
  }
}
