import { TidewireError } from '@tidewire/contract';
import type { Policy } from '@tidewire/contract';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import type { Page, PageRequest } from './page.ts';

/** A policy as it is written; its version is the database's. */
export type NewPolicy = Omit<Policy, 'kind' | 'version'>;

/** Identifies a policy: by what it governs. */
export type PolicyTarget = Pick<Policy, 'target' | 'id'>;

/** A policy that is not removed. */
export async function findPolicy(db: Pool, { target, id }: PolicyTarget): Promise<Policy | undefined> {
  const { rows } = await db.query<{ state: Policy }>(
    `SELECT authz.policy_state(p) AS state FROM authz.policies p
     WHERE p.id = $1 AND p.target = $2 AND NOT p.removed`,
    [id, target],
  );
  return rows[0]?.state;
}

/** Whether something has, or had, a policy: what can be replaced. */
export async function hasPolicy(db: Pool, { target, id }: PolicyTarget): Promise<boolean> {
  const { rowCount } = await db.query('SELECT FROM authz.policies WHERE id = $1 AND target = $2', [
    id,
    target,
  ]);
  return rowCount === 1;
}

/** Policies that are not removed, of one kind of target or of both. */
export async function listPolicies(
  db: Pool,
  target: Policy['target'] | undefined,
  page: PageRequest,
): Promise<Page<Policy>> {
  const { rows } = await db.query<{ results: Policy[]; total: number }>(
    `WITH wanted AS (SELECT id FROM authz.policies WHERE NOT removed AND ($1::text IS NULL OR target = $1))
     SELECT (SELECT count(*) FROM wanted) AS total,
            coalesce(jsonb_agg(authz.policy_state(p) ORDER BY p.id), '[]') AS results
     FROM authz.policies p JOIN (SELECT id FROM wanted ORDER BY id LIMIT $2 OFFSET $3) listed USING (id)`,
    [target ?? null, page.limit, page.offset],
  );
  return { results: rows[0]?.results ?? [], total: rows[0]?.total ?? 0 };
}

/**
 * Writes the policy of a register or schema, a removed one included, and returns it as it is now. The same content
 * again changes nothing, so a caller that got no answer may repeat its request.
 *
 * @throws TidewireError CONFLICT when the id is known as the other kind of target.
 */
export async function putPolicy(client: PoolClient, policy: NewPolicy): Promise<Policy> {
  const { rows } = await client.query<{ state: Policy }>(
    `INSERT INTO authz.policies AS p (id, target, authorization_rules, property_rules, roles, removed)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (id) DO UPDATE SET authorization_rules = excluded.authorization_rules,
       property_rules = excluded.property_rules, roles = excluded.roles, removed = excluded.removed
     WHERE p.target = excluded.target
     RETURNING authz.policy_state(p) AS state`,
    [
      policy.id,
      policy.target,
      policy.authorization === null ? null : JSON.stringify(policy.authorization),
      JSON.stringify(policy.properties),
      JSON.stringify(policy.roles),
      policy.removed,
    ],
  );
  const [row] = rows;
  if (row === undefined) throw new TidewireError('CONFLICT', 'The id belongs to another kind of target.');
  return row.state;
}

/**
 * Replaces the policy of a register or schema that exists: each has one from the moment it is made, and keeps it as a
 * tombstone. Undefined when there is none for this id and kind of target.
 */
export async function replacePolicy(client: PoolClient, policy: NewPolicy): Promise<Policy | undefined> {
  const { rowCount } = await client.query(
    'SELECT FROM authz.policies WHERE id = $1 AND target = $2 FOR UPDATE',
    [policy.id, policy.target],
  );
  return rowCount === 0 ? undefined : await putPolicy(client, policy);
}

/** Leaves a tombstone that keeps the rules: deletes of what was governed are still judged by them. */
export async function removePolicy(client: PoolClient, { target, id }: PolicyTarget): Promise<boolean> {
  const { rowCount } = await client.query(
    'UPDATE authz.policies SET removed = true WHERE id = $1 AND target = $2 AND NOT removed',
    [id, target],
  );
  return rowCount === 1;
}
