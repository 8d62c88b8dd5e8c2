import { compileSql } from '@tidewire/condition';
import type { Pool } from '@tidewire/service-kit';
import { barrierColumns, readBarrierRow } from '../rights/barrier-postgres.ts';
import type { BarrierRow } from '../rights/barrier-postgres.ts';
import type { ChangesQuery, ChangesResult, PollRow } from './object-poll.ts';
import type { StatementContext, StoredImage } from './object-repository.ts';
import { beginObjectSql, listWhere, storedImageSql, visibleRowsSql } from './object-sql-postgres.ts';
import type { ObjectSql } from './object-sql-postgres.ts';
import { parseSnapshot } from './poll-cursor.ts';
import type { Snapshot } from './poll-cursor.ts';

/** RFC 3339 has a year 0, PostgreSQL has none. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');

interface ChangesRow extends BarrierRow {
  readonly snapshot: string;
  readonly statistics: Date | null;
  readonly expired: boolean;
  readonly total: number;
  readonly rank: number | null;
  readonly uuid: string;
  readonly version: number;
  readonly updated: string;
  readonly image: StoredImage | null;
}

/** A statement and its parameters. */
export interface Statement {
  readonly text: string;
  readonly parameters: readonly unknown[];
}

/** Reads a page of changes. */
export async function readChangesPage(
  pool: Pool,
  context: StatementContext,
  query: ChangesQuery,
): Promise<ChangesResult> {
  const { text, parameters } = changesStatement(context, query);
  const { rows } = await pool.query<ChangesRow>(text, [...parameters]);
  const [first] = rows;
  const barrier = readBarrierRow(first);
  if (first === undefined) throw new Error('the statement returned nothing');
  return {
    rows: rows.filter(({ rank }) => rank !== null).map(pollRow),
    total: first.total,
    snapshot: parseSnapshot(first.snapshot),
    // A crash may take back transactions that nobody waited for, and give their numbers again. The server drops its
    // statistics then: the time at which they begin tells of crashes that a restart of the whole server would not.
    store: `${barrier.store} ${first.statistics?.getTime() ?? 0}`,
    expired: first.expired,
    position: barrier.position,
    barrier,
  };
}

function pollRow({ uuid, version, updated, image }: ChangesRow): PollRow {
  return image === null ? { deleted: true, uuid, version, updated } : { deleted: false, image };
}

/** The one statement of a page, so that its rows, its snapshot and its barrier are of the same moment. */
export function changesStatement(context: StatementContext, query: ChangesQuery): Statement {
  const sql = beginObjectSql(context);
  const limit = `${sql.bind(query.limit)}::bigint`;
  const living = livingSql(sql, context, query);
  const gone = goneSql(sql, context, query);
  const sources = gone === undefined ? [living] : [living, gone];
  const totals = sources.map((source) => `(select count(*) from (${source}) counted)`);
  const pages = sources.map((source) => `(select * from (${source}) found order by at, uuid limit ${limit})`);
  const text = `
    select ${barrierColumns(sql.bind(context.concerned))}, pg_current_snapshot()::text as snapshot,
      (select stats_reset from pg_stat_wal) as statistics, ${expiredSql(sql, context, query)} as expired,
      ${totals.join(' + ')} as total, page.*
    from outbox.position() p
    left join (
      select * from (
        select row_number() over (order by r.at, r.uuid) as rank, r.uuid, r.version,
          records.format_timestamp(r.at) as updated,
          case when r.row is distinct from null then ${storedImageSql(sql, 'r.row', context)} end as image,
          sum(octet_length((r.row).properties::text)) over (order by r.at, r.uuid) as bytes
        from (select * from (${pages.join(' union all ')}) both_kinds order by at, uuid limit ${limit}) r
      ) sized where sized.rank = 1 or sized.bytes is null or sized.bytes <= ${sql.bind(query.maxBytes)}::bigint
    ) page on true
    order by page.rank`;
  return { text, parameters: sql.parameters };
}

