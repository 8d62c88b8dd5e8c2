import type { ObjectImage } from '@tidewire/contract';
import type { PoolClient } from '@tidewire/service-kit';
import { barrierColumns, readBarrierRow } from '../rights/barrier-postgres.ts';
import type { BarrierRow } from '../rights/barrier-postgres.ts';
import type {
  ObjectRestorations,
  StatementContext,
  StoredImage,
  WriteOutcome,
  WriteResult,
} from './object-repository.ts';
import { beginObjectSql, storedImageSql, visibleRowsSql } from './object-sql-postgres.ts';

interface RestoredRow extends BarrierRow {
  readonly uuid: string | null;
  readonly before: ObjectImage | null;
  readonly after: StoredImage | null;
}

/** Brings back those of the objects that are in the trash and whose last image the decision lets be deleted. */
export async function restore(
  client: PoolClient,
  context: StatementContext,
  { uuids, decision }: ObjectRestorations,
): Promise<WriteResult> {
  const sql = beginObjectSql(context);
  const schema = `${sql.bind(context.place.schema)}::uuid`;
  const text = `with trashed as materialized (
      select t.uuid, t.version, ${storedImageSql(sql, 'o', context)} as before,
        (${visibleRowsSql(sql, decision)}) is true as allowed
      from records.tombstones t cross join lateral records.buried(t) o
      where t.uuid = any(${sql.bind(uuids)}::uuid[]) and t.schema_id = ${schema} and t.restorable
      order by t.uuid
    ), restored as materialized (
      select t.uuid, records.restore(t.uuid, ${schema}, t.version) as row from trashed t where t.allowed
    )
    select ${barrierColumns(sql.bind(context.concerned))}, trashed.uuid, trashed.before,
      case when (r.row).uuid is not null then ${storedImageSql(sql, 'r.row', context)} end as after
    from outbox.position() p left join trashed on true left join restored r on r.uuid = trashed.uuid`;
  const { rows } = await client.query<RestoredRow>(text, sql.parameters);
  const found = new Map(rows.map((row) => [row.uuid, row]));
  return {
    outcomes: uuids.map((uuid): WriteOutcome => {
      const { before = null, after = null } = found.get(uuid) ?? {};
      return { before, after, written: after !== null };
    }),
    barrier: readBarrierRow(rows[0]),
  };
}
