import type { Credential, CredentialType, LogPosition, Principal, Scopes } from '@tidewire/contract';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import type { Page, PageRequest } from './page.ts';
import type { StoredSecret } from './token-secret.ts';

/** Whoever holds a credential, and the place in the log that this answer includes. */
export interface Identity {
  readonly principal: Principal;
  readonly credential: Credential;
  readonly position: LogPosition;
  /** When the secret that was shown stops counting although the credential goes on. */
  readonly secretEndsAt?: string;
}

/** A token as lists show it. */
export interface TokenEntry {
  readonly id: string;
  readonly principal: string;
  readonly name: string;
  /** The first characters of the secret, for recognition; empty for a chosen one. */
  readonly prefix: string;
  readonly scopes: Scopes | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly endedAt: string | null;
  readonly lastUsedAt: string | null;
}

export interface NewToken {
  readonly principal: string;
  readonly name: string;
  readonly secret: StoredSecret;
  readonly scopes: Scopes | null;
  readonly expiresAtMs: number | null;
}

const TOKEN_ENTRY = `jsonb_build_object('id', c.id, 'principal', c.principal, 'name', c.name, 'prefix', c.prefix,
  'scopes', c.scopes, 'createdAt', authz.wire_time(c.created_at), 'expiresAt', authz.wire_time(c.expires_at),
  'endedAt', authz.wire_time(c.ended_at),
  'lastUsedAt', (SELECT authz.wire_time(u.used_at) FROM authz.credential_uses u WHERE u.credential = c.id))`;

/** How a credential is found: by the hash of its secret, or by its id where that was verified otherwise. */
export type CredentialKey =
  { readonly type: CredentialType; readonly hash: Buffer } | { readonly id: string };

/** What is in the database of a credential, whether it counts or not. */
export interface FoundCredential extends Identity {
  readonly usedAtMs: number | null;
}

/** A credential and its principal, as of one snapshot and its position, whether they count or not. */
export async function findCredential(db: Pool, key: CredentialKey): Promise<FoundCredential | undefined> {
  const [condition, values] =
    'id' in key ? ['c.id = $1', [key.id]] : ['c.hash = $1 AND c.type = $2', [key.hash, key.type]];
  const { rows } = await db.query<
    { principal: Principal; credential: Credential; usedAtMs: number | null } & LogPosition
  >(
    `SELECT authz.principal_state(p) AS principal, authz.credential_state(c) AS credential,
            (extract(epoch FROM u.used_at) * 1000)::float8 AS "usedAtMs", position.epoch, position.sequence
     FROM outbox.position() AS position
     JOIN authz.credentials c ON ${condition}
     JOIN authz.principals p ON p.id = c.principal
     LEFT JOIN authz.credential_uses u ON u.credential = c.id`,
    values,
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { principal, credential, epoch, sequence, usedAtMs } = row;
  return { principal, credential, position: { epoch, sequence }, usedAtMs };
}

/** Why a credential does not count at `nowMs`; undefined when it does. For the log, never for whoever tries it. */
export function refusalOf(
  { principal, credential }: Pick<Identity, 'principal' | 'credential'>,
  nowMs: number,
): 'removed' | 'ended' | 'expired' | undefined {
  if (principal.removed) return 'removed';
  const { endedAt, expiresAt } = credential;
  const isOver = expiresAt !== null && Date.parse(expiresAt) <= nowMs;
  // What expired is ended by the sweep a moment later.
  if (endedAt !== null && !(isOver && endedAt >= expiresAt)) return 'ended';
  return isOver ? 'expired' : undefined;
}

/**
 * Who holds the credential with this hash, as of one snapshot and its position. Undefined for one that is unknown, has
 * expired at `nowMs` or was ended, and for one whose principal was removed: callers cannot tell which.
 */
export async function findIdentity(
  db: Pool,
  type: CredentialType,
  hash: Buffer,
  nowMs: number,
): Promise<Identity | undefined> {
  const found = await findCredential(db, { type, hash });
  if (found === undefined || refusalOf(found, nowMs) !== undefined) return undefined;
  const { principal, credential, position } = found;
  return { principal, credential, position };
}

/** Writes down that a credential is used, unless that was done less than `stepMs` ago: false then. */
export async function recordUse(
  db: Pool | PoolClient,
  id: string,
  nowMs: number,
  stepMs: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `INSERT INTO authz.credential_uses AS u (credential, used_at) VALUES ($1, to_timestamp($2::float8 / 1000))
     ON CONFLICT (credential) DO UPDATE SET used_at = EXCLUDED.used_at
       WHERE u.used_at <= to_timestamp(($2::float8 - $3::float8) / 1000)`,
    [id, nowMs, stepMs],
  );
  return rowCount === 1;
}

