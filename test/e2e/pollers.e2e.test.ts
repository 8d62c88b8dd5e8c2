import { randomUUID } from 'node:crypto';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import { Follower } from '../support/follower.ts';
import { ChangePoller, LongPoller, listRows } from '../support/pollers.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';

/** `TIDEWIRE_TEST_WRITES=5000` is the long run. */
const WRITES = Number(process.env['TIDEWIRE_TEST_WRITES'] ?? 600);
/** How many other writes happen while a slow transaction is open. */
const MEANWHILE = 60;
const STATUSES = ['nieuw', 'in_behandeling', 'afgehandeld', 'vertrouwelijk'];

let platform: Platform;
let town: Town;
let written = 0;

beforeAll(async () => {
  platform = await startPlatform({ gateways: 2, records: 2 });
  town = await buildTown(platform.origin, platform.adminToken);
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

/** Creates, changes, deletes and brings back rows, one request at a time, until enough was written. */
async function writeByRest(): Promise<void> {
  const api = town.as('alice');
  const rows: string[] = [];
  const path = `/api/objects/${town.collection}`;
  for (let turn = 0; written < WRITES; turn += 1) {
    const status = STATUSES[turn % STATUSES.length];
    const target = rows[turn % Math.max(1, rows.length)];
    if (target === undefined || turn % 3 === 0) {
      rows.push((await api.send<{ id: string }>('POST', path, { titel: `rest ${turn}`, status })).id);
    } else if (turn % 11 === 0) {
      await api.send('DELETE', `${path}/${target}`);
      rows.splice(rows.indexOf(target), 1);
    } else {
      await api.send('PATCH', `${path}/${target}`, { titel: `rest ${turn}`, status });
    }
    written += 1;
  }
}

/** Batches through the tables face: many rows, one transaction. */
async function writeBatches(): Promise<void> {
  const api = town.as('alice');
  const { table } = await town.admin.send<{ table: string }>('GET', `/api/schemas/${town.schemaId}`);
  for (let turn = 0; written < WRITES; turn += 1) {
    const records = Array.from({ length: 10 }, (_, index) => ({
      fields: { titel: `batch ${turn}.${index}`, status: STATUSES[index % STATUSES.length] },
    }));
    const made = await api.send<{ records: { id: string }[] }>('POST', `/api/tables/${table}/records/batch`, {
      records,
      returnRecords: true,
    });
    written += 10;
    const ids = made.records.map(({ id }) => id);
    await api.send('PATCH', `/api/tables/${table}/records/batch`, {
      records: ids.slice(0, 5).map((id) => ({ id, fields: { titel: `again ${turn}` } })),
    });
    await api.send('DELETE', `/api/tables/${table}/records/batch`, { ids: ids.slice(5, 8) });
    written += 8;
  }
}

/** Plain SQL in transactions that stay open while many others come and go. */
async function writeSlowly(): Promise<void> {
  const client = new pg.Client({ connectionString: platform.ownerUrl });
  await client.connect();
  let last = randomUUID();
  for (let turn = 0; written < WRITES; turn += 1) {
    const uuid = randomUUID();
    await client.query('begin');
    await client.query(
      `insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
       select $1, register_id, id, $3, null, $4 from records.schemas where id = $2`,
      [uuid, town.schemaId, town.organisations.a, { titel: `slow ${turn}`, status: 'nieuw' }],
    );
    await client.query(
      `update records.objects set properties = properties || '{"status":"afgehandeld"}' where uuid = $1`,
      [last],
    );
    if (turn % 4 === 3) await client.query('delete from records.objects where uuid = $1', [last]);
    const due = Math.min(WRITES, written + MEANWHILE);
    await waitFor(() => written >= due, { what: 'others write meanwhile', timeoutMs: 60_000 });
    await client.query(turn % 5 === 4 ? 'rollback' : 'commit');
    last = uuid;
    written += 2;
  }
  await client.end();
}

test(`whoever polls ends with the same rows as a stream, after ${WRITES} writes with slow transactions among them`, async () => {
  const follow = (name: 'alice' | 'bob'): Promise<Follower> =>
    Follower.start({
      bases: () => [platform.origin],
      api: platform.origin,
      collection: town.collection,
      token: town.tokens[name],
    });
  const asks = (name: 'alice' | 'bob') =>
    platform.gateways.map(({ url }) => createApi(url, town.tokens[name]));
  await using alice = await follow('alice');
  await using bob = await follow('bob');
  const changes = [
    new ChangePoller(town.as('alice'), town.collection),
    new ChangePoller(town.as('alice'), town.collection),
  ];
  const longs = {
    alice: await LongPoller.start(asks('alice'), town.as('alice'), town.collection),
    bob: await LongPoller.start(asks('bob'), town.as('bob'), town.collection),
  };
  const over = new AbortController();
  const polling = [
    ...changes.map(async (poller, index) => {
      while (!over.signal.aborted) await poller.poll(index === 0 ? 7 : 500);
    }),
    ...Object.values(longs).map(async (poller) => {
      while (!over.signal.aborted) await poller.poll(200);
    }),
  ];
  await Promise.all([
    writeByRest(),
    writeByRest(),
    writeByRest(),
    writeBatches(),
    writeSlowly(),
    writeSlowly(),
  ]);
  over.abort();
  await Promise.all(polling);

  await town.as('alice').send('POST', `/api/objects/${town.collection}`, { titel: 'last', status: 'nieuw' });
  const known = {
    alice: await listRows(town.as('alice'), town.collection),
    bob: await listRows(town.as('bob'), town.collection),
  };
  for (const [name, follower] of [
    ['alice', alice],
    ['bob', bob],
  ] as const) {
    const { rows, position } = known[name];
    await waitFor(() => [...follower.rows.values()].some(({ titel }) => titel === 'last'), {
      what: `the stream of ${name} is complete`,
      timeoutMs: 30_000,
    });
    // A row is there before the log has it: the position of a list is behind it, then.
    while (
      longs[name].cursor < position ||
      ![...longs[name].rows.values()].some(({ titel }) => titel === 'last')
    ) {
      await longs[name].poll(1000);
    }
    expect(follower.rows).toEqual(rows);
    expect(longs[name].rows).toEqual(rows);
    expect([...follower.faults, ...longs[name].faults]).toEqual([]);
  }
  for (const poller of changes) {
    await poller.poll(100);
    expect(poller.rows).toEqual(known.alice.rows);
    // And then there is nothing more to tell.
    expect(await poller.poll(100)).toBe(0);
  }
  expect(known.bob.rows.size).toBeLessThan(known.alice.rows.size);
}, 900_000);
