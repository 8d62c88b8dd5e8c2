import { waitFor } from '@tidewire/test-kit';
import type { Client } from 'pg';
import { expect, test } from 'vitest';
import { connectClient, insertObjects } from '../test/probe.ts';
import { SAME, compare, startCrashRig, startRig } from '../test/rig.ts';

const ROUNDS = Number(process.env['TIDEWIRE_TEST_CRASH_ROUNDS'] ?? 3);

test('visible is not durable: an event of a write that a crash undoes never reaches the log', async () => {
  await using rig = await startCrashRig();
  await rig.startRelay();
  for (let round = 0; round < ROUNDS; round += 1) {
    const writers = await Promise.all([1, 2, 3].map(() => connectClient(rig.database.recordsUrl)));
    const writing = new AbortController();
    const write = async (client: Client): Promise<void> => {
      await client.query('SET synchronous_commit = off');
      while (!writing.signal.aborted) {
        await insertObjects(client, 1);
        rig.bus.signal('relay.v1.poke');
      }
    };
    const work = writers.map((client) => write(client).catch(() => undefined));
    const before = rig.entries.length;
    // Killed at the moment at which the log has just taken something.
    await waitFor(() => rig.entries.length > before + 50, { timeoutMs: 20_000, what: 'events flow' });
    await rig.database.kill();
    writing.abort();
    await Promise.all(work);
    await rig.database.restart();
    const owner = await connectClient(rig.database.ownerUrl);
    await waitFor(
      async () => {
        const { rows } = await owner.query<{ left: number; sequence: number }>(
          'SELECT (SELECT count(*)::int FROM outbox.rows) AS left, sequence::int FROM outbox.relay_state',
        );
        return rows[0]?.left === 0 && rows[0].sequence === rig.reader.applied.sequence;
      },
      { timeoutMs: 20_000, what: 'the relay has recovered' },
    );
    const { rows } = await owner.query<{ uuid: string; newest: number }>(
      'SELECT uuid, max(version)::int AS newest FROM probe.audit GROUP BY uuid',
    );
    expect(compare(rig.versions(), new Map(rows.map((row) => [row.uuid, row.newest])))).toEqual(SAME);
    await owner.end();
  }
  expect(new Set(rig.entries.map((entry) => entry.epoch)).size).toBe(1);
}, 120_000);

test('a row that does not fit into the log is published without images, between its neighbours', async () => {
  await using rig = await startRig();
  await rig.startRelay();
  await insertObjects(rig.writer, 1);
  await insertObjects(rig.writer, 1, 3 * 1024 * 1024);
  await insertObjects(rig.writer, 1);
  await rig.settled();
  const messages = rig.entries.map((entry) => entry.message);
  expect(messages.map((message) => message?.kind === 'object' && message.unencodable)).toEqual([
    undefined,
    true,
    undefined,
  ]);
  expect(messages[1]).toMatchObject({ action: 'created', version: 1, before: null, after: null });
  expect(compare(rig.versions(), await rig.audit())).toEqual(SAME);
});

test('large rows leave in several publications, in order', async () => {
  await using rig = await startRig();
  await rig.startRelay();
  await insertObjects(rig.writer, 40, 250 * 1024);
  await rig.writer.query(`UPDATE probe.objects SET data = data || '{"again": 1}'`);
  await rig.settled(30_000);
  expect(compare(rig.versions(), await rig.audit())).toEqual(SAME);
  expect(rig.entries).toHaveLength(80);
});

test('writes go on while NATS is away and are all in the log afterwards', async () => {
  await using rig = await startRig();
  const relay = await rig.startRelay();
  await insertObjects(rig.writer, 3);
  await rig.settled();
  await rig.nats.kill();
  await insertObjects(rig.writer, 600);
  await waitFor(() => relay.ready() === 'NATS is not connected', {
    what: 'the relay says that it cannot publish',
  });
  await rig.nats.restart();
  await rig.settled();
  expect(compare(rig.versions(), await rig.audit())).toEqual(SAME);
  expect(relay.ready()).toBe(true);
});
