import type { Pool, PoolClient } from '@tidewire/service-kit';
import type { Page, PageRequest } from '../page.ts';

/** A session that is in force, as lists show it. */
export interface SessionEntry {
  readonly id: string;
  readonly principal: string;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly expiresAt: string;
  readonly latestEnd: string;
  readonly address: string;
}

export interface NewSession {
  readonly principal: string;
  readonly hash: Buffer;
  readonly address: string;
  readonly nowMs: number;
  readonly expiresAtMs: number;
  readonly latestEndMs: number;
}

/** A secret from before a rotation, of a session that goes on. */
export interface RetiredSecret {
  readonly session: string;
  readonly principal: string;
  readonly usableUntilMs: number;
}

export async function insertSession(client: PoolClient, session: NewSession): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO authz.credentials (type, principal, name, prefix, hash, expires_at)
     VALUES ('session', $1, 'session', '', $2, to_timestamp($3::float8 / 1000)) RETURNING id`,
    [session.principal, session.hash, session.expiresAtMs],
  );
  const id = rows[0]?.id ?? '';
  await client.query(
    `WITH used AS (
       INSERT INTO authz.credential_uses (credential, used_at) VALUES ($1, to_timestamp($4::float8 / 1000)))
     INSERT INTO authz.sessions (credential, latest_end, address)
     VALUES ($1, to_timestamp($2::float8 / 1000), $3)`,
    [id, session.latestEndMs, session.address, session.nowMs],
  );
  return id;
}

/** Whose session a retired secret opened. Undefined for any other secret, and when the session has ended. */
export async function findRetired(db: Pool, hash: Buffer): Promise<RetiredSecret | undefined> {
  const { rows } = await db.query<RetiredSecret>(
    `SELECT r.credential AS session, c.principal,
            (extract(epoch FROM r.usable_until) * 1000)::float8 AS "usableUntilMs"
     FROM authz.retired_secrets r JOIN authz.credentials c ON c.id = r.credential
     WHERE r.hash = $1 AND c.ended_at IS NULL`,
    [hash],
  );
  return rows[0];
}

/**
 * Gives a session another secret; the one of before stays usable for a while. False when the session has ended or
 * expired meanwhile.
 */
export async function rotateSession(
  client: PoolClient,
  change: { readonly id: string; readonly hash: Buffer; readonly nowMs: number; readonly graceMs: number },
): Promise<boolean> {
  const { id, hash, nowMs, graceMs } = change;
  const { rows } = await client.query<{ rotated: boolean }>(
    `SELECT authz.rotate_session(
       $1, $2, to_timestamp($3::float8 / 1000), to_timestamp(($3::float8 + $4::float8) / 1000)) AS rotated`,
    [id, hash, nowMs, graceMs],
  );
  return rows[0]?.rotated === true;
}

/** Lets a session that is used expire later, but not after its latest end. */
export async function extendSession(
  client: PoolClient,
  id: string,
  nowMs: number,
  idleMs: number,
): Promise<void> {
  await client.query(
    `UPDATE authz.credentials c
     SET expires_at = least(to_timestamp(($2::float8 + $3::float8) / 1000), s.latest_end)
     FROM authz.sessions s
     WHERE c.id = $1 AND s.credential = c.id AND c.ended_at IS NULL
       AND c.expires_at > to_timestamp($2::float8 / 1000)
       AND c.expires_at < least(to_timestamp(($2::float8 + $3::float8) / 1000), s.latest_end)`,
    [id, nowMs, idleMs],
  );
}

/** Sessions in force at `nowMs`, of one principal or of all, the ones used last first. */
export async function listSessions(
  db: Pool,
  principal: string | undefined,
  nowMs: number,
  page: PageRequest,
): Promise<Page<SessionEntry>> {
  const { rows } = await db.query<{ entry: SessionEntry; total: number }>(
    `SELECT jsonb_build_object('id', c.id, 'principal', c.principal, 'createdAt', authz.wire_time(c.created_at),
              'lastUsedAt', authz.wire_time(u.used_at), 'expiresAt', authz.wire_time(c.expires_at),
              'latestEnd', authz.wire_time(s.latest_end), 'address', s.address) AS entry,
            count(*) OVER () AS total
     FROM authz.sessions s
     JOIN authz.credentials c ON c.id = s.credential
     JOIN authz.credential_uses u ON u.credential = c.id
     WHERE c.ended_at IS NULL AND c.expires_at > to_timestamp($2::float8 / 1000)
       AND ($1::text IS NULL OR c.principal = $1)
     ORDER BY u.used_at DESC, c.id LIMIT $3 OFFSET $4`,
    [principal ?? null, nowMs, page.limit, page.offset],
  );
  return { results: rows.map((row) => row.entry), total: rows[0]?.total ?? 0 };
}

/** Ends the sessions of a principal, but for one of them. */
export async function endSessions(
  client: PoolClient,
  principal: string,
  kept: string | undefined,
): Promise<void> {
  await client.query(
    `UPDATE authz.credentials SET ended_at = clock_timestamp()
     WHERE principal = $1 AND type = 'session' AND ended_at IS NULL AND id IS DISTINCT FROM $2::uuid`,
    [principal, kept ?? null],
  );
}

/** Ends the sessions of a principal that were used longest ago, until `most` are left. */
export async function endOldestSessions(client: PoolClient, principal: string, most: number): Promise<void> {
  await client.query(
    `UPDATE authz.credentials SET ended_at = clock_timestamp() WHERE id IN (
       SELECT c.id FROM authz.credentials c JOIN authz.credential_uses u ON u.credential = c.id
       WHERE c.principal = $1 AND c.type = 'session' AND c.ended_at IS NULL
       ORDER BY u.used_at DESC, c.id OFFSET $2)`,
    [principal, most],
  );
}

/** Forgets up to `limit` sessions that ended more than a day ago. Which those are is the database's to say. */
export async function forgetSessions(db: Pool, nowMs: number, limit: number): Promise<void> {
  await db.query('SELECT authz.forget_sessions(to_timestamp($1::float8 / 1000), $2)', [nowMs, limit]);
}
