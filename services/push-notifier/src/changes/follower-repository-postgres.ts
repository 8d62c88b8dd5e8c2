import type { Pool, PoolClient } from '@tidewire/service-kit';

/** Everybody who is told of changes, as of a version of the set. */
export interface FollowerSet {
  readonly version: string;
  readonly principals: readonly string[];
}

/**
 * Makes a principal a follower, or notes that it was here again. True when it was none before. Waits for those who are writing
 * what they found for the followers that there were.
 */
export async function addFollower(client: PoolClient, principal: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE push.followers SET seen_at = clock_timestamp() WHERE principal = $1`,
    [principal],
  );
  if (rowCount === 1) return false;
  await raiseVersion(client);
  await client.query('INSERT INTO push.followers (principal) VALUES ($1) ON CONFLICT DO NOTHING', [
    principal,
  ]);
  return true;
}

/** Forgets followers with all that is kept for them. */
export async function removeFollowers(client: PoolClient, principals: readonly string[]): Promise<void> {
  if (principals.length === 0) return;
  await raiseVersion(client);
  await client.query('DELETE FROM push.followers WHERE principal = ANY($1)', [principals]);
}

/** Who was not here for so many days, and owns nothing that is told by itself. */
const IDLE = `seen_at < clock_timestamp() - make_interval(days => $1)
  AND NOT EXISTS (SELECT FROM push.devices d WHERE d.principal = f.principal)
  AND NOT EXISTS (SELECT FROM push.webhooks w WHERE w.principal = f.principal)
  AND NOT EXISTS (SELECT FROM push.nextcloud_users n WHERE n.principal = f.principal)`;

/** Forgets followers who do not come any more, and returns how many. Who comes in this moment stays. */
export async function removeIdleFollowers(client: PoolClient, days: number): Promise<number> {
  const { rows } = await client.query(`SELECT FROM push.followers f WHERE ${IDLE} LIMIT 1`, [days]);
  if (rows.length === 0) return 0;
  await raiseVersion(client);
  const { rowCount } = await client.query(`DELETE FROM push.followers f WHERE ${IDLE}`, [days]);
  return rowCount ?? 0;
}

export async function readFollowers(db: Pool | PoolClient): Promise<FollowerSet> {
  const { rows } = await db.query<{ version: string; principals: string[] }>(
    `SELECT s.version::text, coalesce(array_agg(f.principal) FILTER (WHERE f.principal IS NOT NULL), '{}') AS principals
     FROM push.follower_set s LEFT JOIN push.followers f ON true GROUP BY s.version`,
  );
  const [set] = rows;
  if (set === undefined) throw new Error('push.follower_set has no row');
  return set;
}

/** Holds the set as it is until the transaction ends, and returns its version. */
export async function holdFollowers(client: PoolClient): Promise<string> {
  const { rows } = await client.query<{ version: string }>(
    'SELECT version::text FROM push.follower_set FOR KEY SHARE',
  );
  const [set] = rows;
  if (set === undefined) throw new Error('push.follower_set has no row');
  return set.version;
}

async function raiseVersion(client: PoolClient): Promise<void> {
  // The key is rewritten, so that those who hold it are waited for.
  await client.query('SELECT FROM push.follower_set FOR UPDATE');
  await client.query('UPDATE push.follower_set SET version = version + 1');
}
