import { WEBHOOK_LIMITS, formatTimestamp } from '@tidewire/contract';
import type { WebhookDelivery, WebhookOutcome } from '@tidewire/contract';
import type { Pool } from '@tidewire/service-kit';
import type { LogLine } from './webhook.ts';
import type { PageOf } from './webhook-repository-postgres.ts';

interface DeliveryRow {
  readonly id: number;
  readonly eventId: string;
  readonly type: string;
  readonly attempt: number;
  readonly at: Date;
  readonly durationMs: number;
  readonly outcome: WebhookOutcome;
  readonly status: number | null;
  readonly message: string;
  readonly answer: string | null;
}

const COLUMNS = `number AS id, event_id AS "eventId", type, attempt, at, duration_ms AS "durationMs", outcome, status, message,
  answer`;

/** The attempts of a webhook, the newest first. */
export async function listDeliveries(
  pool: Pool,
  webhook: string,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<PageOf<WebhookDelivery>> {
  const { rows } = await pool.query<DeliveryRow>(
    `SELECT ${COLUMNS} FROM push.webhook_deliveries WHERE webhook = $1 ORDER BY number DESC LIMIT $2 OFFSET $3`,
    [webhook, limit, offset],
  );
  const { rows: counted } = await pool.query<{ total: number }>(
    'SELECT count(*) AS total FROM push.webhook_deliveries WHERE webhook = $1',
    [webhook],
  );
  return { results: rows.map(deliveryOf), total: counted[0]?.total ?? 0 };
}

export async function findDelivery(
  pool: Pool,
  webhook: string,
  number: number,
): Promise<WebhookDelivery | undefined> {
  const { rows } = await pool.query<DeliveryRow>(
    `SELECT ${COLUMNS} FROM push.webhook_deliveries WHERE webhook = $1 AND number = $2`,
    [webhook, number],
  );
  return rows[0] && deliveryOf(rows[0]);
}

/** Writes down an attempt that was asked for by hand: it moves nothing. Undefined when the webhook was deleted meanwhile. */
export async function logByHand(
  pool: Pool,
  webhook: string,
  line: LogLine,
): Promise<WebhookDelivery | undefined> {
  const { rows } = await pool.query<DeliveryRow>(
    `WITH numbered AS (
       UPDATE push.webhooks SET log_number = log_number + 1 WHERE id = $1 RETURNING id, log_number
     ), forgotten AS (
       DELETE FROM push.webhook_deliveries d USING numbered n WHERE d.webhook = n.id AND d.number <= n.log_number - $11
     )
     INSERT INTO push.webhook_deliveries
       (webhook, number, event_id, type, attempt, at, duration_ms, outcome, status, message, answer)
     SELECT id, log_number, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM numbered
     RETURNING ${COLUMNS}`,
    [
      webhook,
      line.eventId,
      line.type,
      line.attempt,
      new Date(line.atMs),
      line.durationMs,
      line.outcome,
      line.status,
      line.message,
      line.answer,
      WEBHOOK_LIMITS.deliveries,
    ],
  );
  return rows[0] && deliveryOf(rows[0]);
}

function deliveryOf({ at, ...row }: DeliveryRow): WebhookDelivery {
  return { ...row, at: formatTimestamp(at.getTime()) };
}
