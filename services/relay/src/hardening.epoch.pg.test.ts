import { randomUUID } from 'node:crypto';
import { createEpoch } from '@tidewire/contract';
import { encodePayload } from '@tidewire/messaging';
import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertObjects } from '../test/probe.ts';
import { startRig } from '../test/rig.ts';
import type { Rig } from '../test/rig.ts';
import { createLaterEpoch } from './reconcile.ts';

let rig: Rig;

beforeEach(async () => {
  rig = await startRig();
});

afterEach(() => rig[Symbol.asyncDispose]());

interface State {
  epoch: string;
  sequence: number;
  row_uuid: string | null;
}

async function readState(): Promise<State> {
  const { rows } = await rig.owner.query<State>(
    'SELECT epoch, sequence::int, row_uuid FROM outbox.relay_state',
  );
  const [state] = rows;
  if (state === undefined) throw new Error('no state');
  return state;
}

/** Writes rows, publishes them and stops the relay again. */
async function publishAndStop(count: number): Promise<State> {
  const relay = await rig.startRelay();
  await insertObjects(rig.writer, count);
  await rig.settled();
  await relay.stop();
  return await readState();
}

/** The log as a store put back from a copy would hold it: same epoch, fewer or other messages. */
async function replaceLog(epoch: string, count: number): Promise<void> {
  await rig.bus.request('$JS.API.STREAM.DELETE.EVENTS', {}, anything);
  await rig.log.create(epoch, 0);
  const events = Array.from({ length: count }, (_, index) => ({
    subject: `events.none.probe.objects.${randomUUID()}.created`,
    outboxId: randomUUID(),
    payload: encodePayload(`{"kind":"old","n":${index}}`),
  }));
  await rig.log.publish({ events, epoch, expectedLast: 0 });
}

const anything = { safeParse: (data: unknown) => ({ success: true as const, data }) };

/** After a restore: a new, later epoch, no number twice, readers told, and publishing goes on. */
async function expectNewEpoch(before: State, aboveSequence: number): Promise<void> {
  const known = rig.entries.length;
  await rig.startRelay();
  await insertObjects(rig.writer, 5);
  await rig.settled(20_000);
  const after = await readState();
  expect(after.epoch > before.epoch).toBe(true);
  const fresh = rig.entries.slice(known).filter((entry) => entry.epoch === after.epoch);
  expect(fresh.map((entry) => entry.sequence)).toEqual([1, 2, 3, 4, 5].map((n) => aboveSequence + n));
  expect(rig.resets.at(-1)?.info.epoch).toBe(after.epoch);
}

test('a log put back from an older copy gets a new epoch above every number given out', async () => {
  const before = await publishAndStop(25);
  await replaceLog(before.epoch, 10);
  await expectNewEpoch(before, 25);
});

test('a log put back that ends at the same number with another message gets a new epoch', async () => {
  const before = await publishAndStop(25);
  await replaceLog(before.epoch, 25);
  await expectNewEpoch(before, 25);
});

test('a log that is ahead by messages nobody can explain gets a new epoch above them', async () => {
  const before = await publishAndStop(25);
  await replaceLog(before.epoch, 28);
  await expectNewEpoch(before, 28);
});

test('a log that was lost is made anew behind the numbers given out', async () => {
  const before = await publishAndStop(25);
  await rig.bus.request('$JS.API.STREAM.DELETE.EVENTS', {}, anything);
  await expectNewEpoch(before, 25);
});

test('a database put back to an earlier time, with the rows since then gone, gets a new epoch', async () => {
  const before = await publishAndStop(25);
  await rig.owner.query('UPDATE outbox.relay_state SET sequence = 10, row_uuid = null');
  await expectNewEpoch(before, 25);
});

test('a database that lost its log state altogether gets a new epoch above the log', async () => {
  const before = await publishAndStop(25);
  await rig.owner.query(`UPDATE outbox.relay_state SET epoch = '00000000', sequence = 0, row_uuid = null`);
  await expectNewEpoch(before, 25);
});

