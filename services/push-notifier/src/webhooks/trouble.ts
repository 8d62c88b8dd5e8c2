const FIRST_MS = 1000;
const MOST_MS = 30_000;

/**
 * How long to leave the gateways alone while they refuse or do not answer: for all webhooks together, because there may be
 * thousands that all ask the same gateways.
 */
export class Trouble {
  readonly #random: () => number;
  #times = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A gateway let somebody in. */
  over(): void {
    this.#times = 0;
  }

  /** Milliseconds until the next question of whoever could not ask; never less than it was told to wait. */
  delay(retryAfterSeconds = 0): number {
    const base = Math.min(FIRST_MS * 2 ** Math.min(this.#times, 10), MOST_MS);
    this.#times += 1;
    return Math.max(base * (0.5 + 0.5 * this.#random()), retryAfterSeconds * 1000);
  }
}
