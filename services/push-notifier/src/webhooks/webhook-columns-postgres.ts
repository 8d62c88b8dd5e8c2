import type { TopicFilter, WebhookMode } from '@tidewire/contract';
import type { HeldWebhook } from './webhook.ts';

/** What of a row says how a webhook is delivered. */
export const HELD_COLUMNS = `w.id, w.principal, w.credential, w.name, w.url, w.topics, w.filter, w.fields, w.mode, w.headers,
  w.secret, w.previous_secret AS "previousSecret", w.previous_secret_until AS "previousSecretUntil", w.revision, w.epoch,
  w.sequence, w.failing_event AS "failingEvent", w.attempts, w.failing_since AS "failingSince", w.failures,
  w.delivered + w.dead AS settled`;

export interface HeldRow {
  readonly id: string;
  readonly principal: string;
  readonly credential: string | null;
  readonly name: string;
  readonly url: string;
  readonly topics: readonly string[];
  readonly filter: TopicFilter | null;
  readonly fields: readonly string[] | null;
  readonly mode: WebhookMode;
  readonly headers: Readonly<Record<string, string>>;
  readonly secret: string;
  readonly previousSecret: string | null;
  readonly previousSecretUntil: Date | null;
  readonly revision: number;
  readonly epoch: string;
  readonly sequence: number;
  readonly failingEvent: string | null;
  readonly attempts: number;
  readonly failingSince: Date | null;
  readonly failures: number;
  readonly settled: number;
}

/** A row of {@link HELD_COLUMNS} as the domain has it. */
export function heldWebhookOf(row: HeldRow): HeldWebhook {
  const {
    previousSecret,
    previousSecretUntil,
    epoch,
    sequence,
    failingEvent,
    attempts,
    failingSince,
    ...rest
  } = row;
  return {
    ...rest,
    cursor: { epoch, sequence },
    previousSecret:
      previousSecret === null || previousSecretUntil === null
        ? null
        : { secret: previousSecret, untilMs: previousSecretUntil.getTime() },
    failing:
      failingEvent === null || failingSince === null
        ? null
        : { eventId: failingEvent, attempts, sinceMs: failingSince.getTime() },
  };
}
