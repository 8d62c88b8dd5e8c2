import type { LogPosition } from '@tidewire/contract';
import type { Pool, PoolClient } from '@tidewire/service-kit';

/** Something that changed for a follower. */
export interface FoundChange {
  readonly principal: string;
  readonly topic: string;
  readonly sequence: number;
}

/** The newest change of a topic. */
export interface StoredChange {
  readonly topic: string;
  readonly sequence: number;
  readonly changedAt: Date;
  /** Its id as a notification. */
  readonly notification: string;
}

/**
 * Writes the newest change of each topic; what is there and newer stays. Returns the principals for whom that was new. A change
 * that follows one which was dealt with as a notification is another notification.
 */
export async function writeChanges(
  client: PoolClient,
  epoch: string,
  changes: readonly FoundChange[],
): Promise<readonly string[]> {
  if (changes.length === 0) return [];
  // In one order for all who write, so that no two wait for each other.
  const { rows } = await client.query<{ principal: string }>(
    `WITH written AS (
       INSERT INTO push.changes AS c (principal, topic, epoch, sequence)
       SELECT u.principal, u.topic, $4, u.sequence
       FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u (principal, topic, sequence)
       JOIN push.followers f USING (principal)
       ORDER BY u.principal, u.topic
       ON CONFLICT (principal, topic) DO UPDATE SET
         epoch = excluded.epoch,
         sequence = excluded.sequence,
         changed_at = clock_timestamp(),
         notification = CASE WHEN c.epoch = excluded.epoch AND c.sequence > c.dismissed
           THEN c.notification ELSE excluded.notification END,
         dismissed = CASE WHEN c.epoch = excluded.epoch THEN c.dismissed ELSE -1 END
       WHERE (c.epoch, c.sequence) < (excluded.epoch, excluded.sequence)
       RETURNING principal)
     SELECT DISTINCT principal FROM written`,
    [
      changes.map(({ principal }) => principal),
      changes.map(({ topic }) => topic),
      changes.map(({ sequence }) => sequence),
      epoch,
    ],
  );
  return rows.map(({ principal }) => principal);
}

/** What changed for a principal after a sequence, the oldest first. */
export async function readChanges(
  pool: Pool,
  principal: string,
  { epoch, sequence }: LogPosition,
  most: number,
): Promise<readonly StoredChange[]> {
  const { rows } = await pool.query<{
    topic: string;
    sequence: string;
    changedAt: Date;
    notification: string;
  }>(
    `SELECT topic, sequence::text, changed_at AS "changedAt", notification::text FROM push.changes
     WHERE principal = $1 AND epoch = $2 AND sequence > $3 ORDER BY sequence, topic LIMIT $4`,
    [principal, epoch, sequence, most],
  );
  return rows.map((row) => ({ ...row, sequence: Number(row.sequence) }));
}

/** What changed for a principal and was not dealt with as a notification, the newest first. */
export async function readNotifications(
  pool: Pool,
  principal: string,
  most: number,
): Promise<readonly StoredChange[]> {
  const { rows } = await pool.query<{
    topic: string;
    sequence: string;
    changedAt: Date;
    notification: string;
  }>(
    `SELECT topic, sequence::text, changed_at AS "changedAt", notification::text FROM push.changes
     WHERE principal = $1 AND sequence > dismissed ORDER BY changed_at DESC, notification DESC LIMIT $2`,
    [principal, most],
  );
  return rows.map((row) => ({ ...row, sequence: Number(row.sequence) }));
}

/** Deals with one notification, or with all (null); false when there was none of that id. What changes later is another one. */
export async function dismissNotifications(
  pool: Pool,
  principal: string,
  notification: string | null,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE push.changes SET dismissed = sequence
     WHERE principal = $1 AND sequence > dismissed AND ($2::bigint IS NULL OR notification = $2)`,
    [principal, notification],
  );
  return (rowCount ?? 0) > 0;
}
