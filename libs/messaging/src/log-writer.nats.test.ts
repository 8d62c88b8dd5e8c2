import { afterEach, beforeEach, expect, test } from 'vitest';
import { STREAM_ERROR, StreamRefusedError } from './bus-error.ts';
import { openLogWriter } from './log-writer.ts';
import type { OutgoingEvent } from './log-writer.ts';
import { EPOCH, createEvent, startLog } from '../test/test-log.ts';
import type { TestLog } from '../test/test-log.ts';

let log: TestLog;

beforeEach(async () => {
  log = await startLog();
});

afterEach(() => log[Symbol.asyncDispose]());

const events = (count: number): OutgoingEvent[] => Array.from({ length: count }, () => createEvent());

test.each([1, 4, 5, 500])('%i events get the numbers behind the expected last one', async (count) => {
  await log.append(7);
  const batch = events(count);
  expect(await log.writer.publish({ events: batch, epoch: EPOCH, expectedLast: 7 })).toBe(7 + count);
  const ids = await log.writer.readOutboxIds(7, 7 + count);
  expect([...ids]).toEqual(batch.map((event, index) => [8 + index, event.outboxId]));
});

test.each([1, 50])('of %i events nothing is stored when the log ends elsewhere', async (count) => {
  await log.append(3);
  for (const expectedLast of [2, 4]) {
    const refused: unknown = await log.writer
      .publish({ events: events(count), epoch: EPOCH, expectedLast })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StreamRefusedError);
    expect((refused as StreamRefusedError).code).toBe(STREAM_ERROR.wrongLastSequence);
  }
  expect((await log.writer.find())?.last).toBe(3);
});

test('of two writers that expect the same end exactly one stores, 100 times', async () => {
  let last = 0;
  for (let round = 0; round < 100; round += 1) {
    const size = round % 2 === 0 ? 20 : 1;
    const results = await Promise.allSettled(
      [events(size), events(size)].map((batch) =>
        log.writer.publish({ events: batch, epoch: EPOCH, expectedLast: last }),
      ),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    last += size;
    expect((await log.writer.find())?.last).toBe(last);
  }
});

test.each([
  ['behind the log', 4, 6],
  ['ahead of the log', 40, 41],
])('a new epoch that begins %s keeps the stream and gives no number twice', async (_where, after, first) => {
  await log.append(5);
  const info = await log.writer.startEpoch('epoch002', Math.max(after, 5));
  expect(info).toMatchObject({ epoch: 'epoch002', first, last: first - 1, messages: 0 });
  await log.writer.publish({ events: events(1), epoch: 'epoch002', expectedLast: first - 1 });
  expect(await log.writer.find()).toMatchObject({ epoch: 'epoch002', first, last: first });
});

test('a log that is made anew begins behind the numbers that were given out', async () => {
  await log.nats.stop();
  await using fresh = await startLog();
  expect(await fresh.writer.startEpoch('epoch009', 900)).toMatchObject({ first: 901, last: 900 });
  await log.nats.restart();
});

test('settings of an existing log are brought up to date and its epoch is kept', async () => {
  await log.append(2);
  const writer = openLogWriter(log.bus, { maxAgeMs: 60_000, maxBytes: 1024 * 1024, replicas: 1 });
  expect(await writer.configure()).toMatchObject({ epoch: EPOCH, last: 2 });
});

test('an erased message has no id, the others keep theirs', async () => {
  const batch = events(3);
  await log.writer.publish({ events: batch, epoch: EPOCH, expectedLast: 0 });
  const { requestStreamApi } = await import('./stream-api.ts');
  await requestStreamApi(log.bus, 'STREAM.PURGE.EVENTS', { filter: batch[1]?.subject });
  expect([...(await log.writer.readOutboxIds(0, 3)).keys()]).toEqual([1, 3]);
});
