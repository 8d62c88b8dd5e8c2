import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger, createManualClock } from '@tidewire/service-kit';
import { connectClient, insertObjects } from '../test/probe.ts';
import { SAME, compare, startRig } from '../test/rig.ts';
import type { Rig } from '../test/rig.ts';
import { BatchSource } from './batch-source.ts';
import { openLeaderSession } from './leader-session-postgres.ts';
import type { LeaderSession } from './leader-session-postgres.ts';
import { createOutboxRepository } from './outbox-repository-postgres.ts';
import { StateConflictError } from './outbox-repository.ts';
import type { OutboxRepository } from './outbox-repository.ts';

let rig: Rig;
let session: LeaderSession;
let repository: OutboxRepository;
const clock = createManualClock();

beforeEach(async () => {
  rig = await startRig();
  session = await openLeaderSession(
    rig.database.relayUrl,
    createLogger({ service: 'relay', level: 'silent' }),
  );
  repository = createOutboxRepository(session);
});

afterEach(async () => {
  await session.close();
  await rig[Symbol.asyncDispose]();
});

const createSource = (): BatchSource => new BatchSource(repository, () => clock.monotonic());

/** What the relay does after an acknowledgement, without a log. */
async function publish(source: BatchSource): Promise<string[]> {
  const { rows } = await source.next();
  await rig.owner.query('DELETE FROM outbox.rows WHERE id = ANY ($1)', [rows.map((row) => row.id)]);
  return rows.map((row) => row.subject);
}

async function publishEverything(source: BatchSource): Promise<string[]> {
  const subjects: string[] = [];
  for (;;) {
    const batch = await publish(source);
    if (batch.length === 0) return subjects;
    subjects.push(...batch);
  }
}

/** As if tens of thousands of rows had been written and published meanwhile. */
async function skipIds(): Promise<void> {
  await rig.owner.query(`SELECT setval(pg_get_serial_sequence('outbox.rows', 'id'), 50000)`);
}

const K = '22222222-2222-4222-8222-222222222222';

test('a row committed late is published although thousands with higher ids were published before', async () => {
  const slow = await connectClient(rig.database.recordsUrl);
  await slow.query('BEGIN');
  await slow.query(`INSERT INTO probe.objects VALUES ($1, 1, '{}')`, [K]);
  await skipIds();
  await rig.startRelay();
  await insertObjects(rig.writer, 600);
  await rig.settled(30_000);
  await slow.query('COMMIT');
  await rig.settled();
  expect(compare(rig.versions(), await rig.audit())).toEqual(SAME);
  expect(rig.versions().at(-1)).toEqual([K, 1]);
  await slow.end();
});

test('a later row of an object never passes its row that was committed late below the floor', async () => {
  const source = createSource();
  const slow = await connectClient(rig.database.recordsUrl);
  await slow.query('BEGIN');
  await slow.query(`INSERT INTO probe.objects VALUES ($1, 1, '{}')`, [K]);
  await skipIds();
  await insertObjects(rig.writer, 5);
  await publishEverything(source);
  await slow.query('COMMIT');
  await rig.writer.query(`UPDATE probe.objects SET data = '{"a": 1}' WHERE uuid = $1`, [K]);
  // No time has passed: the next scan from the beginning is not due yet.
  const subjects = await publishEverything(source);
  expect(subjects.map((subject) => subject.split('.').at(-1))).toEqual(['created', 'updated']);
  await slow.end();
});