test('rows that are in the log and still in the outbox are adopted, not published again', async () => {
  const relay = await rig.startRelay();
  await rig.settled();
  await relay.stop();
  const before = await readState();
  await insertObjects(rig.writer, 7);
  const { rows } = await rig.owner.query<{ uuid: string; subject: string; payload: string }>(
    `SELECT uuid, subject, left(message, -1) || ', ' || images || '}' AS payload FROM outbox.rows ORDER BY id`,
  );
  // The acknowledgement of these seven was lost together with the relay that sent them.
  await rig.log.publish({
    events: rows.map((row) => ({
      subject: row.subject,
      outboxId: row.uuid,
      payload: encodePayload(row.payload),
    })),
    epoch: before.epoch,
    expectedLast: before.sequence,
  });
  await rig.startRelay();
  await insertObjects(rig.writer, 2);
  await rig.settled();
  expect(rig.entries).toHaveLength(9);
  expect((await readState()).epoch).toBe(before.epoch);
});

test('a part of a small publication that got through is adopted and the rest follows', async () => {
  const relay = await rig.startRelay();
  await rig.settled();
  await relay.stop();
  const before = await readState();
  await insertObjects(rig.writer, 4);
  const { rows } = await rig.owner.query<{ uuid: string; subject: string }>(
    'SELECT uuid, subject FROM outbox.rows ORDER BY id LIMIT 2',
  );
  await rig.log.publish({
    events: rows.map((row) => ({ subject: row.subject, outboxId: row.uuid, payload: encodePayload('{}') })),
    epoch: before.epoch,
    expectedLast: before.sequence,
  });
  await rig.startRelay();
  await rig.settled();
  expect(rig.entries).toHaveLength(4);
  expect(new Set(rig.entries.map((entry) => entry.subject)).size).toBe(4);
});

test('a log deleted under a running relay is noticed, made anew with a new epoch, and nothing waits for ever', async () => {
  await rig.startRelay();
  await insertObjects(rig.writer, 8);
  await rig.settled();
  const before = await readState();
  await rig.bus.request('$JS.API.STREAM.DELETE.EVENTS', {}, anything);
  await insertObjects(rig.writer, 3);
  await rig.settled(20_000);
  expect((await readState()).epoch > before.epoch).toBe(true);
  expect(rig.reader.applied.sequence).toBe(11);
});

test('a log put back under a relay that has nothing to publish is noticed all the same', async () => {
  await rig.startRelay();
  await insertObjects(rig.writer, 25);
  await rig.settled();
  const before = await readState();
  await replaceLog(before.epoch, 10);
  await waitFor(async () => (await readState()).epoch > before.epoch, {
    timeoutMs: 15_000,
    what: 'the new epoch',
  });
  await rig.settled(15_000);
  expect(rig.reader.applied.sequence).toBe(25);
  await waitFor(() => rig.reader.freshness.isFresh(), { what: 'readers are fresh again' });
});

test('after every reconnect the log is compared before anything is said about it', async () => {
  const relay = await rig.startRelay();
  await insertObjects(rig.writer, 25);
  await rig.settled();
  const metric = async (): Promise<number> => {
    const text = await (await fetch(`${relay.address}/metrics`)).text();
    return Number(/reconciliations_total\{outcome="clean"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  const before = await metric();
  await rig.nats.restart();
  await waitFor(async () => (await metric()) > before, { timeoutMs: 15_000, what: 'the comparison' });
});

test('a foreign message in the log stops the old epoch, because nobody else may write there', async () => {
  await rig.startRelay();
  await insertObjects(rig.writer, 2);
  await rig.settled();
  const before = await readState();
  await rig.log.publish({
    events: [
      {
        subject: `events.none.probe.objects.${randomUUID()}.created`,
        outboxId: randomUUID(),
        payload: encodePayload('{}'),
      },
    ],
    epoch: before.epoch,
    expectedLast: 2,
  });
  await insertObjects(rig.writer, 1);
  await waitFor(async () => (await readState()).epoch > before.epoch, { what: 'the new epoch' });
  await rig.settled();
  expect(rig.reader.applied.sequence).toBe(4);
});

test('an epoch sorts behind the earlier ones even when the clock went back', () => {
  const now = Date.UTC(2026, 0, 1);
  expect(createLaterEpoch(now, ['00000000', ''])).toBe(createEpoch(now));
  const future = createEpoch(now + 86_400_000);
  expect(createLaterEpoch(now, [future]) > future).toBe(true);
});
