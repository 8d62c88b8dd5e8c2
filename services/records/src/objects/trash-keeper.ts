import type { Clock, Logger, Timer } from '@tidewire/service-kit';
import type { ObjectRepository } from './object-repository.ts';

export interface TrashKeeperOptions {
  readonly repository: Pick<ObjectRepository, 'emptyTrash'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the last image of a deleted object is kept. */
  readonly retentionMs: number;
  /** Called with how many images were removed. */
  readonly onEmptied: (count: number) => void;
}

const INTERVAL_MS = 60_000;
/** Few enough not to hold locks for long, and an end to each round: what is left is the next one's. */
const BATCH = 500;
const MAX_BATCHES = 20;

/**
 * Removes the last images of objects that were deleted long ago. Any number of processes may do it: each takes what the
 * others have not locked.
 */
export class TrashKeeper {
  readonly #options: TrashKeeperOptions;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;

  constructor(options: TrashKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= this.#options.clock.setInterval(() => {
      // One that takes longer than the interval is not joined by another.
      this.#running ??= this.#empty().finally(() => {
        this.#running = undefined;
      });
    }, INTERVAL_MS);
  }

  /** Resolves when no statement is under way. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#running;
  }

  async #empty(): Promise<void> {
    const { repository, retentionMs, logger, onEmptied } = this.#options;
    try {
      for (let batch = 0; batch < MAX_BATCHES && this.#timer !== undefined; batch += 1) {
        const emptied = await repository.emptyTrash(retentionMs, BATCH);
        onEmptied(emptied);
        if (emptied < BATCH) return;
      }
    } catch (error) {
      logger.warn('trash not emptied', { error });
    }
  }
}
