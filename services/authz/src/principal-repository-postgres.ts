import type { GroupMembership, LogPosition, Principal } from '@tidewire/contract';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import type { Page, PageRequest } from './page.ts';

export interface PrincipalChange {
  readonly name?: string | undefined;
  readonly organisations?: readonly string[] | undefined;
  readonly activeOrganisation?: string | null | undefined;
  readonly groups?: readonly GroupMembership[] | undefined;
}

interface StateRow {
  readonly state: Principal;
}

/** A principal that is not removed. */
export async function findPrincipal(db: Pool | PoolClient, id: string): Promise<Principal | undefined> {
  const { rows } = await db.query<StateRow>(
    'SELECT authz.principal_state(p) AS state FROM authz.principals p WHERE p.id = $1 AND NOT p.removed',
    [id],
  );
  return rows[0]?.state;
}

/** The same with the place in the log that the answer includes: both of one snapshot. */
export async function findPrincipalAt(
  db: Pool,
  id: string,
): Promise<{ readonly principal: Principal; readonly position: LogPosition } | undefined> {
  const { rows } = await db.query<{ principal: Principal } & LogPosition>(
    `SELECT authz.principal_state(p) AS principal, position.epoch, position.sequence
     FROM outbox.position() AS position JOIN authz.principals p ON p.id = $1 AND NOT p.removed`,
    [id],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return { principal: row.principal, position: { epoch: row.epoch, sequence: row.sequence } };
}

/** As {@link findPrincipal}, and nobody else changes it until the transaction ends. */
export async function lockPrincipal(client: PoolClient, id: string): Promise<Principal | undefined> {
  // First the lock, then the read in a statement of its own: its snapshot has what the lock was waited for.
  await client.query('SELECT FROM authz.principals WHERE id = $1 FOR NO KEY UPDATE', [id]);
  return findPrincipal(client, id);
}

export async function listPrincipals(db: Pool, { limit, offset }: PageRequest): Promise<Page<Principal>> {
  const { rows } = await db.query<{ results: Principal[]; total: number }>(
    `SELECT (SELECT count(*) FROM authz.principals WHERE NOT removed) AS total,
            coalesce(jsonb_agg(authz.principal_state(p) ORDER BY p.id), '[]') AS results
     FROM authz.principals p
     JOIN (SELECT id FROM authz.principals WHERE NOT removed ORDER BY id LIMIT $1 OFFSET $2) wanted USING (id)`,
    [limit, offset],
  );
  return { results: rows[0]?.results ?? [], total: rows[0]?.total ?? 0 };
}

export async function insertPrincipal(
  client: PoolClient,
  principal: { readonly id: string; readonly name: string; readonly admin: boolean },
): Promise<void> {
  await client.query('INSERT INTO authz.principals (id, name, admin) VALUES ($1, $2, $3)', [
    principal.id,
    principal.name,
    principal.admin,
  ]);
}

/** Gives the power over everything. Only a local command does: no request and no credential can. */
export async function grantAdmin(client: PoolClient, id: string): Promise<void> {
  await client.query('UPDATE authz.principals SET admin = true WHERE id = $1', [id]);
}

/** Applies what is given. Lists replace; leaving an organisation leaves its groups, and it is no longer active. */
export async function changePrincipal(
  client: PoolClient,
  id: string,
  change: PrincipalChange,
): Promise<void> {
  if (change.name !== undefined) {
    await client.query('UPDATE authz.principals SET name = $2 WHERE id = $1', [id, change.name]);
  }
  if (change.organisations !== undefined) await replaceOrganisations(client, id, change.organisations);
  if (change.groups !== undefined) await replaceGroups(client, id, change.groups);
  if (change.activeOrganisation !== undefined) {
    await client.query('UPDATE authz.principals SET active_organisation = $2 WHERE id = $1', [
      id,
      change.activeOrganisation,
    ]);
  }
}

async function replaceOrganisations(
  client: PoolClient,
  id: string,
  organisations: readonly string[],
): Promise<void> {
  await client.query(
    'DELETE FROM authz.organisation_members WHERE principal = $1 AND organisation <> ALL ($2::uuid[])',
    [id, organisations],
  );
  await client.query(
    `INSERT INTO authz.organisation_members (principal, organisation)
     SELECT $1, wanted FROM unnest($2::uuid[]) AS wanted ON CONFLICT DO NOTHING`,
    [id, organisations],
  );
}

async function replaceGroups(
  client: PoolClient,
  id: string,
  groups: readonly GroupMembership[],
): Promise<void> {
  const wanted = [groups.map((group) => group.organisation), groups.map((group) => group.group)];
  await client.query(
    `DELETE FROM authz.group_members g WHERE g.principal = $1 AND NOT EXISTS (
       SELECT FROM unnest($2::uuid[], $3::text[]) AS w (organisation, name)
       WHERE w.organisation = g.organisation AND w.name = g.name)`,
    [id, ...wanted],
  );
  await client.query(
    `INSERT INTO authz.group_members (principal, organisation, name)
     SELECT $1, w.organisation, w.name FROM unnest($2::uuid[], $3::text[]) AS w (organisation, name)
     ON CONFLICT DO NOTHING`,
    [id, ...wanted],
  );
}

/** Removes a principal with its memberships and credentials. False when there is none. */
export async function removePrincipal(client: PoolClient, id: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'UPDATE authz.principals SET removed = true WHERE id = $1 AND NOT removed',
    [id],
  );
  return rowCount === 1;
}

/** Whether an administrator other than this one is left. Locks those rows, so that two cannot remove each other. */
export async function hasOtherAdmin(client: PoolClient, id: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT FROM authz.principals WHERE admin AND NOT removed AND id <> $1 ORDER BY id FOR NO KEY UPDATE',
    [id],
  );
  return (rowCount ?? 0) > 0;
}
