/** What may come now: at most `burst` at once, and `perSecond` in the long run. */
export class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #refilledAt: number;

  /** `now`, here and below: monotonic milliseconds. */
  constructor({ burst, perSecond }: { burst: number; perSecond: number }, now: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
    this.#refilledAt = now;
  }

  /** Takes note of so much that came; false when it is too much. */
  take(now: number, amount: number): boolean {
    const refill = ((now - this.#refilledAt) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#burst, this.#left + refill) - amount;
    this.#refilledAt = now;
    return this.#left >= 0;
  }
}
