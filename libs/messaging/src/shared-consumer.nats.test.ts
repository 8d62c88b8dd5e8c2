import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StreamRefusedError } from './bus-error.ts';
import { openSharedConsumer } from './shared-consumer.ts';
import type { SharedConsumer, SharedEntry } from './shared-consumer.ts';
import { EPOCH, startLog } from '../test/test-log.ts';
import type { TestLog } from '../test/test-log.ts';

let log: TestLog;

beforeEach(async () => {
  log = await startLog();
});

afterEach(async () => {
  await log[Symbol.asyncDispose]();
});

const open = (ackWaitMs = 30_000): SharedConsumer =>
  openSharedConsumer(log.bus, { name: 'work', ackWaitMs, maxUnacknowledged: 500, replicas: 1 });

const sequences = (entries: readonly SharedEntry[]): number[] => entries.map(({ entry }) => entry.sequence);

test('whoever takes gets what nobody else has, from where it was made on, and the progress is what was acknowledged', async () => {
  await log.append(5);
  const [one, other] = [open(), open()];
  expect(await one.ensure(2)).toBe('made');
  expect(await other.ensure(0)).toBe('there');
  expect(await one.progress()).toEqual({ done: 2, left: 3 });
  const first = await one.take(2, 0);
  const rest = await other.take(10, 0);
  expect([sequences(first), sequences(rest)]).toEqual([[3, 4], [5]]);
  expect(first[0]?.entry).toMatchObject({ epoch: EPOCH, message: { kind: 'object' } });
  expect(await one.take(10, 0)).toEqual([]);
  for (const { acknowledge } of rest) acknowledge();
  await waitFor(async () => (await one.progress()).left === 2, { what: 'one is done' });
  // Up to where everything is done: what comes before is not.
  expect((await one.progress()).done).toBe(2);
  for (const { acknowledge } of first) acknowledge();
  await waitFor(async () => (await other.progress()).done === 5, { what: 'all are done' });
});

test('what nobody acknowledges comes again, to whoever asks then', async () => {
  await log.append(1);
  const [one, other] = [open(200), open(200)];
  await one.ensure(0);
  expect(sequences(await one.take(1, 0))).toEqual([1]);
  const again = await other.take(1, 10_000);
  expect(sequences(again)).toEqual([1]);
  again[0]?.acknowledge();
  await waitFor(async () => (await other.progress()).done === 1, { what: 'it is done' });
});

test('what is given back comes again without a wait', async () => {
  await log.append(2);
  const consumer = open();
  await consumer.ensure(0);
  for (const { giveBack } of await consumer.take(2, 0)) giveBack();
  const again: number[] = [];
  await waitFor(async () => again.push(...sequences(await consumer.take(2, 1000))) === 2, {
    what: 'both come again',
  });
  expect(new Set(again)).toEqual(new Set([1, 2]));
});

test('who waits is given the next entry as soon as there is one, and nothing when none comes', async () => {
  const consumer = open();
  await consumer.ensure(0);
  expect(await consumer.take(10, 100)).toEqual([]);
  const waiting = consumer.take(10, 20_000);
  await log.append(1);
  expect(sequences(await waiting)).toEqual([1]);
});

test('one that was removed says so, and what is made then begins where it is told', async () => {
  await log.append(3);
  const consumer = open();
  await consumer.ensure(0);
  await consumer.remove();
  await consumer.remove();
  await expect(consumer.progress()).rejects.toThrow(StreamRefusedError);
  await expect(consumer.take(1, 0)).rejects.toThrow();
  expect(await consumer.ensure(3)).toBe('made');
  expect(await consumer.progress()).toEqual({ done: 3, left: 0 });
});

test('of what was not acknowledged a server that is killed loses nothing', async () => {
  await log.append(4);
  const consumer = open(500);
  await consumer.ensure(0);
  const taken = await consumer.take(4, 0);
  for (const { entry, acknowledge } of taken) if (entry.sequence <= 2) acknowledge();
  await waitFor(async () => (await consumer.progress()).done === 2, { what: 'two are done' });
  await log.restart();
  const again: number[] = [];
  await waitFor(
    async () => {
      again.push(...sequences(await consumer.take(4, 1000)));
      // It may have forgotten acknowledgements that were not on its disk yet.
      return again.includes(3) && again.includes(4);
    },
    { what: 'the others come again', timeoutMs: 20_000 },
  );
});
