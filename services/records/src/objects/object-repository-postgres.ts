import { inTransaction } from '@tidewire/service-kit';
import type { Pool } from '@tidewire/service-kit';
import { barrierColumns, readBarrierRow } from '../rights/barrier-postgres.ts';
import type { BarrierRow } from '../rights/barrier-postgres.ts';
import { readChangesPage } from './object-poll-postgres.ts';
import { isRetryable, refusalOf } from './object-refusal-postgres.ts';
import type {
  ListQuery,
  ListResult,
  ObjectRepository,
  StatementContext,
  StoredImage,
} from './object-repository.ts';
import { beginObjectSql, listOrder, listWhere, storedImageSql } from './object-sql-postgres.ts';
import type { ObjectSql } from './object-sql-postgres.ts';
import { objectTransactionOn } from './object-write-postgres.ts';

/** How often a transaction is begun again that could not be serialized with another one. */
const MAX_ATTEMPTS = 6;

/** Objects in PostgreSQL; every statement asks for the barrier in its own snapshot. */
export function createObjectRepository(pool: Pool): ObjectRepository {
  return {
    async readBarrier(concerned) {
      const { rows } = await pool.query<BarrierRow>(
        `select ${barrierColumns('$1')} from outbox.position() p`,
        [concerned],
      );
      return readBarrierRow(rows[0]);
    },
    async read(context, uuid) {
      const sql = beginObjectSql(context);
      const { rows } = await pool.query<BarrierRow & { image: StoredImage | null }>(
        `select ${barrier(sql, context)},
           (select ${storedImageSql(sql, 'o', context)} from records.objects o
            where o.uuid = ${sql.bind(uuid)} and o.schema_id = ${sql.bind(context.place.schema)}) as image
         from outbox.position() p`,
        sql.parameters,
      );
      return { image: rows[0]?.image ?? null, barrier: readBarrierRow(rows[0]) };
    },
    list: (context, query) => list(pool, context, query),
    changes: (context, query) => readChangesPage(pool, context, query),
    async transaction(provenance, work) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await inTransaction(pool, { provenance }, (client) => work(objectTransactionOn(client)));
        } catch (error) {
          if (isRetryable(error) && attempt < MAX_ATTEMPTS) {
            await pause(attempt);
            continue;
          }
          throw refusalOf(error) ?? error;
        }
      }
    },
    async emptyTrash(retentionMs, most) {
      const { rows } = await pool.query<{ emptied: number }>(
        `select records.empty_trash($1::bigint * interval '1 millisecond', $2) as emptied`,
        [retentionMs, most],
      );
      return rows[0]?.emptied ?? 0;
    },
    async outboxBytes() {
      const { rows } = await pool.query<{ bytes: number }>('select outbox.size_bytes() as bytes');
      return rows[0]?.bytes ?? 0;
    },
  };
}

interface ListRow extends BarrierRow {
  readonly total: number;
  readonly image: StoredImage | null;
  readonly rank: number | null;
  readonly bytes: number | null;
}

async function list(pool: Pool, context: StatementContext, query: ListQuery): Promise<ListResult> {
  const sql = beginObjectSql(context);
  const where = listWhere(sql, context, query);
  const text = `
    select ${barrier(sql, context)},
      (select count(*) from records.objects o where ${where}) as total, page.rank, page.bytes,
      case when page.bytes <= ${sql.bind(query.maxBytes)}::bigint then page.image end as image
    from outbox.position() p
    left join lateral (
      select row_number() over () as rank, ${storedImageSql(sql, 'picked.row', context)} as image,
        sum(octet_length((picked.row).properties::text)) over (rows unbounded preceding)::bigint as bytes
      from (
        select o as row from records.objects o where ${where}
        order by ${listOrder(sql, query)}
        limit ${sql.bind(query.limit)}::bigint offset ${sql.bind(query.offset)}::bigint
      ) as picked
    ) page on true
    order by page.rank`;
  const { rows } = await pool.query<ListRow>(text, sql.parameters);
  const known = readBarrierRow(rows[0]);
  const found = rows.filter((row) => row.rank !== null);
  const images = found.map((row) => row.image).filter((image) => image !== null);
  return {
    images: images.length === found.length ? images : undefined,
    bytes: found.at(-1)?.bytes ?? 0,
    total: rows[0]?.total ?? 0,
    position: known.position,
    barrier: known,
  };
}

function barrier(sql: ObjectSql, { concerned }: StatementContext): string {
  return barrierColumns(sql.bind(concerned));
}

/** With jitter, so that those who collided do not collide again. */
async function pause(attempt: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, Math.random() * 5 * 2 ** attempt);
  await promise;
}
