import { beatSchema, logMessageSchema } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertObjects } from '../test/probe.ts';
import { SAME, compare, startRig } from '../test/rig.ts';
import type { Rig } from '../test/rig.ts';

let rig: Rig;

beforeEach(async () => {
  rig = await startRig();
});

afterEach(() => rig[Symbol.asyncDispose]());

test('every write of every kind is in the log once, in the order of its object, readable by the contract', async () => {
  await rig.startRelay();
  const { writer } = rig;
  const id = '11111111-1111-4111-8111-111111111111';
  await writer.query(`INSERT INTO probe.objects VALUES ($1, 1, '{"name": "a \\" b", "n": 1.50}')`, [id]);
  await writer.query(`UPDATE probe.objects SET data = '{"name": "☃"}' WHERE uuid = $1`, [id]);
  await writer.query('DELETE FROM probe.objects WHERE uuid = $1', [id]);
  await writer.query(`INSERT INTO probe.objects VALUES ($1, 1, '{}') ON CONFLICT DO NOTHING`, [id]);
  await insertObjects(writer, 1200);
  await rig.settled();
  expect(rig.entries).toHaveLength(1204);
  expect(compare(rig.versions(), await rig.audit())).toEqual(SAME);
  const [created, updated, deleted] = rig.entries.map((entry) => entry.message);
  expect(created).toMatchObject({
    action: 'created',
    before: null,
    after: { data: { name: 'a " b', n: 1.5 } },
  });
  expect(updated).toMatchObject({ before: { data: { n: 1.5 } }, after: { data: { name: '☃' } } });
  expect(deleted).toMatchObject({ action: 'deleted', after: null, actor: { id: 'sql:tidewire_records' } });
  const shape = logMessageSchema.safeParse({ ...created, after: null });
  expect(shape.error?.issues).toBeUndefined();
});

test('a rights message passes unchanged, without images', async () => {
  await rig.startRelay();
  const state = { kind: 'policy', id: '11111111-1111-4111-8111-111111111111', version: 3 };
  await rig.owner.query('SELECT outbox.enqueue($1, $2, $3, null, null)', [
    `authz.policy.${state.id}`,
    state.id,
    JSON.stringify({ kind: 'rights', state }),
  ]);
  await rig.settled();
  expect(rig.entries[0]).toMatchObject({ subject: `authz.policy.${state.id}`, problem: undefined });
  expect(rig.entries[0]?.message).toEqual({ kind: 'rights', state });
});

test('position() says where the snapshot is, and the log is never behind it', async () => {
  await rig.startRelay();
  await insertObjects(rig.writer, 30);
  await rig.settled();
  const { rows } = await rig.writer.query<{ epoch: string; sequence: string }>(
    'SELECT * FROM outbox.position()',
  );
  expect(Number(rows[0]?.sequence)).toBe(30);
  expect(rows[0]?.epoch).toBe(rig.reader.applied.epoch);
});

test('beats make a reader fresh, name the head, and stop with the relay', async () => {
  const relay = await rig.startRelay();
  const beats: unknown[] = [];
  rig.bus.onSignal('relay.v1.beat', (beat) => beats.push(beat));
  await insertObjects(rig.writer, 3);
  await rig.settled();
  await waitFor(() => rig.reader.freshness.isFresh(), { what: 'the reader is fresh' });
  await waitFor(() => beats.length > 1, { what: 'two beats' });
  expect(beatSchema.parse(beats.at(-1))).toMatchObject({
    head: expect.stringMatching(/-000000000003$/) as string,
  });
  expect(relay.ready()).toBe(true);
  await relay.stop();
  const heard = beats.length;
  await rig.bus
    .request('nobody', {}, { safeParse: (data) => ({ success: true, data }) })
    .catch(() => undefined);
  expect(beats.length).toBe(heard);
});

test('a second relay stands by, is ready, and takes over when the first stops', async () => {
  const first = await rig.startRelay();
  await insertObjects(rig.writer, 10);
  await rig.settled();
  const second = await rig.startRelay();
  await waitFor(() => second.ready() === true, { what: 'the standby is ready' });
  await first.stop();
  await insertObjects(rig.writer, 10);
  await rig.settled();
  expect(compare(rig.versions(), await rig.audit())).toEqual(SAME);
  expect(rig.resets.map((reset) => reset.reason)).toEqual(['epoch']);
});

test('a poke is answered long before the poll', async () => {
  await rig.startRelay({ TIDEWIRE_RELAY_POLL_MS: '10000' });
  await insertObjects(rig.writer, 1);
  const started = performance.now();
  await waitFor(
    () => {
      rig.bus.signal('relay.v1.poke');
      return rig.entries.length === 1;
    },
    { what: 'the event' },
  );
  expect(performance.now() - started).toBeLessThan(4000);
});

test('health and metrics are served', async () => {
  const relay = await rig.startRelay();
  await insertObjects(rig.writer, 10);
  await rig.settled();
  const text = await (await fetch(`${relay.address}/metrics`)).text();
  expect(text).toContain('tidewire_relay_published_events_total 10');
  expect(text).toContain('tidewire_relay_leader 1');
  expect((await fetch(`${relay.address}/readyz`)).status).toBe(200);
});
