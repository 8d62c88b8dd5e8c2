import { TidewireError, WEBHOOK_LIMITS, formatEventId, formatTimestamp } from '@tidewire/contract';
import type { LogPosition, WebhookView } from '@tidewire/contract';
import { inTransaction } from '@tidewire/service-kit';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import { isCircuitOpen } from './schedule.ts';
import type { Endpoint, Follows, HeldWebhook, WebhookOwner } from './webhook.ts';
import { HELD_COLUMNS, heldWebhookOf } from './webhook-columns-postgres.ts';
import type { HeldRow } from './webhook-columns-postgres.ts';

/** What an owner says of a webhook. */
export interface WebhookSettings extends Follows, Pick<Endpoint, 'url' | 'mode' | 'headers'> {
  readonly name: string;
  readonly enabled: boolean;
}

export interface NewWebhookRow extends WebhookSettings, WebhookOwner {
  readonly id: string;
  readonly secret: string;
  readonly cursor: LogPosition;
  readonly nowMs: number;
}

/** A webhook with what its owner is told, and what it takes to change it. */
export interface StoredWebhook {
  readonly webhook: HeldWebhook;
  readonly view: WebhookView;
}

export interface PageOf<Item> {
  readonly results: Item[];
  readonly total: number;
}

interface ViewRow extends HeldRow {
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  readonly createdAt: Date;
  readonly dueAt: Date;
  readonly deliveredCount: number;
  readonly failedCount: number;
  readonly deadCount: number;
}

const VIEW_COLUMNS = `${HELD_COLUMNS}, w.enabled, w.disabled_reason AS "disabledReason", w.created_at AS "createdAt",
  w.due_at AS "dueAt", w.delivered AS "deliveredCount", w.failed AS "failedCount", w.dead AS "deadCount"`;

/** Who may know a webhook: a limited credential only those that are limited by it, the principal itself all of its own. */
const OWNED = 'w.principal = $1 AND ($2::uuid IS NULL OR w.credential = $2)';

/** @throws TidewireError CONFLICT when the principal has as many as it may. */
export async function insertWebhook(pool: Pool, row: NewWebhookRow): Promise<StoredWebhook> {
  return await inTransaction(pool, {}, async (client) => {
    // Two who register at once must not both see the last place.
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('push.webhooks ' || $1, 0))`, [
      row.principal,
    ]);
    const { rows: counted } = await client.query<{ count: number }>(
      'SELECT count(*) AS count FROM push.webhooks WHERE principal = $1',
      [row.principal],
    );
    if ((counted[0]?.count ?? 0) >= WEBHOOK_LIMITS.perPrincipal) {
      throw new TidewireError(
        'CONFLICT',
        `A principal has at most ${WEBHOOK_LIMITS.perPrincipal} webhooks: delete some first.`,
      );
    }
    const now = new Date(row.nowMs);
    const { rows } = await client.query<ViewRow>(
      `INSERT INTO push.webhooks AS w (id, principal, credential, name, url, topics, filter, fields, mode, headers, secret,
         enabled, epoch, sequence, created_at, due_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10::jsonb, $11, $12, $13, $14, $15, $15)
       RETURNING ${VIEW_COLUMNS}`,
      [
        row.id,
        row.principal,
        row.credential,
        row.name,
        row.url,
        row.topics,
        row.filter && JSON.stringify(row.filter),
        row.fields,
        row.mode,
        JSON.stringify(row.headers),
        row.secret,
        row.enabled,
        row.cursor.epoch,
        row.cursor.sequence,
        now,
      ],
    );
    return storedWebhookOf(single(rows), row.nowMs);
  });
}

/** The newest first. */
export async function listWebhooks(
  pool: Pool,
  { principal, credential }: WebhookOwner,
  { limit, offset }: { readonly limit: number; readonly offset: number },
  nowMs: number,
): Promise<PageOf<WebhookView>> {
  const { rows } = await pool.query<ViewRow>(
    `SELECT ${VIEW_COLUMNS} FROM push.webhooks w WHERE ${OWNED} ORDER BY w.created_at DESC, w.id LIMIT $3 OFFSET $4`,
    [principal, credential, limit, offset],
  );
  const { rows: counted } = await pool.query<{ total: number }>(
    `SELECT count(*) AS total FROM push.webhooks w WHERE ${OWNED}`,
    [principal, credential],
  );
  return { results: rows.map((row) => storedWebhookOf(row, nowMs).view), total: counted[0]?.total ?? 0 };
}

/** Undefined for one that is absent or another's: they look the same. */
export async function findWebhook(
  pool: Pool,
  { principal, credential }: WebhookOwner,
  id: string,
  nowMs: number,
): Promise<StoredWebhook | undefined> {
  const { rows } = await pool.query<ViewRow>(
    `SELECT ${VIEW_COLUMNS} FROM push.webhooks w WHERE ${OWNED} AND w.id = $3`,
    [principal, credential, id],
  );
  return rows[0] && storedWebhookOf(rows[0], nowMs);
}

/**
 * Writes settings over those of `revision`. `restart`: what failed before says nothing any more, and it is tried at once. Undefined
 * when somebody else has changed it meanwhile, or deleted it.
 */
export async function updateWebhook(
  pool: Pool,
  { id, revision }: Pick<HeldWebhook, 'id' | 'revision'>,
  settings: WebhookSettings & { readonly restart: boolean },
  nowMs: number,
): Promise<StoredWebhook | undefined> {
  const { rows } = await pool.query<ViewRow>(
    `UPDATE push.webhooks AS w SET
       name = $3, url = $4, topics = $5, filter = $6::jsonb, fields = $7, mode = $8, headers = $9::jsonb, enabled = $10,
       disabled_reason = CASE WHEN w.enabled = $10 THEN w.disabled_reason END,
       revision = w.revision + 1,
       failing_event = CASE WHEN $11 THEN NULL ELSE w.failing_event END,
       attempts = CASE WHEN $11 THEN 0 ELSE w.attempts END,
       failing_since = CASE WHEN $11 THEN NULL ELSE w.failing_since END,
       failures = CASE WHEN $11 THEN 0 ELSE w.failures END,
       due_at = CASE WHEN $11 THEN $12 ELSE w.due_at END
     WHERE w.id = $1 AND w.revision = $2
     RETURNING ${VIEW_COLUMNS}`,
    [
      id,
      revision,
      settings.name,
      settings.url,
      settings.topics,
      settings.filter && JSON.stringify(settings.filter),
      settings.fields,
      settings.mode,
      JSON.stringify(settings.headers),
      settings.enabled,
      settings.restart,
      new Date(nowMs),
    ],
  );
  return rows[0] && storedWebhookOf(rows[0], nowMs);
}

/** Puts a new secret in front of the one that there is. False when the webhook is absent or another's. */
export async function rotateSecret(
  pool: Pool,
  { principal, credential }: WebhookOwner,
  id: string,
  { secret, untilMs }: { readonly secret: string; readonly untilMs: number },
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE push.webhooks AS w SET previous_secret = w.secret, previous_secret_until = $4, secret = $5
     WHERE ${OWNED} AND w.id = $3`,
    [principal, credential, id, new Date(untilMs), secret],
  );
  return rowCount === 1;
}