test('behind a huge transaction others get half of each batch, and never pass a row of their own object', async () => {
  const source = createSource();
  await rig.writer.query(`INSERT INTO probe.objects VALUES ($1, 1, '{}')`, [K]);
  await publishEverything(source);
  const huge = await connectClient(rig.database.recordsUrl);
  await huge.query('BEGIN');
  await insertObjects(huge, 3000);
  await huge.query(`UPDATE probe.objects SET data = '{"a": 1}' WHERE uuid = $1`, [K]);
  await huge.query('COMMIT');
  await rig.writer.query('DELETE FROM probe.objects WHERE uuid = $1', [K]);
  await insertObjects(rig.writer, 40);
  const before = await rig.owner.query<{ subject: string }>(
    'SELECT subject FROM outbox.rows ORDER BY id DESC LIMIT 40',
  );
  const others = before.rows.map((row) => row.subject).toReversed();
  const first = await publish(source);
  expect(first.some((subject) => others.includes(subject))).toBe(false);
  const second = await publish(source);
  expect(second.filter((subject) => others.includes(subject))).toEqual(others);
  expect(second).not.toContain(`events.none.probe.objects.${K}.deleted`);
  const rest = await publishEverything(source);
  expect(rest.filter((subject) => subject.includes(K)).map((subject) => subject.split('.').at(-1))).toEqual([
    'updated',
    'deleted',
  ]);
  await huge.end();
});

test('per-object order holds under a 20,000-row transaction while others write the same objects', async () => {
  await insertObjects(rig.writer, 300);
  const relay = await rig.startRelay();
  await rig.settled();
  const huge = await connectClient(rig.database.recordsUrl);
  const writers = await Promise.all([1, 2, 3].map(() => connectClient(rig.database.recordsUrl)));
  const writing = new AbortController();
  const touch = writers.map(async (client) => {
    while (!writing.signal.aborted) {
      await client.query(
        `UPDATE probe.objects SET data = jsonb_build_object('n', random())
         WHERE uuid = (SELECT uuid FROM probe.objects TABLESAMPLE SYSTEM (1) ORDER BY random() LIMIT 1)`,
      );
      rig.bus.signal('relay.v1.poke');
    }
  });
  await huge.query('BEGIN');
  await insertObjects(huge, 10_000);
  await huge.query('COMMIT');
  await huge.query('BEGIN');
  await huge.query(`UPDATE probe.objects SET data = data || '{"b": 1}'`);
  await insertObjects(huge, 10_000);
  await huge.query('COMMIT');
  writing.abort();
  await Promise.all(touch);
  await rig.settled(60_000);
  expect(compare(rig.versions(), await rig.audit())).toEqual(SAME);
  expect(rig.entries.length).toBeGreaterThan(30_000);
  await Promise.all([huge, ...writers].map((client) => client.end()));
  await relay.stop();
}, 120_000);

test('rows are deleted together with the state or not at all', async () => {
  await insertObjects(rig.writer, 3);
  const { rows } = await repository.fetchAfter(0, { rows: 10, bytes: 1_000_000 });
  const ids = rows.map((row) => row.id);
  const from = { epoch: '00000000', sequence: 0 };
  const to = { epoch: '00000000', sequence: 3, rowUuid: rows[2]?.uuid ?? '' };
  await expect(repository.commit({ ids, from: { ...from, sequence: 1 }, to })).rejects.toThrow(
    StateConflictError,
  );
  await expect(repository.commit({ ids: [...ids, 99_999], from, to })).rejects.toThrow(StateConflictError);
  expect((await repository.fetchAfter(0, { rows: 10, bytes: 1_000_000 })).rows).toHaveLength(3);
  expect((await repository.readState()).sequence).toBe(0);
  await repository.commit({ ids, from, to });
  expect(await repository.readState()).toEqual({ ...from, sequence: 3, rowUuid: rows[2]?.uuid });
});

test('a fetch is cut at the bytes, and one row larger than the limit comes alone', async () => {
  await insertObjects(rig.writer, 3, 1000);
  const take = async (bytes: number): Promise<[number, boolean]> => {
    const { rows, complete } = await repository.fetchAfter(0, { rows: 10, bytes });
    return [rows.length, complete];
  };
  expect(await take(100)).toEqual([1, false]);
  expect(await take(3500)).toEqual([2, false]);
  expect(await take(1_000_000)).toEqual([3, true]);
});
