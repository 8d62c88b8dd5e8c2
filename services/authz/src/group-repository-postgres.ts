import type { Pool, PoolClient } from '@tidewire/service-kit';
import type { Page, PageRequest } from './page.ts';

/** A group of an organisation and who is in it. */
export interface Group {
  readonly organisation: string;
  readonly group: string;
  readonly members: string[];
}

/** The groups of an organisation that have members: a group is its members. */
export async function listGroups(db: Pool, organisation: string, page: PageRequest): Promise<Page<Group>> {
  const { rows } = await db.query<{ name: string; members: string[]; total: number }>(
    `SELECT name, array_agg(principal ORDER BY principal) AS members, count(*) OVER () AS total
     FROM authz.group_members WHERE organisation = $1
     GROUP BY name ORDER BY name COLLATE "C" LIMIT $2 OFFSET $3`,
    [organisation, page.limit, page.offset],
  );
  const results = rows.map(({ name, members }) => ({ organisation, group: name, members }));
  return { results, total: rows[0]?.total ?? 0 };
}

/** Adds a member of the organisation to one of its groups. Once is enough. */
export async function addGroupMember(
  client: PoolClient,
  group: Omit<Group, 'members'>,
  member: string,
): Promise<void> {
  await client.query(
    'INSERT INTO authz.group_members (principal, organisation, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
    [member, group.organisation, group.group],
  );
  // Given here from now on, and not taken back by an issuer that gave it before.
  await client.query(
    'DELETE FROM authz.issued_groups WHERE principal = $1 AND organisation = $2 AND name = $3',
    [member, group.organisation, group.group],
  );
}

/** False when the principal was not in the group. */
export async function removeGroupMember(
  client: PoolClient,
  group: Omit<Group, 'members'>,
  member: string,
): Promise<boolean> {
  const { rowCount } = await client.query(
    'DELETE FROM authz.group_members WHERE principal = $1 AND organisation = $2 AND name = $3',
    [member, group.organisation, group.group],
  );
  return rowCount === 1;
}
