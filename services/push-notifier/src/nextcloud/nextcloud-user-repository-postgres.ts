import { TidewireError } from '@tidewire/contract';
import type { NextcloudUser } from '@tidewire/contract';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import type { Hearers } from '../changes/found-changes.ts';

const SQLSTATE_UNIQUE_VIOLATION = '23505';

/** Everybody who is told in the Nextcloud: who they are there, by their principals. */
export async function readNextcloudUsers(client: PoolClient): Promise<Hearers> {
  const { rows } = await client.query<NextcloudUser>(
    'SELECT principal, uid AS user FROM push.nextcloud_users',
  );
  return new Map(rows.map(({ principal, user }) => [principal, user]));
}

/** Who a principal is in the Nextcloud; undefined: nobody. */
export async function findNextcloudUser(pool: Pool, principal: string): Promise<NextcloudUser | undefined> {
  const { rows } = await pool.query<NextcloudUser>(
    'SELECT principal, uid AS user FROM push.nextcloud_users WHERE principal = $1',
    [principal],
  );
  return rows[0];
}

/** Writes who a follower is in the Nextcloud. @throws TidewireError CONFLICT when another one is that user. */
export async function writeNextcloudUser(
  client: PoolClient,
  { principal, user }: NextcloudUser,
): Promise<void> {
  try {
    await client.query(
      `INSERT INTO push.nextcloud_users (principal, uid) VALUES ($1, $2)
       ON CONFLICT (principal) DO UPDATE SET uid = excluded.uid`,
      [principal, user],
    );
  } catch (error) {
    if ((error as { code?: string }).code !== SQLSTATE_UNIQUE_VIOLATION) throw error;
    // Who it is, is nobody's business.
    throw new TidewireError('CONFLICT', 'Somebody else is that user of the Nextcloud.', { cause: error });
  }
}

/** False when the principal was nobody there. */
export async function removeNextcloudUser(pool: Pool, principal: string): Promise<boolean> {
  const { rowCount } = await pool.query('DELETE FROM push.nextcloud_users WHERE principal = $1', [principal]);
  return rowCount === 1;
}
