import type { LogPosition, RightsState } from '@tidewire/contract';
import type { Pool } from '@tidewire/service-kit';

/** Where a page begins: after this one. Organisations come before policies. */
export interface StateKey {
  readonly kind: 'organisation' | 'policy';
  readonly id: string;
}

export interface StatePage {
  readonly position: LogPosition;
  readonly items: RightsState[];
  /** The last item of this page when others follow. */
  readonly next: StateKey | undefined;
}

/** Bounds of a page: the bus carries 1 MiB on a default server, and an answer is more than its items. */
export interface PageBounds {
  readonly maxItems: number;
  readonly maxBytes: number;
}

/**
 * One page of organisations and policies, tombstones included, and the position that it includes: both from one
 * statement, so from one snapshot. At least one item, however large.
 */
export async function readStatePage(
  db: Pool,
  after: StateKey | undefined,
  bounds: PageBounds,
): Promise<StatePage | undefined> {
  const { rows } = await db.query<{ items: RightsState[]; more: boolean } & LogPosition>(
    `WITH page AS (
       (SELECT 1 AS rank, o.id, authz.organisation_state(o) AS state FROM authz.organisations o
        WHERE $1 = 'organisation' AND ($2::uuid IS NULL OR o.id > $2) ORDER BY o.id LIMIT $3 + 1)
       UNION ALL
       (SELECT 2, p.id, authz.policy_state(p) FROM authz.policies p
        WHERE $1 = 'organisation' OR p.id > $2 ORDER BY p.id LIMIT $3 + 1)
     ), counted AS (
       SELECT rank, id, state, row_number() OVER ordered AS place,
              sum(octet_length(state::text)) OVER ordered AS bytes
       FROM page WINDOW ordered AS (ORDER BY rank, id)
     ), judged AS (
       SELECT *, place = 1 OR (place <= $3 AND bytes <= $4) AS fits FROM counted
     )
     SELECT position.epoch, position.sequence,
            coalesce((SELECT jsonb_agg(state ORDER BY place) FROM judged WHERE fits), '[]') AS items,
            EXISTS (SELECT FROM judged WHERE NOT fits) AS more
     FROM outbox.position() AS position`,
    [after?.kind ?? 'organisation', after?.id ?? null, bounds.maxItems, bounds.maxBytes],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const last = row.items.at(-1);
  const hasKey = last?.kind === 'organisation' || last?.kind === 'policy';
  return {
    position: { epoch: row.epoch, sequence: row.sequence },
    items: row.items,
    next: row.more && hasKey ? { kind: last.kind, id: last.id } : undefined,
  };
}
