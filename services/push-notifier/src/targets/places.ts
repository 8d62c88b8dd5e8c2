/** How many may be busy at once, and how many may wait for that. */
export interface PlaceLimits {
  readonly total: number;
  readonly perHost: number;
  readonly waiting: number;
  readonly waitingPerHost: number;
}

interface Waiter {
  readonly host: string;
  readonly admit: () => void;
}

/** Gives back a place; a second time does nothing. */
export type Leave = () => void;

/** Places for requests: few for each host, so that one that is slow takes nobody else's. */
export class Places {
  readonly #limits: PlaceLimits;
  readonly #busy = new Map<string, number>();
  readonly #waiters = new Set<Waiter>();
  #total = 0;

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** Waits for a place, unless too many do; undefined then. Rejects with the reason of `signal` when that ends the waiting. */
  async enter(host: string, signal: AbortSignal): Promise<Leave | undefined> {
    signal.throwIfAborted();
    if (!this.#hasRoom(host)) {
      if (!this.#mayWait(host)) return undefined;
      await this.#wait(host, signal);
    } else this.#occupy(host);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave(host);
    };
  }

  async #wait(host: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { host, admit: resolve };
    const giveUp = (): void => {
      // Who has been let in already takes the place, and finds out at its next step.
      if (this.#waiters.delete(waiter)) reject(signal.reason);
    };
    this.#waiters.add(waiter);
    signal.addEventListener('abort', giveUp);
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  #leave(host: string): void {
    this.#total -= 1;
    const busy = (this.#busy.get(host) ?? 1) - 1;
    if (busy === 0) this.#busy.delete(host);
    else this.#busy.set(host, busy);
    for (const waiter of this.#waiters) {
      if (!this.#hasRoom(waiter.host)) continue;
      this.#waiters.delete(waiter);
      this.#occupy(waiter.host);
      waiter.admit();
      return;
    }
  }

  #occupy(host: string): void {
    this.#total += 1;
    this.#busy.set(host, (this.#busy.get(host) ?? 0) + 1);
  }

  #hasRoom(host: string): boolean {
    return this.#total < this.#limits.total && (this.#busy.get(host) ?? 0) < this.#limits.perHost;
  }

  #mayWait(host: string): boolean {
    if (this.#waiters.size >= this.#limits.waiting) return false;
    let ofHost = 0;
    for (const waiter of this.#waiters) if (waiter.host === host) ofHost += 1;
    return ofHost < this.#limits.waitingPerHost;
  }
}
