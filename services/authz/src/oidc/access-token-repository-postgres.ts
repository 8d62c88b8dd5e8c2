import type { AccessTokenEntry, Credential, LogPosition, Principal } from '@tidewire/contract';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import type { Identity } from '../credential-repository-postgres.ts';
import type { Page, PageRequest } from '../page.ts';

/** An access token that was seen before: who holds it, or that it does not count any more. */
export type KnownAccessToken =
  { readonly live: true; readonly identity: Identity } | { readonly live: false };

export interface NewAccessToken {
  readonly principal: string;
  readonly issuer: { readonly id: string; readonly slug: string };
  /** SHA-256 of its text. */
  readonly hash: Buffer;
  /** SHA-256 of what its signature is over. */
  readonly signed: Buffer;
  readonly expiresAtMs: number;
  readonly forgettableAtMs: number;
}

type IdentityRow = { live: boolean; principal: Principal; credential: Credential } & LogPosition;

/** Looks a token up by the hash of its text, or by the id of its credential, as of one snapshot and its position. */
export async function findAccessToken(
  db: Pool,
  by: { readonly hash: Buffer } | { readonly id: string },
  nowMs: number,
): Promise<KnownAccessToken | undefined> {
  const [column, value] = 'hash' in by ? ['hash', by.hash] : ['id', by.id];
  const { rows } = await db.query<IdentityRow>(
    `SELECT authz.principal_state(p) AS principal, authz.credential_state(c) AS credential,
            position.epoch, position.sequence,
            c.ended_at IS NULL AND c.expires_at > to_timestamp($2::float8 / 1000)
              AND NOT p.removed AND NOT p.admin AS live
     FROM outbox.position() AS position
     JOIN authz.credentials c ON c.${column} = $1 AND c.type = 'access-token'
     JOIN authz.principals p ON p.id = c.principal`,
    [value, nowMs],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { live, principal, credential, epoch, sequence } = row;
  return live ? { live, identity: { principal, credential, position: { epoch, sequence } } } : { live };
}

/** The credential of a token that has come before, perhaps with another signature. */
export async function findSignedToken(client: PoolClient, signed: Buffer): Promise<string | undefined> {
  const { rows } = await client.query<{ credential: string }>(
    'SELECT credential FROM authz.access_tokens WHERE signed = $1',
    [signed],
  );
  return rows[0]?.credential;
}

/** Makes the credential of a token; gives its id. */
export async function insertAccessToken(client: PoolClient, token: NewAccessToken): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO authz.credentials (type, principal, name, prefix, hash, expires_at)
     VALUES ('access-token', $1, $2, '', $3, to_timestamp($4::float8 / 1000)) RETURNING id`,
    [token.principal, token.issuer.slug, token.hash, token.expiresAtMs],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the database returned no row for an insert');
  await client.query(
    `INSERT INTO authz.access_tokens (credential, issuer, signed, forgettable_at)
     VALUES ($1, $2, $3, to_timestamp($4::float8 / 1000))`,
    [row.id, token.issuer.id, token.signed, token.forgettableAtMs],
  );
  return row.id;
}

/** How many access tokens of a principal are in force. */
export async function countAccessTokens(client: PoolClient, principal: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*) AS count FROM authz.credentials
     WHERE principal = $1 AND type = 'access-token' AND ended_at IS NULL`,
    [principal],
  );
  return rows[0]?.count ?? 0;
}

/** Those of one principal or of all, newest first, those that ended included. */
export async function listAccessTokens(
  db: Pool,
  principal: string | undefined,
  page: PageRequest,
): Promise<Page<AccessTokenEntry>> {
  const { rows } = await db.query<{ results: AccessTokenEntry[]; total: number }>(
    `WITH wanted AS (
       SELECT c.id, c.principal, t.issuer, c.created_at, c.expires_at, c.ended_at
       FROM authz.credentials c JOIN authz.access_tokens t ON t.credential = c.id
       WHERE $1::text IS NULL OR c.principal = $1)
     SELECT (SELECT count(*) FROM wanted) AS total,
            coalesce((SELECT jsonb_agg(entry) FROM (
              SELECT id, principal, issuer, authz.wire_time(created_at) AS "createdAt",
                     authz.wire_time(expires_at) AS "expiresAt", authz.wire_time(ended_at) AS "endedAt"
              FROM wanted ORDER BY created_at DESC, id LIMIT $2 OFFSET $3) AS entry), '[]') AS results`,
    [principal ?? null, page.limit, page.offset],
  );
  return { results: rows[0]?.results ?? [], total: rows[0]?.total ?? 0 };
}

/**
 * Forgets up to `limit` tokens that ended more than a day ago and would be refused anyway; returns how many. Which those
 * are is the database's to say, and this is all that it lets the service delete.
 */
export async function forgetAccessTokens(db: Pool, nowMs: number, limit: number): Promise<number> {
  const { rows } = await db.query<{ forgotten: number }>(
    'SELECT authz.forget_access_tokens(to_timestamp($1::float8 / 1000), $2) AS forgotten',
    [nowMs, limit],
  );
  return rows[0]?.forgotten ?? 0;
}
