import { WEBHOOK_LIMITS } from '@tidewire/contract';
import type { Failing, HeldWebhook } from './webhook.ts';

export interface FailureFacts {
  readonly eventId: string;
  readonly nowMs: number;
  /** What the endpoint asked for. */
  readonly retryAfterMs: number | undefined;
  /** From 0 to 1. */
  readonly random: number;
}

/** What follows from an attempt that failed. */
export interface AfterFailure {
  /** The how manieth attempt of this event it was. */
  readonly attempt: number;
  /** Null: the event is passed over. */
  readonly failing: Failing | null;
  readonly failures: number;
  readonly dueAtMs: number;
}

/** By so much a delay may be longer than it has to be: endpoints that broke at once are not all asked again at once. */
const JITTER = 0.5;

/** Whether an endpoint failed so often in a row that it is only probed. */
export function isCircuitOpen(failures: number): boolean {
  return failures >= WEBHOOK_LIMITS.failuresToOpen;
}

/**
 * How long to wait after so many failures in a row, milliseconds: from 5 seconds, doubling, to an hour, with a random part. An
 * endpoint that wants to be left alone for longer is, up to an hour.
 */
export function retryDelay(failures: number, random: number, retryAfterMs = 0): number {
  const { firstRetryMs, maxRetryMs } = WEBHOOK_LIMITS;
  const doubled = firstRetryMs * 2 ** Math.min(Math.max(failures, 1) - 1, 30);
  // The longest ones differ, too.
  const base = Math.min(doubled, maxRetryMs / (1 + JITTER));
  return Math.min(Math.max(base * (1 + JITTER * random), retryAfterMs), maxRetryMs);
}

/**
 * Counts a failed attempt. An event that has failed for a day is passed over. Delays grow with the failures of all events, not
 * of this one: when the next event takes its turn the endpoint is as broken as it was, and is asked no more often.
 */
export function afterFailure(
  { failing, failures }: Pick<HeldWebhook, 'failing' | 'failures'>,
  { eventId, nowMs, retryAfterMs, random }: FailureFacts,
): AfterFailure {
  const before = failing?.eventId === eventId ? failing : { eventId, attempts: 0, sinceMs: nowMs };
  const attempt = before.attempts + 1;
  const dead = nowMs - before.sinceMs >= WEBHOOK_LIMITS.giveUpMs;
  return {
    attempt,
    failing: dead ? null : { ...before, attempts: attempt },
    failures: failures + 1,
    dueAtMs: nowMs + retryDelay(failures + 1, random, retryAfterMs),
  };
}
