import type { ObjectImage } from '@tidewire/contract';
import { inTransaction } from '@tidewire/service-kit';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import { barrierColumns, readBarrierRow } from '../rights/barrier-postgres.ts';
import type { BarrierRow } from '../rights/barrier-postgres.ts';
import { isRetryable, refusalOf } from './object-refusal-postgres.ts';
import type {
  ListQuery,
  ListResult,
  ObjectChange,
  ObjectRemoval,
  ObjectRepository,
  ObjectTransaction,
  NewObject,
  StatementContext,
  WriteResult,
} from './object-repository.ts';
import {
  beginObjectSql,
  changedPropertiesSql,
  listOrder,
  listWhere,
  visibleRowsSql,
} from './object-sql-postgres.ts';
import type { ObjectSql } from './object-sql-postgres.ts';

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
      const { place, concerned } = context;
      const { rows } = await pool.query<BarrierRow & { image: ObjectImage | null }>(
        `select ${barrierColumns('$1')},
           (select records.image(o, $2, $3) from records.objects o where o.uuid = $4 and o.schema_id = $5) as image
         from outbox.position() p`,
        [concerned, place.registerSlug, place.schemaSlug, uuid, place.schema],
      );
      return { image: rows[0]?.image ?? null, barrier: readBarrierRow(rows[0]) };
    },
    list: (context, query) => list(pool, context, query),
    async transaction(provenance, work) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await inTransaction(pool, { provenance }, (client) => work(transactionOn(client)));
        } catch (error) {
          if (isRetryable(error) && attempt < MAX_ATTEMPTS) {
            await pause(attempt);
            continue;
          }
          throw refusalOf(error) ?? error;
        }
      }
    },
    async outboxBytes() {
      const { rows } = await pool.query<{ bytes: number }>('select outbox.size_bytes() as bytes');
      return rows[0]?.bytes ?? 0;
    },
  };
}

function transactionOn(client: PoolClient): ObjectTransaction {
  return {
    insert: (context, object) => insert(client, context, object),
    update: (context, change) => update(client, context, change),
    remove: (context, removal) => remove(client, context, removal),
  };
}

interface ListRow extends BarrierRow {
  readonly total: number;
  readonly image: ObjectImage | null;
  readonly rank: number | null;
}

async function list(pool: Pool, context: StatementContext, query: ListQuery): Promise<ListResult> {
  const sql = beginObjectSql(context);
  const where = listWhere(sql, context, query);
  const slugs = slugsOf(sql, context);
  const text = `
    select ${barrier(sql, context)},
      (select count(*) from records.objects o where ${where}) as total, page.rank,
      case when page.bytes <= ${sql.bind(query.maxBytes)}::bigint then page.image end as image
    from outbox.position() p
    left join lateral (
      select row_number() over () as rank, records.image(picked.row, ${slugs}) as image,
        sum(octet_length((picked.row).properties::text)) over (rows unbounded preceding) as bytes
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
    total: rows[0]?.total ?? 0,
    position: known.position,
    barrier: known,
  };
}

interface WriteRow extends BarrierRow {
  readonly before: ObjectImage | null;
  readonly after: ObjectImage | null;
  readonly written: boolean;
}

async function insert(
  client: PoolClient,
  context: StatementContext,
  object: NewObject,
): Promise<WriteResult> {
  const sql = beginObjectSql(context);
  const { place } = context;
  const values = [object.uuid, place.register, place.schema, object.organisation, object.owner]
    .concat(JSON.stringify(object.properties))
    .map((value) => sql.bind(value));
  return await write(
    client,
    `with written as (
       insert into records.objects as o (uuid, register_id, schema_id, organisation, owner, properties)
       values (${values.join(', ')}) returning records.image(o, ${slugsOf(sql, context)}) as after
     )
     select ${barrier(sql, context)}, null as before, written.after, true as written
     from outbox.position() p cross join written`,
    sql,
  );
}

async function update(
  client: PoolClient,
  context: StatementContext,
  change: ObjectChange,
): Promise<WriteResult> {
  const sql = beginObjectSql(context);
  const slugs = slugsOf(sql, context);
  return await write(
    client,
    `with ${targetSql(sql, context, change.uuid)}, written as (
       update records.objects o set properties = ${changedPropertiesSql(sql, change)}
       from target where ${writableSql(sql, change)}
       returning records.image(o, ${slugs}) as after
     )
     ${outcomeSql(sql, context)}`,
    sql,
  );
}

async function remove(
  client: PoolClient,
  context: StatementContext,
  removal: ObjectRemoval,
): Promise<WriteResult> {
  const sql = beginObjectSql(context);
  return await write(
    client,
    `with ${targetSql(sql, context, removal.uuid)}, written as (
       delete from records.objects o using target where ${writableSql(sql, removal)} returning null::jsonb as after
     )
     ${outcomeSql(sql, context)}`,
    sql,
  );
}

async function write(client: PoolClient, text: string, sql: ObjectSql): Promise<WriteResult> {
  const { rows } = await client.query<WriteRow>(text, sql.parameters);
  const [row] = rows;
  const { before = null, after = null, written = false } = row ?? {};
  return { before, after, written, barrier: readBarrierRow(row) };
}

/** The object in its newest version, locked: the write below is judged on it, and `before` is what it was. */
function targetSql(sql: ObjectSql, { place }: StatementContext, uuid: string): string {
  return `target as materialized (
    select o as row, o.uuid from records.objects o
    where o.uuid = ${sql.bind(uuid)}::uuid and o.schema_id = ${sql.bind(place.schema)}::uuid for update
  )`;
}

/** Rule, boundary and version as conditions on the row that is written: nothing can happen between check and write. */
function writableSql(sql: ObjectSql, { decision, version }: ObjectChange | ObjectRemoval): string {
  const condition = `o.uuid = target.uuid and ${visibleRowsSql(sql, decision)}`;
  return version === undefined ? condition : `${condition} and o.version = ${sql.bind(version)}::bigint`;
}

function outcomeSql(sql: ObjectSql, context: StatementContext): string {
  return `select ${barrier(sql, context)}, written.after,
      exists (select from written) as written,
      (select records.image(t.row, ${slugsOf(sql, context)}) from target t) as before
    from outbox.position() p left join written on true`;
}

function barrier(sql: ObjectSql, { concerned }: StatementContext): string {
  return barrierColumns(sql.bind(concerned));
}

function slugsOf(sql: ObjectSql, { place }: StatementContext): string {
  return `${sql.bind(place.registerSlug)}::text, ${sql.bind(place.schemaSlug)}::text`;
}

/** With jitter, so that those who collided do not collide again. */
async function pause(attempt: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, Math.random() * 5 * 2 ** attempt);
  await promise;
}
