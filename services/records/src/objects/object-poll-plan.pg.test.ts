import { compare } from '@tidewire/condition';
import { expect, test } from 'vitest';
import { BEGINNING, context, everything, usePollWorld } from '../../test/poll-world.ts';
import { ORGANISATION, REGISTER, SCHEMA } from '../../test/rights.ts';
import { changesStatement } from './object-poll-postgres.ts';
import { parsePollCursor } from './poll-cursor.ts';

const world = usePollWorld();
const { insert, update, remove, poll } = world;

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Plans'?: readonly Plan[];
}

test('a poll reads what changed and not the table, also when statistics are as old as they get', async () => {
  const fill = async (rows: number): Promise<unknown> =>
    await world.database.owner.query(
      `insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
       select gen_random_uuid(), $1, $2, $3, 'bob', '{"status":"a"}' from generate_series(1, $4::int)`,
      [REGISTER, SCHEMA, ORGANISATION, rows],
    );
  await fill(1000);
  await world.database.owner.query('delete from records.objects');
  await fill(3000);
  const deleted = await insert();
  await world.database.owner.query('analyze records.objects, records.tombstones');
  // Autovacuum analyzes again once a tenth of the table has changed.
  await fill(300);
  const slow = await world.database.records.connect();
  try {
    await slow.query('begin');
    const late = await insert({ client: slow });
    await insert();
    let { next, more } = await poll(BEGINNING, { limit: 1000 });
    while (more) ({ next, more } = await poll(next, { limit: 1000 }));
    await slow.query('commit');
    await update(late);
    await remove(deleted);
    for (const limit of [1, 1000]) expect(await touched(next, limit)).toBeLessThan(40);
  } finally {
    slow.release();
  }
}, 60_000);

/** How many rows of objects and tombstones a poll looks at. */
async function touched(since: string, limit: number): Promise<number> {
  const base = parsePollCursor(since)?.base;
  if (base === undefined) throw new Error('not a cursor');
  const { text, parameters } = changesStatement(context, {
    decision: everything,
    filter: compare('eq', 'status', 'b'),
    search: undefined,
    limit,
    maxBytes: 1e8,
    includeDeleted: true,
    base,
    round: undefined,
  });
  const { rows } = await world.database.records.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `explain (analyze, format json) ${text}`,
    [...parameters],
  );
  const count = (plan: Plan): number => {
    const rowsHere = (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops'];
    const own = plan['Relation Name'] === undefined && plan['Index Name'] === undefined ? 0 : rowsHere;
    return own + (plan.Plans ?? []).reduce((sum, child) => sum + count(child), 0);
  };
  const [first] = rows;
  if (first === undefined) throw new Error('no plan');
  for (const index of ['objects_by_transaction', 'tombstones_by_transaction']) {
    expect(JSON.stringify(first)).toContain(index);
  }
  return count(first['QUERY PLAN'][0].Plan);
}
