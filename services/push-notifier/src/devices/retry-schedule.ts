import type { Outcome } from './outcome.ts';

/** What to do with a message that was not taken now: try again so much later, or no more. */
export type NextTry = { readonly kind: 'again'; readonly delayMs: number } | { readonly kind: 'never' };

const FIRST_MS = 40_000;
const LONGEST_MS = 3_600_000;
/** A push service that is away for a day is away. */
const GIVE_UP_AFTER_MS = 24 * 3_600_000;
/** What is taken off at random, so that messages that failed together do not come back together. */
const JITTER = 0.25;

/**
 * When to try again: after 30 to 40 s first, then twice as long each time, up to an hour; and not before the push service wants it.
 * `random` is from 0 to 1.
 */
export function planRetry(
  { waitMs = 0 }: Extract<Outcome, { kind: 'later' }>,
  tried: { readonly attempt: number; readonly firstAtMs: number; readonly nowMs: number },
  random: number,
): NextTry {
  if (tried.nowMs - tried.firstAtMs >= GIVE_UP_AFTER_MS) return { kind: 'never' };
  const step = Math.min(FIRST_MS * 2 ** (tried.attempt - 1), LONGEST_MS);
  return { kind: 'again', delayMs: Math.max(Math.round(step * (1 - JITTER * random)), waitMs) };
}
