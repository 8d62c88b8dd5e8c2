import { randomUUID } from 'node:crypto';
import { TidewireError } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import * as fc from 'fast-check';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { BEGINNING, Poller, usePollWorld } from '../../test/poll-world.ts';
import { ORGANISATION, OTHER_ORGANISATION } from '../../test/rights.ts';
import { parsePollStart } from './object-poll.ts';

const world = usePollWorld();
const { insert, update, remove, poll, listed } = world;

const uuids = Array.from({ length: 6 }, () => randomUUID());
const slot = fc.nat({ max: 2 });
const key = fc.nat({ max: uuids.length - 1 });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('write' as const), slot, key, foreign: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), slot, key }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      slot,
      how: fc.constantFrom('commit' as const, 'rollback' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('noise' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('poll' as const), limit: fc.integer({ min: 1, max: 4 }) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** Three writers whose transactions overlap as the steps say; no two write the same object at once. */
class Writers {
  readonly #clients: pg.PoolClient[];
  readonly #holders = new Map<string, number>();

  constructor(clients: pg.PoolClient[]) {
    this.#clients = clients;
  }

  async run(given: Exclude<Step, { kind: 'poll' }>): Promise<void> {
    if (given.kind === 'noise') {
      // Takes a number and writes nothing that concerns anybody.
      await world.database.owner.query('select pg_current_xact_id()');
    } else if (given.kind === 'end') {
      await this.end(given.slot, given.how);
    } else {
      const uuid = uuids[given.key] ?? '';
      const client = this.#clients[given.slot];
      if (client === undefined || (this.#holders.get(uuid) ?? given.slot) !== given.slot) return;
      if (![...this.#holders.values()].includes(given.slot)) await client.query('begin');
      this.#holders.set(uuid, given.slot);
      if (given.kind === 'delete') {
        await remove(uuid, client);
        return;
      }
      const { rowCount } = await client.query('select from records.objects where uuid = $1', [uuid]);
      if (rowCount === 1) await update(uuid, 'b', client);
      else await insert({ uuid, organisation: given.foreign ? OTHER_ORGANISATION : ORGANISATION, client });
    }
  }

  async end(which: number, how: 'commit' | 'rollback'): Promise<void> {
    await this.#clients[which]?.query(how);
    for (const [uuid, holder] of this.#holders) if (holder === which) this.#holders.delete(uuid);
  }
}

test('who follows the cursor ends with exactly the rows of a list, however long and interleaved the writers are', async () => {
  const clients = await Promise.all([1, 2, 3].map(() => world.database.records.connect()));
  let heard = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const writers = new Writers(clients);
        const poller = new Poller(world);
        for (const given of steps) {
          if (given.kind === 'poll') await poller.take({ limit: given.limit });
          else await writers.run(given);
        }
        for (const index of clients.keys()) await writers.end(index, 'commit');
        await poller.round({ limit: 2 });
        await poller.round({ limit: 2 });
        expect(poller.objects).toEqual(await listed());
        expect(poller.resyncs).toEqual([]);
        heard += poller.objects.size;
      }),
      { numRuns: 80 },
    );
  } finally {
    for (const client of clients) client.release();
  }
  expect(heard).toBeGreaterThan(50);
}, 120_000);

test('a write that commits long after later ones were polled is told of, once, and nothing else again', async () => {
  const slow = await world.database.records.connect();
  const poller = new Poller(world);
  try {
    await slow.query('begin');
    const late = await insert({ client: slow });
    const early = await insert();
    await poller.round();
    expect([...poller.objects.keys()]).toEqual([early]);
    await slow.query('commit');
    const page = await poll(poller.cursor);
    expect(page.rows.map((row) => !row.deleted && row.image._uuid)).toEqual([late]);
    expect((await poll(page.next)).rows).toEqual([]);
  } finally {
    slow.release();
  }
});

test('a round ends while others write: what they write is of the next one', async () => {
  for (let count = 0; count < 6; count += 1) await insert();
  const first = await poll(BEGINNING, { limit: 2 });
  const seen = first.rows.flatMap((row) => (row.deleted ? [] : row.image._uuid));
  let cursor = first.next;
  for (let more = first.more, pages = 1; more; pages += 1) {
    expect(pages).toBeLessThan(4);
    await update(seen[0] ?? '');
    await insert();
    const page = await poll(cursor, { limit: 2 });
    seen.push(...page.rows.flatMap((row) => (row.deleted ? [] : row.image._uuid)));
    ({ next: cursor, more } = page);
  }
  expect(new Set(seen).size).toBe(6);
  const rest = await poll(cursor);
  expect(rest.rows).toHaveLength(3);
});

/** What is written after this has a later time than what was before: times of rows are in milliseconds. */
async function untilLater(): Promise<void> {
  const { rows } = await world.database.owner.query<{ now: string }>('select clock_timestamp()::text as now');
  await waitFor(
    async () => {
      const later = "select clock_timestamp() >= $1::timestamptz + interval '1 ms' as passed";
      return (await world.database.owner.query<{ passed: boolean }>(later, [rows[0]?.now])).rows[0]?.passed;
    },
    { what: 'it is a millisecond later' },
  );
}

test('rows come in the order of their change, then of their uuid, and no page repeats another', async () => {
  const ids: string[] = [];
  for (let count = 0; count < 4; count += 1) {
    ids.push(await insert());
    await untilLater();
  }
  await update(ids[1] ?? '');
  await untilLater();
  await remove(ids[0] ?? '');
  const seen: string[] = [];
  let cursor = BEGINNING;
  for (let more = true; more;) {
    const page = await poll(cursor, { limit: 1 });
    expect(page.total).toBe(4 - seen.length);
    seen.push(...page.rows.map((row) => (row.deleted ? row.uuid : row.image._uuid)));
    ({ next: cursor, more } = page);
  }
  expect(seen).toEqual([ids[2], ids[3], ids[1], ids[0]]);
});

test('a time says where to begin: what is not newer is left out, deletes included', async () => {
  const [old, kept, gone] = [await insert(), await insert(), await insert()];
  await remove(old);
  const { rows } = await world.database.records.query<{ at: string }>(
    'select records.format_timestamp(deleted_at) as at from records.tombstones where uuid = $1',
    [old],
  );
  await world.database.records.query('select pg_sleep(0.002)');
  await update(kept);
  await remove(gone);
  const page = await poll(rows[0]?.at ?? '');
  expect(page.rows).toMatchObject([
    { deleted: false, image: { _uuid: kept, _version: 2 } },
    { deleted: true, uuid: gone, version: 2 },
  ]);
  expect((await poll('0000-01-01T00:00:00Z')).total).toBe(3);
  expect((await poll('9999-12-31T23:59:59+00:00', { includeDeleted: false })).total).toBe(0);
});

test('an answer without rows repeats the cursor until it is ten thousand transactions old', async () => {
  await insert();
  const { next } = await poll(BEGINNING);
  await insert({ organisation: OTHER_ORGANISATION });
  expect((await poll(next)).next).toBe(next);
  await world.database.owner.query(
    `do $$ begin for i in 1..10000 loop perform pg_current_xact_id(); commit; end loop; end $$`,
  );
  const { next: later } = await poll(next);
  expect(later).not.toBe(next);
  const uuid = await insert();
  for (const cursor of [next, later]) {
    expect((await poll(cursor)).rows).toMatchObject([{ image: { _uuid: uuid } }]);
  }
});

test('a page ends where it would become too large, after one row at least', async () => {
  for (let count = 0; count < 5; count += 1) await insert({ status: 'x'.repeat(1000) });
  const sizes: number[] = [];
  let cursor = BEGINNING;
  for (let more = true; more;) {
    const page = await poll(cursor, { maxBytes: sizes.length === 0 ? 10 : 2200 });
    sizes.push(page.rows.length);
    ({ next: cursor, more } = page);
  }
  expect(sizes).toEqual([1, 2, 2]);
});

test('what is neither a time nor a cursor is refused, naming the parameter', () => {
  for (const text of [
    '',
    'yesterday',
    '2026-03-21',
    '2026-03-21T12:00:00',
    'poll.x',
    'evt-mwrd70tk-000000000041',
  ]) {
    expect(() => parsePollStart(text, 'updatedSince'), text).toThrow(TidewireError);
  }
  expect(() => parsePollStart('x', 'updatedSince')).toThrow('updatedSince');
  expect(parsePollStart('2026-03-21T13:00:00 01:00', '_updatedSince')).toEqual({
    kind: 'time',
    ms: Date.parse('2026-03-21T12:00:00Z'),
  });
});
