import { parseEventId } from '@tidewire/contract';
import type { LogPosition, WebhookOutcome } from '@tidewire/contract';
import type { FeedMessage } from '@tidewire/messaging';
import type { Clock, Pool } from '@tidewire/service-kit';
import type { TargetClient } from '../targets/target-client.ts';
import { attemptDelivery } from './attempt.ts';
import type { Attempt } from './attempt.ts';
import { writeAttempt } from './progress-repository-postgres.ts';
import type { Standing } from './progress-repository-postgres.ts';
import { afterFailure } from './schedule.ts';
import type { DeadLetter, HeldWebhook, LogLine } from './webhook.ts';
import { resyncEvent } from './webhook-event.ts';
import type { EventSettings, WebhookEvent } from './webhook-event.ts';

export interface DeliveryOptions {
  readonly pool: Pool;
  readonly targets: TargetClient;
  readonly events: EventSettings;
  /** This process's name among all. */
  readonly instance: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onAttempt: (outcome: WebhookOutcome) => void;
  readonly onDead: (letter: DeadLetter) => void;
}

/** What a feed has told that is to be delivered. */
export type Told = Extract<FeedMessage, { kind: 'event' | 'resync' }>;

/** What to do next: read on, ask for the feed anew as the webhook is now, or let it go until it is due. */
export type Next = { readonly on: HeldWebhook } | 'again' | 'over';

/**
 * Attempts to deliver what was told, once, and writes down what became of it.
 *
 * @throws the reason of `signal` when that ended it, and what the database does: nothing was written then.
 */
export async function deliver(
  options: DeliveryOptions,
  webhook: HeldWebhook,
  told: Told,
  signal: AbortSignal,
): Promise<Next> {
  const { clock, events } = options;
  const event = told.kind === 'event' ? told.event : resyncEvent(events, webhook, told.resync, clock.now());
  const after = parseEventId(told.kind === 'event' ? told.event.id : told.resync.current);
  if (after === undefined) throw new TypeError('an event without a place in the log');
  const attempt = await attemptDelivery(options, webhook, event, signal);
  switch (attempt.outcome) {
    case 'delivered':
      return await succeeded(options, webhook, { event, after, attempt });
    case 'gone':
      return await wentAway(options, webhook, { event, after, attempt });
    case 'failed':
      return await failed(options, webhook, { event, after, attempt });
  }
}

interface Attempted {
  readonly event: WebhookEvent;
  /** Where the webhook stands once the event is done with. */
  readonly after: LogPosition;
  readonly attempt: Attempt;
}

async function succeeded(
  options: DeliveryOptions,
  webhook: HeldWebhook,
  { event, after: cursor, attempt }: Attempted,
): Promise<Next> {
  const standing = {
    cursor,
    failing: null,
    failures: 0,
    dueAtMs: options.clock.now(),
    release: false,
    disabled: null,
  };
  const written = await write(
    options,
    webhook,
    standing,
    lineOf(event, attempt, attemptsOf(webhook, event) + 1),
  );
  if (!written) return 'again';
  return { on: { ...webhook, cursor, failing: null, failures: 0, settled: webhook.settled + 1 } };
}

/** The event stays where it is: should its owner enable the webhook again, it is the first one. */
async function wentAway(
  options: DeliveryOptions,
  webhook: HeldWebhook,
  { event, attempt }: Attempted,
): Promise<Next> {
  const standing = {
    cursor: webhook.cursor,
    failing: null,
    failures: webhook.failures + 1,
    dueAtMs: options.clock.now(),
    release: false,
    disabled: 'The endpoint answered 410: it wants nothing any more.',
  };
  const written = await write(
    options,
    webhook,
    standing,
    lineOf(event, attempt, attemptsOf(webhook, event) + 1),
  );
  return written ? 'over' : 'again';
}

async function failed(
  options: DeliveryOptions,
  webhook: HeldWebhook,
  { event, after, attempt }: Attempted,
): Promise<Next> {
  const { clock, random, onDead } = options;
  const { attempt: attempts, ...failure } = afterFailure(webhook, {
    eventId: event.id,
    nowMs: clock.now(),
    retryAfterMs: attempt.retryAfterMs,
    random: random(),
  });
  const dead = failure.failing === null;
  const standing = { ...failure, cursor: dead ? after : webhook.cursor, release: true, disabled: null };
  const line: LogLine = { ...lineOf(event, attempt, attempts), outcome: dead ? 'dead' : 'failed' };
  if (!(await write(options, webhook, standing, line))) return 'again';
  if (dead) {
    const { id: eventId, type } = event;
    onDead({ webhook: webhook.id, principal: webhook.principal, eventId, type, attempts });
  }
  return 'over';
}

async function write(
  { pool, instance, onAttempt }: DeliveryOptions,
  webhook: HeldWebhook,
  standing: Standing,
  line: LogLine,
): Promise<boolean> {
  const written = await writeAttempt(pool, { webhook, instance }, standing, line);
  if (written) onAttempt(line.outcome);
  return written;
}

function attemptsOf({ failing }: HeldWebhook, event: WebhookEvent): number {
  return failing?.eventId === event.id ? failing.attempts : 0;
}

/** An attempt as it is written down. */
export function lineOf(event: WebhookEvent, attempt: Attempt, attempts: number): LogLine {
  const { outcome, status, message, answer, atMs, durationMs } = attempt;
  const { id: eventId, type } = event;
  return { eventId, type, attempt: attempts, atMs, durationMs, outcome, status, message, answer };
}
