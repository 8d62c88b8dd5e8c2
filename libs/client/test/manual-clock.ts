import type { Clock } from '../src/runtime.ts';

interface Due {
  readonly at: number;
  readonly run: () => void;
}

/** Time that stands still until it is told to pass. */
export class ManualClock implements Clock {
  #now = 1_700_000_000_000;
  readonly #timers = new Set<Due>();

  now(): number {
    return this.#now;
  }

  setTimeout(run: () => void, delayMs: number): () => void {
    const timer = { at: this.#now + Math.max(0, delayMs), run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have not run. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets time pass, and what is due in it happen, in order, with everything that follows from each. */
  async advance(byMs: number): Promise<void> {
    const until = this.#now + byMs;
    await settle();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.run();
      await settle();
    }
    this.#now = until;
  }

  /** Time passes in which nothing of ours runs, as in sleep: what was due in it is due now. */
  jump(byMs: number): void {
    this.#now += byMs;
  }

  #next(until: number): Due | undefined {
    let first: Due | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= until && (first === undefined || timer.at < first.at)) first = timer;
    }
    return first;
  }
}

/** Everything that follows from what has happened, without any time passing. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}
