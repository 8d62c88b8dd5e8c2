import type { PoolClient } from '@tidewire/service-kit';
import type { Placement } from './claim-mapping.ts';

/** Which principal a subject is here. */
export interface SubjectIdentity {
  readonly principal: string;
  readonly provisioned: boolean;
  /** `iat` of the token whose placement is in force, milliseconds since 1970. */
  readonly appliedAtMs: number | null;
}

export interface NewSubject {
  readonly issuer: string;
  readonly subject: string;
  readonly principal: string;
  readonly provisioned: boolean;
}

/** Tokens of one subject that come for the first time wait for each other, on every replica. */
export async function lockSubject(client: PoolClient, issuer: string, subject: string): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${issuer} ${subject}`]);
}

/** Nobody else changes it until the transaction ends. */
export async function lockIdentity(
  client: PoolClient,
  issuer: string,
  subject: string,
): Promise<SubjectIdentity | undefined> {
  const { rows } = await client.query<{ principal: string; provisioned: boolean; applied: number | null }>(
    `SELECT principal, provisioned, (extract(epoch FROM applied_at) * 1000)::bigint AS applied
     FROM authz.identities WHERE issuer = $1 AND subject = $2 FOR NO KEY UPDATE`,
    [issuer, subject],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return { principal: row.principal, provisioned: row.provisioned, appliedAtMs: row.applied };
}

/** The subject that a principal is for an issuer. */
export async function findSubject(
  client: PoolClient,
  issuer: string,
  principal: string,
): Promise<string | undefined> {
  const { rows } = await client.query<{ subject: string }>(
    'SELECT subject FROM authz.identities WHERE issuer = $1 AND principal = $2',
    [issuer, principal],
  );
  return rows[0]?.subject;
}

/** Whether a principal has or had this id. */
export async function isPrincipalId(client: PoolClient, id: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM authz.principals WHERE id = $1', [id]);
  return rowCount === 1;
}

export async function insertIdentity(client: PoolClient, identity: NewSubject): Promise<void> {
  await client.query(
    'INSERT INTO authz.identities (issuer, subject, principal, provisioned) VALUES ($1, $2, $3, $4)',
    [identity.issuer, identity.subject, identity.principal, identity.provisioned],
  );
}

/** With what the issuer gave the principal, and its tokens end. False when it was not linked. */
export async function deleteIdentity(
  client: PoolClient,
  issuer: string,
  principal: string,
): Promise<boolean> {
  const { rowCount } = await client.query(
    'DELETE FROM authz.identities WHERE issuer = $1 AND principal = $2',
    [issuer, principal],
  );
  return rowCount === 1;
}

/**
 * Makes the memberships that an issuer gives a principal those of a placement. First what is over is taken, so that the
 * log never tells of more than was or will be. What was given here stays; nothing is written where nothing differs.
 */
export async function applyPlacement(
  client: PoolClient,
  { issuer, principal }: { readonly issuer: string; readonly principal: string },
  { organisations, groups }: Placement,
): Promise<void> {
  await client.query('SELECT authz.withdraw_issued($1, $2, $3, $4)', [
    issuer,
    principal,
    organisations,
    JSON.stringify(groups),
  ]);
  await client.query(
    `WITH wanted AS (
       SELECT o.id FROM authz.organisations o WHERE o.id = ANY ($3::uuid[]) AND NOT o.removed
     ), added AS (
       INSERT INTO authz.organisation_members (principal, organisation) SELECT $2, id FROM wanted
       ON CONFLICT DO NOTHING RETURNING organisation
     )
     INSERT INTO authz.issued_organisations (issuer, principal, organisation)
     SELECT $1, $2, id FROM wanted
     WHERE id IN (SELECT organisation FROM added) OR id IN (
       SELECT organisation FROM authz.issued_organisations WHERE principal = $2)
     ON CONFLICT DO NOTHING`,
    [issuer, principal, organisations],
  );
  await client.query(
    `WITH wanted AS (
       SELECT w.organisation, w.name FROM unnest($3::uuid[], $4::text[]) AS w (organisation, name)
       JOIN authz.organisation_members m ON m.organisation = w.organisation AND m.principal = $2
     ), added AS (
       INSERT INTO authz.group_members (principal, organisation, name) SELECT $2, organisation, name FROM wanted
       ON CONFLICT DO NOTHING RETURNING organisation, name
     )
     INSERT INTO authz.issued_groups (issuer, principal, organisation, name)
     SELECT $1, $2, organisation, name FROM wanted
     WHERE (organisation, name) IN (SELECT organisation, name FROM added) OR (organisation, name) IN (
       SELECT organisation, name FROM authz.issued_groups WHERE principal = $2)
     ON CONFLICT DO NOTHING`,
    [issuer, principal, groups.map((group) => group.organisation), groups.map((group) => group.group)],
  );
  // Who has no organisation yet sees the rows of the first one at once.
  await client.query(
    `UPDATE authz.principals SET active_organisation = (
       SELECT m.organisation FROM authz.organisation_members m
       WHERE m.principal = $1 AND m.organisation = ANY ($2::uuid[])
       ORDER BY array_position($2::uuid[], m.organisation) LIMIT 1)
     WHERE id = $1 AND active_organisation IS NULL`,
    [principal, organisations],
  );
}

/** Remembers which token's placement is in force. */
export async function markApplied(
  client: PoolClient,
  { issuer, principal }: { readonly issuer: string; readonly principal: string },
  issuedAtMs: number,
): Promise<void> {
  await client.query(
    `UPDATE authz.identities SET applied_at = to_timestamp($3::float8 / 1000)
     WHERE issuer = $1 AND principal = $2`,
    [issuer, principal, issuedAtMs],
  );
}
