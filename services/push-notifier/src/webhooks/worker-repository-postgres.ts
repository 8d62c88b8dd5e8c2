import { inTransaction } from '@tidewire/service-kit';
import type { Pool } from '@tidewire/service-kit';

/** A webhook that this process holds. */
export interface Held {
  readonly id: string;
  readonly revision: number;
}

export interface Claim {
  readonly instance: string;
  readonly nowMs: number;
  /** How many webhooks the process holds now. */
  readonly held: number;
  /** How many more it takes at most. */
  readonly most: number;
}

export interface Claimed {
  readonly ids: readonly string[];
  /** How many a process delivers when all that are alive do equally much. */
  readonly share: number;
}

/**
 * Says that a process is there until then. One row for each process, and none for each webhook: many that have nothing to tell
 * cost nothing. Processes whose clocks differ at worst deliver something twice, because whoever lost a webhook cannot write
 * how far it is.
 */
export async function keepAlive(pool: Pool, instance: string, aliveUntilMs: number): Promise<void> {
  await pool.query(
    `INSERT INTO push.webhook_workers (instance, alive_until) VALUES ($1, $2)
     ON CONFLICT (instance) DO UPDATE SET alive_until = excluded.alive_until`,
    [instance, new Date(aliveUntilMs)],
  );
}

/** Takes webhooks that are due and that nobody who is alive holds, up to this process's share. */
export async function claimWebhooks(pool: Pool, { instance, nowMs, held, most }: Claim): Promise<Claimed> {
  return await inTransaction(pool, {}, async (client) => {
    // One after another: two who free what a third one held would otherwise wait for each other's rows.
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('push.webhook_workers', 0))`);
    const now = new Date(nowMs);
    // What a process held that died a while ago.
    await client.query(
      `UPDATE push.webhooks w SET holder = NULL
       WHERE w.holder IS NOT NULL
         AND NOT EXISTS (SELECT FROM push.webhook_workers p WHERE p.instance = w.holder AND p.alive_until > $1)`,
      [now],
    );
    await client.query('DELETE FROM push.webhook_workers WHERE alive_until <= $1', [now]);
    const { rows: shares } = await client.query<{ share: number }>(
      `SELECT ceil(count(*)::float8 / greatest(1, (SELECT count(*) FROM push.webhook_workers))) AS share
       FROM push.webhooks WHERE enabled`,
    );
    const share = shares[0]?.share ?? 0;
    const { rows } = await client.query<{ id: string }>(
      `UPDATE push.webhooks w SET holder = $1
       FROM (SELECT id FROM push.webhooks WHERE enabled AND holder IS NULL AND due_at <= $2
             ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS due
       WHERE w.id = due.id
       RETURNING w.id`,
      [instance, now, Math.max(0, Math.min(most, share - held))],
    );
    return { ids: rows.map(({ id }) => id), share };
  });
}

/** What a process holds and is to deliver. */
export async function listHeld(pool: Pool, instance: string): Promise<readonly Held[]> {
  const { rows } = await pool.query<Held>(
    'SELECT id, revision FROM push.webhooks WHERE holder = $1 AND enabled',
    [instance],
  );
  return rows;
}

/** Lets one webhook go, for anybody to take. */
export async function releaseWebhook(pool: Pool, instance: string, id: string): Promise<void> {
  await pool.query('UPDATE push.webhooks SET holder = NULL WHERE id = $1 AND holder = $2', [id, instance]);
}

/** The process is not there any more: others take over what it held, at once. */
export async function leave(pool: Pool, instance: string): Promise<void> {
  await pool.query('UPDATE push.webhooks SET holder = NULL WHERE holder = $1', [instance]);
  await pool.query('DELETE FROM push.webhook_workers WHERE instance = $1', [instance]);
}
