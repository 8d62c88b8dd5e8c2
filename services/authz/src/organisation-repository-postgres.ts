import type { Organisation } from '@tidewire/contract';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import type { Page, PageRequest } from './page.ts';

export interface NewOrganisation {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly parent: string | null;
}

export interface OrganisationChange {
  readonly name?: string | undefined;
  readonly parent?: string | null | undefined;
}

/** The organisations that a principal may know: those it is a member of, and their ancestors. */
const VISIBLE = `
  WITH RECURSIVE visible (id, parent, distance) AS (
    SELECT o.id, o.parent, 0 FROM authz.organisations o
    JOIN authz.organisation_members m ON m.organisation = o.id WHERE m.principal = $1 AND NOT o.removed
    UNION
    SELECT o.id, o.parent, visible.distance + 1 FROM visible JOIN authz.organisations o ON o.id = visible.parent
    WHERE NOT o.removed AND visible.distance < 10
  )`;

/** An organisation that is not removed. */
export async function findOrganisation(db: Pool | PoolClient, id: string): Promise<Organisation | undefined> {
  const { rows } = await db.query<{ state: Organisation }>(
    'SELECT authz.organisation_state(o) AS state FROM authz.organisations o WHERE o.id = $1 AND NOT o.removed',
    [id],
  );
  return rows[0]?.state;
}

/** The same, if the principal is a member of it or of one below it. */
export async function findVisibleOrganisation(
  db: Pool | PoolClient,
  principal: string,
  id: string,
): Promise<Organisation | undefined> {
  const { rows } = await db.query<{ state: Organisation }>(
    `${VISIBLE} SELECT authz.organisation_state(o) AS state FROM authz.organisations o
     WHERE o.id = $2 AND o.id IN (SELECT id FROM visible)`,
    [principal, id],
  );
  return rows[0]?.state;
}

/** All organisations, in the order of their slugs. */
export async function listOrganisations(db: Pool, page: PageRequest): Promise<Page<Organisation>> {
  return listWhere(db, { prelude: '', condition: 'NOT removed', values: [] }, page);
}

/** Those that a principal is a member of, and their ancestors. */
export async function listVisibleOrganisations(
  db: Pool,
  principal: string,
  page: PageRequest,
): Promise<Page<Organisation>> {
  const selection = { prelude: VISIBLE, condition: 'id IN (SELECT id FROM visible)', values: [principal] };
  return listWhere(db, selection, page);
}

interface Selection {
  readonly prelude: string;
  readonly condition: string;
  readonly values: readonly string[];
}

async function listWhere(db: Pool, selection: Selection, page: PageRequest): Promise<Page<Organisation>> {
  const { prelude, condition, values } = selection;
  const [limit, offset] = [`$${values.length + 1}`, `$${values.length + 2}`];
  const { rows } = await db.query<{ results: Organisation[]; total: number }>(
    `${prelude}
     SELECT (SELECT count(*) FROM authz.organisations WHERE ${condition}) AS total,
            coalesce(jsonb_agg(authz.organisation_state(o) ORDER BY o.slug COLLATE "C"), '[]') AS results
     FROM authz.organisations o
     JOIN (SELECT id FROM authz.organisations WHERE ${condition}
           ORDER BY slug COLLATE "C" LIMIT ${limit} OFFSET ${offset}) wanted USING (id)`,
    [...values, page.limit, page.offset],
  );
  return { results: rows[0]?.results ?? [], total: rows[0]?.total ?? 0 };
}

export async function insertOrganisation(client: PoolClient, organisation: NewOrganisation): Promise<void> {
  const { id, slug, name, parent } = organisation;
  await client.query('INSERT INTO authz.organisations (id, slug, name, parent) VALUES ($1, $2, $3, $4)', [
    id,
    slug,
    name,
    parent,
  ]);
}

/** Applies what is given. False when there is no such organisation. */
export async function changeOrganisation(
  client: PoolClient,
  id: string,
  change: OrganisationChange,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE authz.organisations
     SET name = coalesce($2, name), parent = CASE WHEN $3 THEN $4::uuid ELSE parent END
     WHERE id = $1 AND NOT removed`,
    [id, change.name ?? null, change.parent !== undefined, change.parent ?? null],
  );
  return rowCount === 1;
}
