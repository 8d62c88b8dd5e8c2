import type { PreviewProfile } from '@tidewire/contract';
import type { Pool } from '@tidewire/service-kit';

export interface Profiles {
  readonly profiles: readonly PreviewProfile[];
  /** Whether there are more principals than these. */
  readonly truncated: boolean;
}

/** Text of all profiles: a message of the bus holds 2 MiB. */
const MAX_CHARACTERS = 1_000_000;

/**
 * Up to `limit` principals that are no administrators, those with the same rights together: what an organisation, its
 * ancestors and groups give does not depend on who has them.
 */
export async function readProfiles(db: Pool, limit: number): Promise<Profiles> {
  const { rows } = await db.query<PreviewProfile & { more: boolean }>(
    `WITH wanted AS (
       SELECT p.id, p.active_organisation FROM authz.principals p WHERE NOT p.removed AND NOT p.admin
       ORDER BY p.id LIMIT $1 + 1
     ), held AS (
       SELECT w.id, w.active_organisation, coalesce((
         SELECT jsonb_agg(jsonb_build_object('organisation', g.organisation, 'group', g.name)
                          ORDER BY g.organisation, g.name)
         FROM authz.group_members g WHERE g.principal = w.id), '[]') AS groups
       FROM (SELECT * FROM wanted ORDER BY id LIMIT $1) w
     )
     SELECT active_organisation AS "activeOrganisation", groups, jsonb_agg(id ORDER BY id) AS principals,
       (SELECT count(*) FROM wanted) > $1 AS more
     FROM held GROUP BY active_organisation, groups ORDER BY count(*) DESC, min(id)`,
    [limit],
  );
  const profiles: PreviewProfile[] = [];
  let characters = 0;
  for (const { activeOrganisation, groups, principals } of rows) {
    const profile = { activeOrganisation, groups, principals };
    characters += JSON.stringify(profile).length;
    if (characters > MAX_CHARACTERS) return { profiles, truncated: true };
    profiles.push(profile);
  }
  return { profiles, truncated: rows[0]?.more === true };
}
