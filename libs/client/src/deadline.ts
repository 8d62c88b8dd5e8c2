import type { Clock } from './runtime.ts';

/** One moment at which something is due, which may be moved. */
export class Deadline {
  readonly #clock: Clock;
  readonly #due: () => void;
  #at: number | null = null;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, due: () => void) {
    this.#clock = clock;
    this.#due = due;
  }

  /** So many milliseconds from now. */
  in(delayMs: number): void {
    this.set(this.#clock.now() + delayMs);
  }

  /** In the clock's milliseconds; null: never. Set to what it is already, nothing changes. */
  set(at: number | null): void {
    if (at === this.#at) return;
    this.#at = at;
    this.#cancel?.();
    this.#cancel =
      at === null ? undefined : this.#clock.setTimeout(this.#due, Math.max(0, at - this.#clock.now()));
  }
}
