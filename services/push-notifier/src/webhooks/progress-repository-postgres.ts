import { WEBHOOK_LIMITS } from '@tidewire/contract';
import type { LogPosition } from '@tidewire/contract';
import type { Pool } from '@tidewire/service-kit';
import type { Failing, HeldWebhook, LogLine } from './webhook.ts';
import { HELD_COLUMNS, heldWebhookOf } from './webhook-columns-postgres.ts';
import type { HeldRow } from './webhook-columns-postgres.ts';

/** A webhook as a process has read it: what is written later counts only while nothing of this has changed. */
export interface Hold {
  readonly webhook: Pick<HeldWebhook, 'id' | 'revision' | 'cursor'>;
  readonly instance: string;
}

/** Where a webhook stands after an attempt. */
export interface Standing {
  readonly cursor: LogPosition;
  readonly failing: Failing | null;
  readonly failures: number;
  readonly dueAtMs: number;
  /** The process is done with it for now. */
  readonly release: boolean;
  /** Why nothing is delivered any more, until its owner says otherwise; null: it goes on. */
  readonly disabled: string | null;
}

/** How a webhook is to be delivered now; undefined when it is disabled, deleted, or another process's. */
export async function findHeld(pool: Pool, id: string, instance: string): Promise<HeldWebhook | undefined> {
  const { rows } = await pool.query<HeldRow>(
    `SELECT ${HELD_COLUMNS} FROM push.webhooks w WHERE w.id = $1 AND w.holder = $2 AND w.enabled`,
    [id, instance],
  );
  return rows[0] && heldWebhookOf(rows[0]);
}

/**
 * Writes in one statement what became of an attempt and where the webhook stands after it: there is no success whose event
 * comes again because of a crash in between. False, and nothing is written, when the webhook is another process's meanwhile; or,
 * for what failed, when its owner has changed it, so that the failure says nothing any more.
 */
export async function writeAttempt(
  pool: Pool,
  { webhook, instance }: Hold,
  standing: Standing,
  line: LogLine,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `WITH moved AS (
       UPDATE push.webhooks SET
         epoch = $6, sequence = $7, failing_event = $8, attempts = $9, failing_since = $10, failures = $11, due_at = $12,
         holder = CASE WHEN $13 THEN NULL ELSE holder END,
         enabled = enabled AND $14::text IS NULL,
         disabled_reason = coalesce($14, disabled_reason),
         delivered = delivered + ($15 = 'delivered')::int,
         failed = failed + ($15 <> 'delivered')::int,
         dead = dead + ($15 = 'dead')::int,
         log_number = log_number + 1
       WHERE id = $1 AND holder = $2 AND epoch = $3 AND sequence = $4 AND ($15 = 'delivered' OR revision = $5)
       RETURNING id, log_number
     ), forgotten AS (
       DELETE FROM push.webhook_deliveries d USING moved WHERE d.webhook = moved.id AND d.number <= moved.log_number - $24
     )
     INSERT INTO push.webhook_deliveries
       (webhook, number, event_id, type, attempt, at, duration_ms, outcome, status, message, answer)
     SELECT id, log_number, $16, $17, $18, $19, $20, $15, $21, $22, $23 FROM moved`,
    [
      webhook.id,
      instance,
      webhook.cursor.epoch,
      webhook.cursor.sequence,
      webhook.revision,
      standing.cursor.epoch,
      standing.cursor.sequence,
      standing.failing?.eventId ?? null,
      standing.failing?.attempts ?? 0,
      standing.failing && new Date(standing.failing.sinceMs),
      standing.failures,
      new Date(standing.dueAtMs),
      standing.release,
      standing.disabled,
      line.outcome,
      line.eventId,
      line.type,
      line.attempt,
      new Date(line.atMs),
      line.durationMs,
      line.status,
      line.message,
      line.answer,
      WEBHOOK_LIMITS.deliveries,
    ],
  );
  return rowCount === 1;
}

/** Where a webhook stands of which nothing was attempted: how far it is, and when it is to be looked at again. */
export async function writePlace(
  pool: Pool,
  { webhook, instance }: Hold,
  place: Pick<Standing, 'cursor' | 'failing' | 'dueAtMs'>,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE push.webhooks SET epoch = $5, sequence = $6, failing_event = $7, attempts = $8, failing_since = $9, due_at = $10
     WHERE id = $1 AND holder = $2 AND epoch = $3 AND sequence = $4`,
    [
      webhook.id,
      instance,
      webhook.cursor.epoch,
      webhook.cursor.sequence,
      place.cursor.epoch,
      place.cursor.sequence,
      place.failing?.eventId ?? null,
      place.failing?.attempts ?? 0,
      place.failing && new Date(place.failing.sinceMs),
      new Date(place.dueAtMs),
    ],
  );
  return rowCount === 1;
}

/** Nothing is delivered any more until the owner says otherwise. Nothing happens when the owner has changed it meanwhile. */
export async function disableWebhook(
  pool: Pool,
  { webhook, instance }: Hold,
  reason: string,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE push.webhooks SET enabled = false, disabled_reason = $4
     WHERE id = $1 AND holder = $2 AND revision = $3 AND enabled`,
    [webhook.id, instance, webhook.revision, reason],
  );
  return rowCount === 1;
}
