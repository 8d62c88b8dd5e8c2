import type { Clock } from '@tidewire/client';

interface Timer {
  readonly run: () => void;
  readonly due: number;
}

/** Time that passes when a test says so. */
export class FakeClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  setTimeout(run: () => void, delayMs: number): () => void {
    const timer = { run, due: this.#now + delayMs };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers are armed. */
  get armed(): number {
    return this.#timers.size;
  }

  pass(durationMs: number): void {
    this.#now += durationMs;
    for (const timer of [...this.#timers].toSorted((a, b) => a.due - b.due)) {
      if (timer.due <= this.#now && this.#timers.delete(timer)) timer.run();
    }
  }
}
