import { compileSql, quoteLiteral } from '@tidewire/condition';
import { PREVIEW_LIMITS } from '@tidewire/contract';
import { inTransaction } from '@tidewire/service-kit';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import type { StatementContext } from '../objects/object-repository.ts';
import { beginObjectSql } from '../objects/object-sql-postgres.ts';
import type { ObjectSql } from '../objects/object-sql-postgres.ts';
import { barrierColumns, readBarrierRow } from '../rights/barrier-postgres.ts';
import type { BarrierRow } from '../rights/barrier-postgres.ts';
import type { Comparison, DifferingRow, PreviewSource, RowCounts } from './preview-source.ts';

/** `query_canceled`: what a statement gets whose time is over. */
const CANCELLED = '57014';

/** Counts in PostgreSQL, in one transaction that sees one state and writes nothing. */
export function createPreviewSource(pool: Pool): PreviewSource {
  return {
    inSnapshot: (leftMs, work) =>
      inTransaction(pool, { isolation: 'repeatable read', readOnly: true }, async (client) => {
        const { rows } = await client.query<BarrierRow>(
          `select ${barrierColumns('$1')} from outbox.position() p`,
          [[]],
        );
        return await work({
          barrier: readBarrierRow(rows[0]),
          compare: (context, comparison) => compare(client, leftMs, context, comparison),
        });
      }),
  };
}

async function compare(
  client: PoolClient,
  leftMs: () => number,
  context: StatementContext,
  comparison: Comparison,
): Promise<{ counts: readonly RowCounts[]; rows: readonly DifferingRow[] } | undefined> {
  const ask = async <Row extends object>(build: Build): Promise<Row[]> => {
    // Zero would be no limit at all.
    const limit = Math.max(1, Math.floor(leftMs()));
    await client.query(`select set_config('statement_timeout', $1, true)`, [String(limit)]);
    const sql = beginObjectSql(context);
    const { rows } = await client.query<Row>(build(sql, context, comparison), sql.parameters);
    return rows;
  };
  if (leftMs() <= 0) return undefined;
  try {
    const counts = await ask<RowCounts>(countsStatement);
    const differ = counts.some(
      ({ gains, loses, ownGains, ownLoses }) => gains + loses + ownGains + ownLoses > 0,
    );
    return { counts, rows: differ ? await ask<DifferingRow>(rowsStatement) : [] };
  } catch (error) {
    if ((error as { code?: unknown }).code === CANCELLED) return undefined;
    throw error;
  }
}

type Build = (sql: ObjectSql, context: StatementContext, comparison: Comparison) => string;

/** The rows that differ in any way, and how. */
function differingSql(sql: ObjectSql, { place }: StatementContext, comparison: Comparison): string {
  const { before, after, properties, owners } = comparison;
  const holds = (condition: Comparison['before']['rows']): string =>
    `(${compileSql(condition, sql.options)}) is true`;
  // A property that a row does not have can be neither gained nor lost on it.
  const on = (name: string, condition: Comparison['before']['rows']): string =>
    `(o.properties ? ${quoteLiteral(name)} and ${compileSql(condition, sql.options)}) is true`;
  const readable = (side: 'before' | 'after'): string =>
    `array[${properties.map((property) => on(property.name, property[side])).join(', ')}]::boolean[]`;
  return `
    judged as (
      select o.uuid, case when o.owner = any(${sql.bind(owners)}::text[]) then o.owner end as owner,
        ${holds(after.rows)} as a, ${holds(before.rows)} as b, ${holds(after.own)} as own_a, ${holds(before.own)} as own_b,
        ${readable('after')} as read_a, ${readable('before')} as read_b
      from records.objects o where o.schema_id = ${sql.bind(place.schema)}::uuid
    ), marked as (
      select uuid, owner, read_a, read_b, a and not b as gain, b and not a as lose, a and b as stays,
        (a or own_a) and not (b or own_b) as own_gain, (b or own_b) and not (a or own_a) as own_lose,
        (a or own_a) and (b or own_b) as own_stays
      from judged
    ), differing as (
      select * from marked where gain or lose or own_gain or own_lose or (stays or own_stays) and read_a <> read_b
    )`;
}

const countsStatement: Build = (sql, context, comparison) => {
  const flags = (rows: string, one: string, other: string): string => {
    const each = comparison.properties.map(
      (_, index) => `bool_or(${rows} and ${one}[${index + 1}] and not ${other}[${index + 1}])`,
    );
    return `array[${each.join(', ')}]::boolean[]`;
  };
  return `
    with ${differingSql(sql, context, comparison)}
    select owner, count(*) filter (where gain) as gains, count(*) filter (where lose) as loses,
      count(*) filter (where own_gain) as "ownGains", count(*) filter (where own_lose) as "ownLoses",
      ${flags('stays', 'read_a', 'read_b')} as gained, ${flags('stays', 'read_b', 'read_a')} as lost,
      ${flags('own_stays', 'read_a', 'read_b')} as "ownGained", ${flags('own_stays', 'read_b', 'read_a')} as "ownLost"
    from differing group by owner`;
};

const rowsStatement: Build = (sql, context, comparison) => `
  with ${differingSql(sql, context, comparison)}
  select owner, uuid, gain, lose, own_gain as "ownGain", own_lose as "ownLose" from (
    select *, row_number() over (partition by owner, gain, lose, own_gain, own_lose order by uuid) as place
    from differing where gain or lose or own_gain or own_lose
  ) ranked where place <= ${sql.bind(PREVIEW_LIMITS.sample)}::bigint order by uuid`;
