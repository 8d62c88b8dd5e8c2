import type { Pool, PoolClient } from '@tidewire/service-kit';

/** A password that is in force, and the credential that it is. */
export interface StoredPassword {
  readonly credential: string;
  readonly phc: string;
}

/** The password of a principal that is not removed. */
export async function findPassword(
  db: Pool | PoolClient,
  principal: string,
): Promise<StoredPassword | undefined> {
  const { rows } = await db.query<StoredPassword>(
    `SELECT c.id AS credential, w.phc
     FROM authz.credentials c
     JOIN authz.passwords w ON w.credential = c.id
     JOIN authz.principals p ON p.id = c.principal AND NOT p.removed
     WHERE c.principal = $1 AND c.type = 'password' AND c.ended_at IS NULL`,
    [principal],
  );
  return rows[0];
}

/** Ends the password of a principal; whoever acts by it (Basic) is cut off. False when there is none. */
export async function endPassword(client: PoolClient, principal: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE authz.credentials SET ended_at = clock_timestamp()
     WHERE principal = $1 AND type = 'password' AND ended_at IS NULL`,
    [principal],
  );
  return rowCount === 1;
}

/** Gives a principal a password in place of the one it has. */
export async function replacePassword(client: PoolClient, principal: string, phc: string): Promise<void> {
  await endPassword(client, principal);
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO authz.credentials (type, principal, name, prefix)
     VALUES ('password', $1, 'password', '') RETURNING id`,
    [principal],
  );
  await client.query('INSERT INTO authz.passwords (credential, phc) VALUES ($1, $2)', [rows[0]?.id, phc]);
}
