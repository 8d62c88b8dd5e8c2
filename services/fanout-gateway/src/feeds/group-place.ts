import type { FeedGroup } from '@tidewire/contract';
import type { FeedGroupName, FeedGroupStore, StoredFeedGroup } from '@tidewire/messaging';
import type { Clock, Logger, Timer } from '@tidewire/service-kit';

export interface GroupPlaceOptions {
  readonly store: Pick<FeedGroupStore, 'write'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This gateway's name among all. */
  readonly instance: string;
}

export interface GroupPlaceParts {
  readonly name: FeedGroupName;
  /** As this gateway has claimed it. */
  readonly stored: StoredFeedGroup;
  readonly ledger: {
    readonly changes: number;
    readonly cursor: string | null;
    readonly doneAhead: readonly string[];
  };
  /** Told once when another gateway has taken the group over. */
  readonly onLost: () => void;
}

/** How often the place is written at most; whoever takes over tells again what was done since. */
const SAVE_MS = 100;
const RETRY_MS = 1_000;

/** Writes how far a group is for the gateway that leads it after this one. Another one that has taken over is left alone. */
export class GroupPlace {
  readonly #options: GroupPlaceOptions;
  readonly #parts: GroupPlaceParts;
  #revision: number;
  /** {@link GroupPlaceParts.ledger}'s changes that are written. */
  #written: number;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #lost = false;
  #left: Promise<void> | undefined;

  constructor(options: GroupPlaceOptions, parts: GroupPlaceParts) {
    this.#options = options;
    this.#parts = parts;
    this.#revision = parts.stored.revision;
    this.#written = parts.ledger.changes;
  }

  /** Writes the place soon, if it has become another one. */
  save(): void {
    const isUnderWay = this.#timer !== undefined || this.#writing !== undefined;
    if (this.#left !== undefined || isUnderWay || this.#parts.ledger.changes === this.#written) return;
    this.#saveIn(SAVE_MS);
  }

  /** Writes the place a last time, and that nobody leads the group. Resolves when that is done, or cannot be. */
  leave(): Promise<void> {
    this.#left ??= this.#leave();
    return this.#left;
  }

  #saveIn(delayMs: number): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#save();
    }, delayMs);
  }

  async #save(): Promise<void> {
    const isWritten = await this.#write(this.#options.instance);
    this.#writing = undefined;
    if (this.#lost) this.#parts.onLost();
    else if (isWritten) this.save();
    else if (this.#left === undefined) this.#saveIn(RETRY_MS);
  }

  async #leave(): Promise<void> {
    this.#timer?.cancel();
    await this.#writing;
    if (!this.#lost) await this.#write(null);
  }

  /** Whether it could be written. Its errors end here: whoever is told an event again finds its id known. */
  async #write(gateway: string | null): Promise<boolean> {
    const { name, stored, ledger } = this.#parts;
    const { changes, cursor, doneAhead } = ledger;
    const state: FeedGroup = { follows: stored.state.follows, cursor, done: [...doneAhead], gateway };
    try {
      const revision = await this.#options.store.write(name, { state, revision: this.#revision });
      if (revision === undefined) {
        this.#lost = true;
        return false;
      }
      this.#revision = revision;
      this.#written = changes;
      return true;
    } catch (error) {
      this.#options.logger.warn('the place of a group could not be written', { error });
      return false;
    }
  }
}
