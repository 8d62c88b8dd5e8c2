import type { Issuer, IssuerIdentity, NewIssuer } from '@tidewire/contract';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import type { Page, PageRequest } from '../page.ts';

/** What of an issuer can be changed. */
export type IssuerSettings = Omit<NewIssuer, 'slug' | 'issuer'>;

interface StateRow {
  readonly state: Issuer;
}

const STATE = 'SELECT authz.issuer_state(i) AS state FROM authz.issuers i WHERE NOT i.removed';

/** An issuer that is trusted. */
export async function findIssuer(db: Pool | PoolClient, id: string): Promise<Issuer | undefined> {
  const { rows } = await db.query<StateRow>(`${STATE} AND i.id = $1`, [id]);
  return rows[0]?.state;
}

/** The one whose tokens say this of where they come from. What plain SQL wrote may not have the form of the contract. */
export async function findIssuerByUrl(db: Pool, issuer: string): Promise<unknown> {
  const { rows } = await db.query<StateRow>(`${STATE} AND i.issuer = $1`, [issuer]);
  return rows[0]?.state;
}

/** The same by id, and nobody else changes it or links its subjects until the transaction ends. */
export async function lockIssuer(client: PoolClient, id: string): Promise<Issuer | undefined> {
  await client.query('SELECT FROM authz.issuers WHERE id = $1 FOR NO KEY UPDATE', [id]);
  return findIssuer(client, id);
}

/** Keeps an issuer as it is until the transaction ends; false when it is not of this version any more. */
export async function holdIssuer(client: PoolClient, id: string, version: number): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT FROM authz.issuers WHERE id = $1 AND version = $2 AND NOT removed FOR SHARE',
    [id, version],
  );
  return rowCount === 1;
}

export async function listIssuers(db: Pool, { limit, offset }: PageRequest): Promise<Page<Issuer>> {
  const { rows } = await db.query<{ results: Issuer[]; total: number }>(
    `SELECT (SELECT count(*) FROM authz.issuers WHERE NOT removed) AS total,
            coalesce(jsonb_agg(authz.issuer_state(i) ORDER BY i.slug COLLATE "C"), '[]') AS results
     FROM authz.issuers i
     JOIN (SELECT id FROM authz.issuers WHERE NOT removed ORDER BY slug COLLATE "C" LIMIT $1 OFFSET $2) wanted
       USING (id)`,
    [limit, offset],
  );
  return { results: rows[0]?.results ?? [], total: rows[0]?.total ?? 0 };
}

/** How many issuers are trusted. */
export async function countIssuers(client: PoolClient): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    'SELECT count(*) AS count FROM authz.issuers WHERE NOT removed',
  );
  return rows[0]?.count ?? 0;
}

/** Gives its id. */
export async function insertIssuer(client: PoolClient, issuer: NewIssuer): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO authz.issuers (slug, issuer, audiences, organisations, jwks_uri, algorithms, clock_skew_ms,
       max_token_age_ms, claims, provisioning)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
    [issuer.slug, issuer.issuer, ...settingsOf(issuer)],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the database returned no row for an insert');
  return row.id;
}

/** Writes all settings. Its tokens end, and what it cannot give any more is taken back, when anything is different. */
export async function replaceIssuer(client: PoolClient, id: string, settings: IssuerSettings): Promise<void> {
  await client.query(
    `UPDATE authz.issuers SET audiences = $2, organisations = $3, jwks_uri = $4, algorithms = $5, clock_skew_ms = $6,
       max_token_age_ms = $7, claims = $8, provisioning = $9
     WHERE id = $1`,
    [id, ...settingsOf(settings)],
  );
}

function settingsOf(issuer: IssuerSettings): unknown[] {
  return [
    issuer.audiences,
    issuer.organisations,
    issuer.jwksUri,
    issuer.algorithms,
    issuer.clockSkewMs,
    issuer.maxTokenAgeMs,
    JSON.stringify(issuer.claims),
    issuer.provisioning,
  ];
}

/** False when there is no such issuer. */
export async function removeIssuer(client: PoolClient, id: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'UPDATE authz.issuers SET removed = true WHERE id = $1 AND NOT removed',
    [id],
  );
  return rowCount === 1;
}

/** Which of these organisations there are; they stay until the transaction ends. */
export async function holdOrganisations(
  client: PoolClient,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ id: string }>(
    'SELECT id FROM authz.organisations WHERE id = ANY ($1::uuid[]) AND NOT removed ORDER BY id FOR SHARE',
    [ids],
  );
  return new Set(rows.map((row) => row.id));
}

/** The subjects of an issuer, in the order of their principals. */
export async function listIdentities(
  db: Pool,
  issuer: string,
  { limit, offset }: PageRequest,
): Promise<Page<IssuerIdentity>> {
  const { rows } = await db.query<{ results: IssuerIdentity[]; total: number }>(
    `SELECT (SELECT count(*) FROM authz.identities WHERE issuer = $1) AS total,
            coalesce((SELECT jsonb_agg(entry) FROM (
              SELECT principal, subject, provisioned, authz.wire_time(created_at) AS "createdAt"
              FROM authz.identities WHERE issuer = $1 ORDER BY principal LIMIT $2 OFFSET $3) AS entry), '[]') AS results`,
    [issuer, limit, offset],
  );
  return { results: rows[0]?.results ?? [], total: rows[0]?.total ?? 0 };
}
