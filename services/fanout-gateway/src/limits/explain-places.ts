import { TidewireError } from '@tidewire/contract';

/** How many explanations run at once: all of them, and those of callers who are no administrators. */
export interface ExplainLimits {
  readonly total: number;
  readonly ofOthers: number;
}

/**
 * Explanations read the log and judge hundreds of events, so few run at once, and nobody waits for a place: an operator
 * asks again. Callers who are no administrators cannot fill all of them.
 */
export class ExplainPlaces {
  readonly #limits: ExplainLimits;
  #total = 0;
  #ofOthers = 0;

  constructor(limits: ExplainLimits) {
    this.#limits = limits;
  }

  /**
   * Runs the work in a place of its own.
   *
   * @throws TidewireError SERVICE_UNAVAILABLE when there is none, and what the work throws.
   */
  async run<T>(administrator: boolean, work: () => Promise<T>): Promise<T> {
    const { total, ofOthers } = this.#limits;
    const others = administrator ? 0 : 1;
    if (this.#total >= total || (!administrator && this.#ofOthers >= ofOthers)) {
      const message = 'As many explanations are being made as this server makes at once';
      throw new TidewireError('SERVICE_UNAVAILABLE', message, { retryAfterSeconds: 1 });
    }
    this.#total += 1;
    this.#ofOthers += others;
    try {
      return await work();
    } finally {
      this.#total -= 1;
      this.#ofOthers -= others;
    }
  }
}
