import type { ObjectImage } from '@tidewire/contract';
import type { PoolClient } from '@tidewire/service-kit';
import { barrierColumns, readBarrierRow } from '../rights/barrier-postgres.ts';
import type { BarrierRow } from '../rights/barrier-postgres.ts';
import { findKeys, lockKeys } from './object-key-postgres.ts';
import type {
  NewObject,
  ObjectRemovals,
  ObjectTransaction,
  ObjectTransfers,
  ObjectUpdates,
  Precondition,
  StatementContext,
  StoredImage,
  WriteOutcome,
  WriteResult,
} from './object-repository.ts';
import {
  beginObjectSql,
  changedPropertiesSql,
  storedImageSql,
  visibleRowsSql,
} from './object-sql-postgres.ts';
import type { ObjectSql } from './object-sql-postgres.ts';
import { restore } from './object-trash-postgres.ts';

/** The statements of one transaction: one round trip each, however many objects they are about. */
export function objectTransactionOn(client: PoolClient): ObjectTransaction {
  return {
    insert: (context, objects) => insert(client, context, objects),
    update: (context, updates) => update(client, context, updates),
    remove: (context, removals) => remove(client, context, removals),
    transfer: (context, transfers) => transfer(client, context, transfers),
    restore: (context, restorations) => restore(client, context, restorations),
    lockKeys: (context, keys) => lockKeys(client, context, keys),
    findKeys: (context, query) => findKeys(client, context, query),
  };
}

interface WriteRow extends BarrierRow {
  readonly uuid: string | null;
  readonly before: ObjectImage | null;
  readonly after: StoredImage | null;
  readonly written: boolean;
}

async function insert(
  client: PoolClient,
  context: StatementContext,
  objects: readonly NewObject[],
): Promise<WriteResult> {
  const sql = beginObjectSql(context);
  const { place } = context;
  const columns = [
    `${sql.bind(objects.map(({ uuid }) => uuid))}::uuid[]`,
    `${sql.bind(objects.map(({ organisation }) => organisation))}::uuid[]`,
    `${sql.bind(objects.map(({ owner }) => owner))}::text[]`,
    `${sql.bind(objects.map(({ properties }) => JSON.stringify(properties)))}::jsonb[]`,
  ];
  return await write(client, objects, {
    sql,
    text: `with written as (
        insert into records.objects as o (uuid, organisation, owner, properties, register_id, schema_id)
        select g.uuid, g.organisation, g.owner, g.properties,
          ${sql.bind(place.register)}::uuid, ${sql.bind(place.schema)}::uuid
        from unnest(${columns.join(', ')}) with ordinality as g(uuid, organisation, owner, properties, place)
        order by g.place
        returning o.uuid, ${storedImageSql(sql, 'o', context)} as after
      )
      select ${barrier(sql, context)}, written.uuid, null::jsonb as before, written.after, true as written
      from outbox.position() p cross join written`,
  });
}

async function update(
  client: PoolClient,
  context: StatementContext,
  updates: ObjectUpdates,
): Promise<WriteResult> {
  const sql = beginObjectSql(context);
  const { changes, decision } = updates;
  const properties = sql.bind(changes.map((change) => JSON.stringify(change.properties)));
  return await write(client, changes, {
    sql,
    text: `with ${targetSql(sql, context, changes, `, unnest(${properties}::jsonb[]) as properties`)}, written as (
        update records.objects o set properties = ${changedPropertiesSql(sql, 'target.properties', updates)}
        from target where ${WRITABLE} and ${visibleRowsSql(sql, decision)}
        returning o.uuid, ${storedImageSql(sql, 'o', context)} as after
      )
      ${outcomeSql(sql, context)}`,
  });
}

async function remove(
  client: PoolClient,
  context: StatementContext,
  { objects, decision, permanent = false }: ObjectRemovals,
): Promise<WriteResult> {
  const sql = beginObjectSql(context);
  if (permanent) await setPermanent(client, 'on');
  const result = await write(client, objects, {
    sql,
    text: `with ${targetSql(sql, context, objects)}, written as (
        delete from records.objects o using target where ${WRITABLE} and ${visibleRowsSql(sql, decision)}
        returning o.uuid, null::jsonb as after
      )
      ${outcomeSql(sql, context)}`,
  });
  if (permanent) await setPermanent(client, 'off');
  return result;
}