/** The objects of the list that changed. */
function livingSql(sql: ObjectSql, context: StatementContext, query: ChangesQuery): string {
  const where = [listWhere(sql, context, query), ...windowSql(sql, query, LIVING)];
  // Without the fence the planner may read the whole schema in the order of the page, hoping to find its rows soon.
  const fence = query.base.kind === 'snapshot' ? 'offset 0' : '';
  return `select o.updated as at, o.uuid, o.version, o as row from records.objects o where ${where.join(' and ')} ${fence}`;
}

/**
 * Deletes of objects whose last image the reader could see, unless the object is in the list again. Filters do not select
 * here: the reader may have the object from a time when it met them.
 */
function goneSql(sql: ObjectSql, context: StatementContext, query: ChangesQuery): string | undefined {
  if (!query.includeDeleted || query.base.kind === 'nothing') return undefined;
  const where = [
    `t.schema_id = ${sql.bind(context.place.schema)}::uuid`,
    't.properties is not null',
    visibleRowsSql(sql, query.decision),
    ...windowSql(sql, query, GONE),
  ];
  const living = listWhere(sql, context, query);
  return `select t.deleted_at as at, t.uuid, t.version, null::records.objects as row
    from records.tombstones t cross join lateral records.buried(t) o
    where ${where.join(' and ')}
      and not exists (select from records.objects o where o.uuid = t.uuid and ${living})`;
}

/**
 * Whether there are deletes after the base whose last image is gone: nobody can say whom they concern. Those outside the
 * reader's boundary do not concern it, and must not tell it that they were.
 */
function expiredSql(sql: ObjectSql, context: StatementContext, query: ChangesQuery): string {
  if (!query.includeDeleted || query.base.kind === 'nothing') return 'false';
  return `exists (select from records.tombstones t cross join lateral (select t.uuid, t.organisation) o
    where t.schema_id = ${sql.bind(context.place.schema)}::uuid and t.properties is null
    and (${compileSql(query.decision.boundary, sql.options)})
    and ${windowSql(sql, { ...query, round: undefined }, GONE).join(' and ')})`;
}

interface Columns {
  readonly at: string;
  readonly uuid: string;
  readonly transaction: string;
}

const LIVING: Columns = { at: 'o.updated', uuid: 'o.uuid', transaction: 'o.transaction' };
const GONE: Columns = { at: 't.deleted_at', uuid: 't.uuid', transaction: 't.transaction' };

/** After the base, before the end of the round, after the place. */
function windowSql(sql: ObjectSql, { base, round }: ChangesQuery, columns: Columns): string[] {
  const parts: string[] = [];
  if (base.kind === 'time') parts.push(`${columns.at} > ${instantSql(sql, base.ms)}`);
  if (base.kind === 'snapshot') parts.push(unseenSql(sql, base.snapshot, columns));
  if (round !== undefined) {
    // What is written while somebody turns pages belongs to the next round; this one would never end otherwise.
    parts.push(`not ${unseenSql(sql, round.snapshot, columns)}`);
    parts.push(
      `(${columns.at}, ${columns.uuid}) > (${instantSql(sql, round.updatedMs)}, ${sql.bind(round.uuid)}::uuid)`,
    );
  }
  return parts;
}

/**
 * What the snapshot did not see: written by a transaction that began later, or was running. As ranges, not as
 * pg_visible_in_snapshot(), so that the index on (schema_id, transaction) finds it. Numbers that were not given out yet
 * came with rows from another server: they count as old.
 */
function unseenSql(sql: ObjectSql, { end, running }: Snapshot, { transaction }: Columns): string {
  const later = `${transaction} >= ${sql.bind(String(end))}::xid8`;
  const given = `${transaction} < pg_snapshot_xmax(pg_current_snapshot())`;
  if (running.length === 0) return `(${later} and ${given})`;
  return `(${later} and ${given} or ${transaction} = any(${sql.bind(running.map(String))}::xid8[]))`;
}

function instantSql(sql: ObjectSql, ms: number): string {
  return `${sql.bind(new Date(Math.max(ms, FIRST_MS)).toISOString())}::timestamptz`;
}
