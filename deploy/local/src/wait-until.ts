import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks `condition` every 10 ms until it answers something other than undefined, and returns that.
 * Answers undefined when `timeoutMs` have passed; what `condition` throws is passed on at once.
 */
export async function waitUntil<T>(
  condition: () => T | undefined | Promise<T | undefined>,
  timeoutMs: number,
): Promise<T | undefined> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await condition();
    if (answer !== undefined) return answer;
    if (performance.now() >= end) return undefined;
    await delay(10);
  }
}
