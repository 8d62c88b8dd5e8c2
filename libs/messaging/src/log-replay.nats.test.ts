import { afterEach, beforeEach, expect, test } from 'vitest';
import { ReplayGapError, readLog } from './log-replay.ts';
import type { ReplayOptions } from './log-replay.ts';
import { requestStreamApi } from './stream-api.ts';
import { EPOCH, startLog } from '../test/test-log.ts';
import type { TestLog } from '../test/test-log.ts';

const ORGANISATION = '11111111-1111-4111-8111-111111111111';
let log: TestLog;

beforeEach(async () => {
  log = await startLog();
});

afterEach(() => log[Symbol.asyncDispose]());

async function replay(options: Omit<ReplayOptions, 'epoch'> & { epoch?: string }): Promise<number[]> {
  const seen: number[] = [];
  for await (const entry of readLog(log.bus, { epoch: EPOCH, ...options })) seen.push(entry.sequence);
  return seen;
}

async function refusal(options: Omit<ReplayOptions, 'epoch'> & { epoch?: string }): Promise<string> {
  const error: unknown = await replay(options).catch((reason: unknown) => reason);
  return error instanceof ReplayGapError ? error.reason : String(error);
}

test('a range is read in order, its ends as said, and the reading ends by itself', async () => {
  await log.append(2500);
  const seen = await replay({ from: 10, to: 2400 });
  expect(seen).toEqual(Array.from({ length: 2390 }, (_, index) => 11 + index));
  expect(await replay({ from: 2500, to: 2500 })).toEqual([]);
});

test('filters choose, and entries appended meanwhile are beyond the range', async () => {
  for (let round = 0; round < 5; round += 1) {
    await log.append(3);
    await log.append(1, ORGANISATION);
  }
  const filters = [`events.${ORGANISATION}.>`];
  expect(await replay({ from: 4, to: 16, filters })).toEqual([8, 12, 16]);
  expect(await replay({ from: 4, to: 15, filters })).toEqual([8, 12]);
  expect(await replay({ from: 16, to: 19, filters })).toEqual([]);
});

test('an erased entry at the end of the range does not keep the reading from ending', async () => {
  await log.append(3);
  await log.append(1, ORGANISATION);
  await requestStreamApi(log.bus, 'STREAM.PURGE.EVENTS', { filter: `events.${ORGANISATION}.>` });
  expect(await replay({ from: 0, to: 4 })).toEqual([1, 2, 3]);
});

test('a range that the log does not hold is refused by its reason, never shortened in silence', async () => {
  await log.append(10);
  await requestStreamApi(log.bus, 'STREAM.PURGE.EVENTS', { seq: 6 });
  expect(await refusal({ from: 4, to: 10 })).toBe('expired');
  expect(await refusal({ from: 5, to: 11 })).toBe('ahead');
  expect(await refusal({ from: 5, to: 10, epoch: 'epoch000' })).toBe('epoch');
  expect(await replay({ from: 5, to: 10 })).toEqual([6, 7, 8, 9, 10]);
});

test('a front that moves into the range while it is read is reported at the end', async () => {
  await log.append(10);
  const seen: number[] = [];
  const reading = (async () => {
    for await (const entry of readLog(log.bus, { epoch: EPOCH, from: 0, to: 10 })) {
      if (seen.length === 0) await requestStreamApi(log.bus, 'STREAM.PURGE.EVENTS', { seq: 6 });
      seen.push(entry.sequence);
    }
  })();
  await expect(reading).rejects.toThrow(ReplayGapError);
});

test('an aborted reading ends with the reason of the abort, whatever was already received', async () => {
  await log.append(10);
  const abort = new AbortController();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const entry of readLog(log.bus, { epoch: EPOCH, from: 0, to: 10, signal: abort.signal })) {
      seen.push(entry.sequence);
      abort.abort(new Error('the client left'));
    }
  })();
  await expect(reading).rejects.toThrow('the client left');
  expect(seen).toEqual([1]);
  await expect(replay({ from: 0, to: 10, signal: abort.signal })).rejects.toThrow('the client left');
});
