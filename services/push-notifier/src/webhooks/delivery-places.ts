/** Requests at once: over all, to one host and for one principal. */
export interface DeliveryLimits {
  readonly total: number;
  readonly perHost: number;
  readonly perPrincipal: number;
}

/** Where a delivery goes, and for whom. */
export interface Destination {
  readonly host: string;
  readonly principal: string;
}

interface Waiter {
  readonly destination: Destination;
  readonly admit: () => void;
}

/** Gives back a place; a second time does nothing. */
export type Leave = () => void;

/**
 * Places for requests that run. Neither a host that is slow nor a principal with many webhooks takes those of the others: who
 * waits for one of those two lets everybody pass who does not.
 */
export class DeliveryPlaces {
  readonly #limits: DeliveryLimits;
  readonly #hosts = new Map<string, number>();
  readonly #principals = new Map<string, number>();
  readonly #waiters = new Set<Waiter>();
  #total = 0;

  constructor(limits: DeliveryLimits) {
    this.#limits = limits;
  }

  /** Requests that run. */
  get size(): number {
    return this.#total;
  }

  /** A place, if there is one now. */
  take(destination: Destination): Leave | undefined {
    if (!this.#hasRoom(destination)) return undefined;
    this.#occupy(destination, 1);
    return this.#leaveOf(destination);
  }

  /** Waits for a place; who came first is next. Rejects with the reason of `signal` when that comes first. */
  async enter(destination: Destination, signal: AbortSignal): Promise<Leave> {
    signal.throwIfAborted();
    const leave = this.take(destination);
    if (leave !== undefined) return leave;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { destination, admit: resolve };
    const giveUp = (): void => {
      // Who was let in already takes the place, and gives it back like any other.
      if (this.#waiters.delete(waiter)) reject(signal.reason);
    };
    this.#waiters.add(waiter);
    signal.addEventListener('abort', giveUp);
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
    return this.#leaveOf(destination);
  }

  #leaveOf(destination: Destination): Leave {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#occupy(destination, -1);
      this.#admitNext();
    };
  }

  #hasRoom({ host, principal }: Destination): boolean {
    const { total, perHost, perPrincipal } = this.#limits;
    if (this.#total >= total || (this.#hosts.get(host) ?? 0) >= perHost) return false;
    return (this.#principals.get(principal) ?? 0) < perPrincipal;
  }

  #occupy({ host, principal }: Destination, by: 1 | -1): void {
    this.#total += by;
    count(this.#hosts, host, by);
    count(this.#principals, principal, by);
  }

  #admitNext(): void {
    for (const waiter of this.#waiters) {
      if (!this.#hasRoom(waiter.destination)) continue;
      this.#waiters.delete(waiter);
      this.#occupy(waiter.destination, 1);
      waiter.admit();
      return;
    }
  }
}

function count(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + by;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}
