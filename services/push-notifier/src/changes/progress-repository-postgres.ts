import type { Pool, PoolClient } from '@tidewire/service-kit';

/** How far changes are known. */
export interface Progress {
  readonly epoch: string;
  /** What came up to here is not known. */
  readonly since: number;
  /** Everything up to here was dealt with. */
  readonly done: number;
}

/** Undefined before the first start. */
export async function readProgress(db: Pool | PoolClient): Promise<Progress | undefined> {
  const { rows } = await db.query<{ epoch: string; since: string; done: string }>(
    'SELECT epoch, since::text, done::text FROM push.progress',
  );
  const [row] = rows;
  return row && { epoch: row.epoch, since: Number(row.since), done: Number(row.done) };
}

/** Begins anew: what came up to `since` of this log is not known. False when somebody else has said so already. */
export async function beginAnew(client: PoolClient, epoch: string, since: number): Promise<boolean> {
  const { rowCount } = await client.query(
    `INSERT INTO push.progress AS p (epoch, since, done) VALUES ($1, $2, $2)
     ON CONFLICT (single) DO UPDATE SET epoch = excluded.epoch, since = excluded.since, done = excluded.done
     WHERE p.epoch <> excluded.epoch OR p.since < excluded.since`,
    [epoch, since],
  );
  return rowCount === 1;
}

/** Notes what was dealt with; it never goes back. */
export async function noteDone(pool: Pool, epoch: string, done: number): Promise<void> {
  await pool.query('UPDATE push.progress SET done = $2 WHERE epoch = $1 AND done < $2', [epoch, done]);
}
