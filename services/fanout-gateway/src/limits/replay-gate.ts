/** A place among the replays that run now; to be given back exactly once (a second time does nothing). */
export interface ReplayPlace {
  release(): void;
}

export interface ReplayLimits {
  readonly perPrincipal: number;
  readonly total: number;
}

interface Waiting {
  readonly principal: string;
  readonly admit: (place: ReplayPlace | undefined) => void;
}

/** Requests that wait for a place; more are sent away, so that a storm of reconnects holds a bounded number of them. */
const MOST_WAITING = 10_000;

/**
 * How many replays run at once: a replay reads, holds and judges up to thousands of events, so one principal may not
 * fill the process with them, nor all principals together. Whoever must wait is served in order of arrival.
 */
export class ReplayGate {
  readonly #limits: ReplayLimits;
  readonly #running = new Map<string, number>();
  #total = 0;
  readonly #waiting = new Set<Waiting>();

  constructor(limits: ReplayLimits) {
    this.#limits = limits;
  }

  get running(): number {
    return this.#total;
  }

  /** Waits for a place. Undefined when the signal aborts or too many wait already. */
  async enter(principal: string, signal: AbortSignal): Promise<ReplayPlace | undefined> {
    if (signal.aborted) return undefined;
    if (this.#fits(principal)) return this.#occupy(principal);
    if (this.#waiting.size >= MOST_WAITING) return undefined;
    const { promise, resolve } = Promise.withResolvers<ReplayPlace | undefined>();
    const waiting: Waiting = { principal, admit: resolve };
    this.#waiting.add(waiting);
    const giveUp = (): void => {
      if (this.#waiting.delete(waiting)) resolve(undefined);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    const place = await promise;
    signal.removeEventListener('abort', giveUp);
    return place;
  }

  #fits(principal: string): boolean {
    return (
      this.#total < this.#limits.total && (this.#running.get(principal) ?? 0) < this.#limits.perPrincipal
    );
  }

  #occupy(principal: string): ReplayPlace {
    this.#total += 1;
    this.#running.set(principal, (this.#running.get(principal) ?? 0) + 1);
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        this.#leave(principal);
      },
    };
  }

  #leave(principal: string): void {
    this.#total -= 1;
    const left = (this.#running.get(principal) ?? 1) - 1;
    if (left === 0) this.#running.delete(principal);
    else this.#running.set(principal, left);
    for (const waiting of this.#waiting) {
      if (this.#total >= this.#limits.total) return;
      if (!this.#fits(waiting.principal)) continue;
      this.#waiting.delete(waiting);
      waiting.admit(this.#occupy(waiting.principal));
    }
  }
}
