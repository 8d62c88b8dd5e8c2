import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ReplayGapError } from './log-replay.ts';
import { findLogTail } from './log-tail.ts';
import { requestStreamApi } from './stream-api.ts';
import { EPOCH, startLog } from '../test/test-log.ts';
import type { TestLog } from '../test/test-log.ts';

const ORGANISATION = '11111111-1111-4111-8111-111111111111';
const filters = [`events.${ORGANISATION}.>`];
let log: TestLog;

beforeEach(async () => {
  log = await startLog();
});

afterEach(() => log[Symbol.asyncDispose]());

const tail = (to: number, atMost: number): Promise<number> =>
  findLogTail(log.bus, { epoch: EPOCH, to, filters, atMost });

test('finds where the newest entries of a subject begin, however many others lie between', async () => {
  for (let round = 0; round < 10; round += 1) {
    await log.append(1, ORGANISATION);
    await log.append(30);
  }
  // Entries at 1, 32, 63, …, 280.
  expect(await tail(310, 10)).toBe(0);
  expect(await tail(310, 1000)).toBe(0);
  const three = await tail(310, 3);
  expect(three).toBeGreaterThanOrEqual(187);
  expect(three).toBeLessThan(218);
  const one = await tail(310, 1);
  expect(one).toBeGreaterThanOrEqual(249);
  expect(one).toBeLessThan(280);
});

test('begins at the front of what the log still holds', async () => {
  await log.append(10, ORGANISATION);
  await requestStreamApi(log.bus, 'STREAM.PURGE.EVENTS', { seq: 6 });
  expect(await tail(10, 100)).toBe(5);
  expect(await tail(10, 2)).toBe(8);
});

test('leaves no consumer behind, and refuses a position of another log', async () => {
  await log.append(50, ORGANISATION);
  await tail(50, 7);
  const consumers = async (): Promise<number> => {
    const info = await requestStreamApi<{ state: { consumer_count: number } }>(log.bus, 'STREAM.INFO.EVENTS');
    return info.state.consumer_count;
  };
  await waitFor(async () => (await consumers()) === 0, { what: 'the consumers are removed' });
  await expect(findLogTail(log.bus, { epoch: 'epoch000', to: 1, filters, atMost: 1 })).rejects.toThrow(
    ReplayGapError,
  );
});