/** With its log. False when the webhook is absent or another's. */
export async function deleteWebhook(
  pool: Pool,
  { principal, credential }: WebhookOwner,
  id: string,
): Promise<boolean> {
  const { rowCount } = await pool.query(`DELETE FROM push.webhooks AS w WHERE ${OWNED} AND w.id = $3`, [
    principal,
    credential,
    id,
  ]);
  return rowCount === 1;
}

function storedWebhookOf(row: ViewRow, nowMs: number): StoredWebhook {
  const { enabled, disabledReason, createdAt, dueAt, deliveredCount, failedCount, deadCount, ...held } = row;
  const webhook = heldWebhookOf(held);
  const { previousSecret, failures } = webhook;
  return {
    webhook,
    view: {
      id: webhook.id,
      name: webhook.name,
      url: webhook.url,
      topics: [...webhook.topics],
      filter: webhook.filter,
      fields: webhook.fields && [...webhook.fields],
      mode: webhook.mode,
      headers: Object.keys(webhook.headers).toSorted(),
      enabled,
      disabledReason,
      lastEventId: formatEventId(webhook.cursor),
      circuit: isCircuitOpen(failures) ? 'open' : 'closed',
      failures,
      nextAttemptAt: enabled && dueAt.getTime() > nowMs ? formatTimestamp(dueAt.getTime()) : null,
      counts: { delivered: deliveredCount, failed: failedCount, dead: deadCount },
      previousSecretUntil:
        previousSecret !== null && previousSecret.untilMs > nowMs
          ? formatTimestamp(previousSecret.untilMs)
          : null,
      createdAt: formatTimestamp(createdAt.getTime()),
    },
  };
}

function single<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error('the statement returned no row');
  return row;
}

/** Removes the webhooks of principals that are not there any more, with their secrets and what became of their attempts. */
export async function removeWebhooksOf(client: PoolClient, principals: readonly string[]): Promise<void> {
  await client.query('DELETE FROM push.webhooks WHERE principal = ANY ($1)', [principals]);
}