async function transfer(
  client: PoolClient,
  context: StatementContext,
  { objects, decision, owner }: ObjectTransfers,
): Promise<WriteResult> {
  const sql = beginObjectSql(context);
  return await write(client, objects, {
    sql,
    text: `with ${targetSql(sql, context, objects)}, written as (
        update records.objects o set owner = ${sql.bind(owner)}::text
        from target where ${WRITABLE} and ${visibleRowsSql(sql, decision)}
        returning o.uuid, ${storedImageSql(sql, 'o', context)} as after
      )
      ${outcomeSql(sql, context)}`,
  });
}

/** Whether deletes that follow in the transaction leave something to restore. */
async function setPermanent(client: PoolClient, value: 'on' | 'off'): Promise<void> {
  await client.query(`select set_config('tidewire.permanent', $1, true)`, [value]);
}

/** Runs a statement; its outcomes come in the order in which the objects were given. */
async function write(
  client: PoolClient,
  objects: readonly { readonly uuid: string }[],
  { sql, text }: { readonly sql: ObjectSql; readonly text: string },
): Promise<WriteResult> {
  const { rows } = await client.query<WriteRow>(text, sql.parameters);
  const outcomes = new Map(rows.map((row) => [row.uuid, row]));
  return {
    outcomes: objects.map(({ uuid }): WriteOutcome => {
      const { before = null, after = null, written = false } = outcomes.get(uuid) ?? {};
      return { before, after, written };
    }),
    barrier: readBarrierRow(rows[0]),
  };
}

/**
 * The objects in their newest version with what was asked for each, locked: the write is judged on them, and `before` is
 * what they were. They are locked in the order of their uuids, so that two writers of the same objects cannot wait for
 * each other. `columns` are more of what was asked, in the order of `objects`.
 */
function targetSql(
  sql: ObjectSql,
  { place, tenants }: StatementContext,
  objects: readonly Precondition[],
  columns = '',
): string {
  const uuids = sql.bind(objects.map(({ uuid }) => uuid));
  const versions = sql.bind(objects.map(({ version }) => version ?? null));
  const updates = sql.bind(objects.map(({ updatedMs }) => updatedMs ?? null));
  // An object keeps its organisation, so this needs no lock to be true.
  const withinReach =
    tenants === null ? '' : `\n        and o.organisation = any(${sql.bind(tenants)}::uuid[])`;
  return `asked as materialized (
      select unnest(${uuids}::uuid[]) as uuid, unnest(${versions}::bigint[]) as version,
        unnest(${updates}::bigint[]) as updated_ms${columns}
    ), locked as materialized (
      select o as row, o.uuid from records.objects o
      where o.uuid = any(${uuids}::uuid[]) and o.schema_id = ${sql.bind(place.schema)}::uuid${withinReach}
      order by o.uuid for update
    ), target as materialized (select locked.row, asked.* from locked join asked using (uuid))`;
}

/** What the caller read, as conditions on the row that is written: nothing can happen between check and write. */
const WRITABLE = `o.uuid = target.uuid and (target.version is null or o.version = target.version)
  and (target.updated_ms is null or floor(extract(epoch from o.updated) * 1000) = target.updated_ms)`;

function outcomeSql(sql: ObjectSql, context: StatementContext): string {
  return `select ${barrier(sql, context)}, t.uuid, w.after, w.uuid is not null as written,
      case when t.uuid is not null then records.image(t.row, ${slugsOf(sql, context)}) end as before
    from outbox.position() p left join target t on true left join written w on w.uuid = t.uuid`;
}

function barrier(sql: ObjectSql, { concerned }: StatementContext): string {
  return barrierColumns(sql.bind(concerned));
}

function slugsOf(sql: ObjectSql, { place }: StatementContext): string {
  return `${sql.bind(place.registerSlug)}::text, ${sql.bind(place.schemaSlug)}::text`;
}
