import { setTimeout as delay } from 'node:timers/promises';

/** How long to wait, and what for. */
export interface WaitForOptions {
  /** Default 5000. */
  timeoutMs?: number;
  /** Completes "timed out waiting until ..."; what a reader of the failed test needs to know. */
  what: string;
}

/** A falsy answer means "not yet". */
type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>;

/**
 * Asks `condition` every few milliseconds until its answer is truthy, and returns that answer. What it throws is passed
 * on at once.
 *
 * @throws an Error that names `what` and the last answer when `timeoutMs` have passed.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 5000, what }: WaitForOptions,
): Promise<Truthy<T>> {
  const end = performance.now() + timeoutMs;
  let pauseMs = 1;
  for (;;) {
    const answer = await condition();
    if (answer) return answer as Truthy<T>;
    if (performance.now() >= end) {
      throw new Error(
        `Timed out after ${timeoutMs} ms waiting until ${what}; the last answer was ${String(answer)}`,
      );
    }
    await delay(pauseMs);
    pauseMs = Math.min(pauseMs * 2, 20);
  }
}