export async function insertToken(client: PoolClient, token: NewToken): Promise<TokenEntry> {
  const { rows } = await client.query<{ entry: TokenEntry }>(
    `INSERT INTO authz.credentials AS c (type, principal, name, prefix, hash, scopes, expires_at)
     VALUES ('token', $1, $2, $3, $4, $5, to_timestamp($6::float8 / 1000))
     RETURNING ${TOKEN_ENTRY} AS entry`,
    [
      token.principal,
      token.name,
      token.secret.prefix,
      token.secret.hash,
      token.scopes === null ? null : JSON.stringify(token.scopes),
      token.expiresAtMs,
    ],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the database returned no row for an insert');
  return row.entry;
}

/** The tokens of one principal or of all, newest first, those that ended included. */
export async function listTokens(
  db: Pool,
  principal: string | undefined,
  page: PageRequest,
): Promise<Page<TokenEntry>> {
  const { rows } = await db.query<{ entry: TokenEntry; total: number }>(
    `SELECT ${TOKEN_ENTRY} AS entry, count(*) OVER () AS total
     FROM authz.credentials c WHERE c.type = 'token' AND ($1::text IS NULL OR c.principal = $1)
     ORDER BY c.created_at DESC, c.id LIMIT $2 OFFSET $3`,
    [principal ?? null, page.limit, page.offset],
  );
  return { results: rows.map((row) => row.entry), total: rows[0]?.total ?? 0 };
}

/** How many tokens of a principal are in force. */
export async function countTokens(client: PoolClient, principal: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*) AS count FROM authz.credentials
     WHERE principal = $1 AND type = 'token' AND ended_at IS NULL`,
    [principal],
  );
  return rows[0]?.count ?? 0;
}

/** Which credential: of one principal, or of anybody. */
export interface HeldCredential {
  readonly type: CredentialType;
  readonly id: string;
  readonly principal: string | undefined;
}

/** Ends a credential. Whose it is, one that has ended already too; undefined when there is none. */
export async function endCredential(
  client: PoolClient,
  { type, id, principal }: HeldCredential,
): Promise<string | undefined> {
  const { rows } = await client.query<{ principal: string }>(
    `SELECT principal FROM authz.credentials
     WHERE id = $1 AND type = $2 AND ($3::text IS NULL OR principal = $3) FOR NO KEY UPDATE`,
    [id, type, principal ?? null],
  );
  const [found] = rows;
  if (found === undefined) return undefined;
  await client.query(
    'UPDATE authz.credentials SET ended_at = clock_timestamp() WHERE id = $1 AND ended_at IS NULL',
    [id],
  );
  return found.principal;
}

/**
 * Ends up to `limit` credentials whose time is over at `nowMs` and returns how many. Replicas that do so at the same
 * time take different ones.
 */
export async function endExpired(db: Pool, nowMs: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `UPDATE authz.credentials SET ended_at = to_timestamp($1::float8 / 1000) WHERE id IN (
       SELECT id FROM authz.credentials
       WHERE ended_at IS NULL AND expires_at <= to_timestamp($1::float8 / 1000)
       ORDER BY expires_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)`,
    [nowMs, limit],
  );
  return rowCount ?? 0;
}
