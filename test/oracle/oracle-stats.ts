import type { Renewal } from './transports/shared-socket.ts';

/** What a run came to; numbers, so that a run that tried nothing is seen. */
export interface OracleStats {
  steps: number;
  writes: number;
  /** Steps after which somebody saw a row that it did not see before, or saw it no more. */
  crossings: number;
  rightsChanges: number;
  reconnects: number;
  /** By process. */
  readonly restarts: Record<string, number>;
  messages: number;
  /** Events that workers of groups were given, and how many of them they had been given before. */
  handed: number;
  repeats: number;
  lists: number;
  quietPoints: number;
  /** Times that rows came and went by themselves, as rules on the time say. */
  turns: number;
  readonly resyncs: Record<string, number>;
  readonly refusals: number;
  /** Messages by how they came. */
  readonly transports: Readonly<Record<string, number>>;
  /** Results of GraphQL in which something may not be read. */
  readonly forbidden: number;
  /** Times that somebody was told of somebody on a page, and of a conflict. */
  readonly named: number;
  readonly conflicts: number;
  /** What came of credentials that connections were given in place of theirs. */
  readonly renewals: Readonly<Record<Renewal, number>>;
  /** Milliseconds by what they went into. */
  readonly spentMs: Readonly<Record<string, number>>;
}

/** Where the time of a run goes. */
export class Stopwatch {
  readonly #spentMs: Record<string, number> = {};

  /** Beside the times that were taken, what the oracle itself kept a processor busy for. */
  get spentMs(): Readonly<Record<string, number>> {
    return { ...this.#spentMs, own: Math.round(process.cpuUsage().user / 1000) };
  }

  /** `begun`: of `performance.now()`. */
  add(what: string, begun: number): void {
    this.#spentMs[what] = Math.round((this.#spentMs[what] ?? 0) + performance.now() - begun);
  }

  async timed<T>(what: string, work: Promise<T>): Promise<T> {
    const begun = performance.now();
    const result = await work;
    this.add(what, begun);
    return result;
  }
}
