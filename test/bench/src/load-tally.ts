/** What a loader found, as one line of JSON. */
export interface LoadReport {
  readonly deliveries: number;
  readonly expected: number;
  readonly outOfOrder: number;
  readonly wrongProjection: number;
  readonly resyncs: number;
  readonly closed: number;
  /** Polls that were refused, by status; they were repeated. */
  readonly refused: Readonly<Record<string, number>>;
  /** Answers to polls that had events. */
  readonly answers: number;
  readonly seconds: number;
  /** Sorted, milliseconds from the writer's clock reading to the last byte of the frame. A sample of at most 20,000. */
  readonly latenciesMs: readonly number[];
}

const MAX_SAMPLES = 20_000;

/** Counts and checks every delivery of a loader, whatever brought it. */
export class LoadTally {
  resyncs = 0;
  closed = 0;
  answers = 0;
  readonly refused: Record<string, number> = {};
  readonly #expected: number;
  readonly #onComplete: () => void;
  readonly #latenciesMs: number[] = [];
  #deliveries = 0;
  #outOfOrder = 0;
  #wrongProjection = 0;
  #firstAt = 0;
  #lastAt = performance.now();

  constructor(expected: number, onComplete: () => void) {
    this.#expected = expected;
    this.#onComplete = onComplete;
  }

  /** One event for one subscriber, after the one with the id `before`. */
  count(event: { readonly id: string; readonly data: string }, before: string, maySeeSecret: boolean): void {
    this.#lastAt = performance.now();
    if (this.#deliveries === 0) this.#firstAt = this.#lastAt;
    this.#deliveries += 1;
    if (event.id <= before) this.#outOfOrder += 1;
    if (event.data.includes('"secret":') !== maySeeSecret) this.#wrongProjection += 1;
    this.#sampleLatency(event.data);
    if (this.#deliveries === this.#expected) this.#onComplete();
  }

  /** Milliseconds since the last event came, or since {@link LoadTally.wait}. */
  idleMs(): number {
    return performance.now() - this.#lastAt;
  }

  wait(): void {
    this.#lastAt = performance.now();
  }

  report(): LoadReport {
    return {
      deliveries: this.#deliveries,
      expected: this.#expected,
      outOfOrder: this.#outOfOrder,
      wrongProjection: this.#wrongProjection,
      resyncs: this.resyncs,
      closed: this.closed,
      refused: this.refused,
      answers: this.answers,
      seconds: Math.max(0.001, (this.#lastAt - this.#firstAt) / 1000),
      latenciesMs: this.#latenciesMs.toSorted((a, b) => a - b),
    };
  }

  #sampleLatency(data: string): void {
    if (this.#latenciesMs.length >= MAX_SAMPLES) return;
    const found = /"sentUs":(\d+)/.exec(data);
    if (found === null) return;
    this.#latenciesMs.push(Number(process.hrtime.bigint() / 1000n) / 1000 - Number(found[1]) / 1000);
  }
}
