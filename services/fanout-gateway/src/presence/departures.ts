import type { PresenceStore } from '@tidewire/messaging';

/** Entries that are taken away at once. */
const AT_ONCE = 32;

/** Takes away the entries of those who left, and says so to other gateways; what fails is done again later. */
export class Departures {
  readonly #store: PresenceStore;
  readonly #limit: number;
  /** Pages by connection. */
  readonly #waiting = new Map<string, string>();
  #running = 0;
  #idle = Promise.withResolvers<void>();

  /** `limit`: how many may wait; entries of others die by themselves. */
  constructor(store: PresenceStore, limit: number) {
    this.#store = store;
    this.#limit = limit;
  }

  get size(): number {
    return this.#waiting.size + this.#running;
  }

  add(page: string, connection: string): void {
    if (this.#waiting.size >= this.#limit) return;
    this.#waiting.set(connection, page);
    this.#go();
  }

  /** Begins again with what failed. */
  retry(): void {
    this.#go();
  }

  /** Resolves when nothing is under way: all is done, or the store does not answer. */
  async settled(): Promise<void> {
    if (this.#running > 0) await this.#idle.promise;
  }

  #go(): void {
    while (this.#running < AT_ONCE && this.#waiting.size > 0) {
      this.#running += 1;
      void this.#work().finally(() => {
        this.#running -= 1;
        if (this.#running > 0) return;
        this.#idle.resolve();
        this.#idle = Promise.withResolvers();
      });
    }
  }

  async #work(): Promise<void> {
    for (const [connection, page] of this.#waiting) {
      this.#waiting.delete(connection);
      try {
        await this.#store.remove(page, connection);
        this.#store.signal(page, { change: 'leave', connection });
      } catch {
        // Waits for `retry`: whoever else is under way stops in the same way.
        this.#waiting.set(connection, page);
        return;
      }
    }
  }
}
