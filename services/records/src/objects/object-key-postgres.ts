import type { PoolClient } from '@tidewire/service-kit';
import { barrierColumns, readBarrierRow } from '../rights/barrier-postgres.ts';
import type { BarrierRow } from '../rights/barrier-postgres.ts';
import type { KeyQuery, KeyResult, ObjectKey, StatementContext } from './object-repository.ts';
import { beginObjectSql, projectedOptions, visibleRowsSql } from './object-sql-postgres.ts';
import type { ObjectSql } from './object-sql-postgres.ts';

/**
 * Locks keys that may not exist yet, so no row could be locked. In one order, so that two upserts of the same keys cannot wait
 * for each other; the locks end with the transaction.
 */
export async function lockKeys(
  client: PoolClient,
  { place }: StatementContext,
  keys: readonly ObjectKey[],
): Promise<void> {
  const texts = keys.map(({ organisation, values }) => JSON.stringify([place.schema, organisation, values]));
  await client.query(
    `select pg_advisory_xact_lock(k.number) from (
       select distinct hashtextextended(k.text, 0) as number from unnest($1::text[]) as k(text) order by 1
     ) k`,
    [texts],
  );
}

interface KeyRow extends BarrierRow {
  readonly place: number | null;
  /** Equal where one object has the key. */
  readonly first: string | null;
  readonly last: string | null;
}

/** Its own statement after {@link lockKeys}: its snapshot has what was committed while that waited. */
export async function findKeys(
  client: PoolClient,
  context: StatementContext,
  query: KeyQuery,
): Promise<KeyResult> {
  const { text, parameters } = findKeysStatement(context, query);
  const { rows } = await client.query<KeyRow>(text, [...parameters]);
  const matches = query.keys.map((): readonly string[] => []);
  for (const { place, first, last } of rows) {
    if (place === null || first === null || last === null) continue;
    matches[place - 1] = first === last ? [first] : [first, last];
  }
  return { matches, barrier: readBarrierRow(rows[0]) };
}

/**
 * With LIMIT the planner would look through the whole table instead of the index on `properties`, hoping to be done soon; as
 * the keys differ, all of their rows are no more than the table.
 */
export function findKeysStatement(
  context: StatementContext,
  { decision, keys }: KeyQuery,
): { readonly text: string; readonly parameters: readonly unknown[] } {
  const sql = beginObjectSql(context);
  const texts = sql.bind(keys.map(({ values }) => JSON.stringify(Object.fromEntries(values))));
  const organisations = sql.bind(keys.map(({ organisation }) => organisation));
  const text = `
    select ${barrierColumns(sql.bind(context.concerned))}, found.place::int as place, found.first, found.last
    from outbox.position() p left join (
      select k.place, o.first, o.last
      from unnest(${texts}::jsonb[], ${organisations}::uuid[]) with ordinality as k(key, organisation, place)
      cross join lateral (
        select min(o.uuid::text) as first, max(o.uuid::text) as last from records.objects o
        where o.schema_id = ${sql.bind(context.place.schema)}::uuid
          and o.organisation is not distinct from k.organisation
          and o.properties @> k.key and ${visibleRowsSql(sql, decision)}
          ${readableKeySql(sql, { decision, keys })}
      ) o
    ) found on true`;
  return { text, parameters: sql.parameters };
}

/** A property that is hidden on a row does not tell what it is by being found. */
function readableKeySql(sql: ObjectSql, { decision, keys }: KeyQuery): string {
  const { field } = projectedOptions(sql, decision);
  const names = keys[0]?.values.map(([name]) => name) ?? [];
  const conditions = names.map((name) => {
    const found = field(name);
    return found.kind === 'absent' ? 'and false' : `and (${found.sql}) is not null`;
  });
  return conditions.join(' ');
}
