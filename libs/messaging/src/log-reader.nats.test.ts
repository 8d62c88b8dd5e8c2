import { formatEventId } from '@tidewire/contract';
import type { LogPosition } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processClock } from './clock.ts';
import type { LogEntry } from './log-entry.ts';
import { openLogReader } from './log-reader.ts';
import type { LogReader, LogReaderOptions, LogReset } from './log-reader.ts';
import { linkOf } from './message-bus.ts';
import { requestStreamApi } from './stream-api.ts';
import { EPOCH, START, createEvent, startLog } from '../test/test-log.ts';
import type { TestLog } from '../test/test-log.ts';

let log: TestLog;
let reader: LogReader | undefined;
let entries: LogEntry[];
let resets: LogReset[];

beforeEach(async () => {
  log = await startLog();
  entries = [];
  resets = [];
});

afterEach(async () => {
  await reader?.close();
  reader = undefined;
  await log[Symbol.asyncDispose]();
});

function read(options: Partial<LogReaderOptions> = {}): LogReader {
  reader = openLogReader(log.bus, {
    from: START,
    onEntry: (entry) => void entries.push(entry),
    onReset: (reset) => void resets.push(reset),
    clock: processClock,
    ...options,
  });
  return reader;
}

const applied = (position: LogPosition, timeoutMs = 10_000): Promise<unknown> =>
  waitFor(() => reader?.applied.sequence === position.sequence && reader.applied.epoch === position.epoch, {
    timeoutMs,
    what: `${formatEventId(position)} is applied, at ${formatEventId(reader?.applied ?? START)}`,
  });

const beat = (sequence: number): void =>
  log.bus.signal('relay.v1.beat', {
    head: formatEventId({ epoch: EPOCH, sequence }),
    sentAt: Date.now(),
    backlogAgeMs: 0,
  });

const sequences = (): number[] => entries.map((entry) => entry.sequence);
const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

test('every entry comes once, in sequence, stored ones and live ones', async () => {
  await log.append(700);
  read();
  await applied({ epoch: EPOCH, sequence: 700 });
  await log.append(3);
  await applied(await log.append(1300));
  expect(sequences()).toEqual(upTo(2003));
  expect(entries[0]).toMatchObject({
    epoch: EPOCH,
    problem: undefined,
    message: { kind: 'object', version: 1 },
  });
});

test('a server that is killed and comes back costs neither an entry nor a repeat', async () => {
  await log.append(600);
  read();
  await applied({ epoch: EPOCH, sequence: 600 });
  await log.restart();
  await applied(await log.append(600));
  expect(sequences()).toEqual(upTo(1200));
  expect(resets).toEqual([]);
});

test('a consumer that is deleted is opened anew behind the last applied entry', async () => {
  await log.append(5);
  read();
  await applied({ epoch: EPOCH, sequence: 5 });
  const { consumers } = await requestStreamApi<{ consumers: string[] }>(log.bus, 'CONSUMER.NAMES.EVENTS');
  await requestStreamApi(log.bus, `CONSUMER.DELETE.EVENTS.${consumers[0]}`);
  await applied(await log.append(5));
  expect(sequences()).toEqual(upTo(10));
});

test('a reader that starts before the log exists waits for it', async () => {
  await requestStreamApi(log.bus, 'STREAM.DELETE.EVENTS');
  read();
  await log.writer.create(EPOCH, 0);
  await applied(await log.append(2));
  expect(sequences()).toEqual([1, 2]);
});

test('a log that was deleted and made again is reported, and read from its beginning', async () => {
  await log.append(20);
  read();
  await applied({ epoch: EPOCH, sequence: 20 });
  await requestStreamApi(log.bus, 'STREAM.DELETE.EVENTS');
  await log.writer.create('epoch002', 20);
  await log.writer.publish({ events: [createEvent()], epoch: 'epoch002', expectedLast: 20 });
  await applied({ epoch: 'epoch002', sequence: 21 });
  expect(resets.map((reset) => reset.reason)).toEqual(['epoch']);
  expect(sequences()).toEqual(upTo(21));
  expect(entries.at(-1)?.epoch).toBe('epoch002');
});

test('a new epoch of a quiet log is noticed by the beat, without an event', async () => {
  await log.append(3);
  read();
  await applied({ epoch: EPOCH, sequence: 3 });
  await log.writer.startEpoch('epoch002', 40);
  log.bus.signal('relay.v1.beat', { head: 'evt-epoch002-000000000040', sentAt: Date.now(), backlogAgeMs: 0 });
  await applied({ epoch: 'epoch002', sequence: 40 });
  expect(resets.map((reset) => reset.reason)).toEqual(['epoch']);
});

test('a log that went back below what was applied is reported as ahead, never skipped in silence', async () => {
  await log.append(3);
  read({ from: { epoch: EPOCH, sequence: 9 } });
  await waitFor(() => resets.length > 0, { what: 'the reset' });
  await applied(await log.append(1));
  expect(resets.map((reset) => reset.reason)).toEqual(['ahead']);
  expect(sequences()).toEqual([1, 2, 3, 4]);
});

test('a position whose next entry is gone is reported as expired and reading goes on where the owner says', async () => {
  await log.append(10);
  await requestStreamApi(log.bus, 'STREAM.PURGE.EVENTS', { seq: 6 });
  read({
    from: { epoch: EPOCH, sequence: 2 },
    onReset: (reset) => {
      resets.push(reset);
      return { epoch: EPOCH, sequence: 8 };
    },
  });
  await applied({ epoch: EPOCH, sequence: 10 });
  expect(resets.map((reset) => [reset.reason, reset.info.first])).toEqual([['expired', 6]]);
  expect(sequences()).toEqual([9, 10]);
});

test('the hole of an erased object is passed, in the middle and at the end', async () => {
  await log.append(2);
  await log.append(2, '11111111-1111-4111-8111-111111111111');
  await log.append(2);
  await log.append(1, '11111111-1111-4111-8111-111111111111');
  await requestStreamApi(log.bus, 'STREAM.PURGE.EVENTS', {
    filter: 'events.11111111-1111-4111-8111-111111111111.>',
  });
  read();
  await waitFor(
    () => {
      beat(7);
      return reader?.applied.sequence === 7;
    },
    { timeoutMs: 15_000, what: 'the erased end is passed' },
  );
  expect(sequences()).toEqual([1, 2, 5, 6]);
  expect(resets).toEqual([]);
});

test('the newest entry erased while reading does not leave the reader behind the beat for ever', async () => {
  await log.append(2);
  read();
  await applied({ epoch: EPOCH, sequence: 2 });
  // Nothing is delivered from here on, as if the entry had been erased before it was pulled.
  const { consumers } = await requestStreamApi<{ consumers: string[] }>(log.bus, 'CONSUMER.NAMES.EVENTS');
  await requestStreamApi(log.bus, `CONSUMER.PAUSE.EVENTS.${consumers[0]}`, {
    pause_until: new Date(Date.now() + 60_000).toISOString(),
  });
  await log.append(1, '11111111-1111-4111-8111-111111111111');
  await requestStreamApi(log.bus, 'STREAM.PURGE.EVENTS', {
    filter: 'events.11111111-1111-4111-8111-111111111111.>',
  });
  await waitFor(
    () => {
      beat(3);
      return reader?.applied.sequence === 3;
    },
    { timeoutMs: 15_000, what: 'the erased end is passed' },
  );
  await waitFor(() => reader?.freshness.isFresh(), { what: 'the reader is fresh' });
  expect(sequences()).toEqual([1, 2]);
});

test('an entry whose handler throws comes again; nothing is skipped', async () => {
  let failures = 2;
  read({
    onEntry: (entry) => {
      if (entry.sequence === 3 && failures > 0) {
        failures -= 1;
        throw new Error('not now');
      }
      entries.push(entry);
    },
  });
  await applied(await log.append(5));
  expect(sequences()).toEqual([1, 2, 3, 4, 5]);
});

test('a slow handler holds the log back instead of piling it up', async () => {
  const gate = Promise.withResolvers<void>();
  read({
    onEntry: async (entry) => {
      if (entry.sequence === 1) await gate.promise;
      entries.push(entry);
    },
  });
  await log.append(5000);
  await waitFor(() => linkOf(log.bus).connection.stats().inMsgs > 1000, { what: 'the window is full' });
  const before = linkOf(log.bus).connection.stats().inBytes;
  expect(before).toBeLessThan(1_500_000);
  gate.resolve();
  await applied({ epoch: EPOCH, sequence: 5000 });
  expect(sequences()).toEqual(upTo(5000));
});

test('kinds of a newer version are applied without a message and counted', async () => {
  const payload = new TextEncoder().encode('{"kind":"hologram","x":1}');
  const events = [
    { ...createEvent(), payload },
    { ...createEvent(), payload: new TextEncoder().encode('{') },
  ];
  await log.writer.publish({ events, epoch: EPOCH, expectedLast: 0 });
  read();
  await applied({ epoch: EPOCH, sequence: 2 });
  expect(entries.map((entry) => [entry.message, entry.problem])).toEqual([
    [undefined, 'unknown-kind'],
    [undefined, 'malformed'],
  ]);
  expect(reader?.unreadable).toBe(2);
});

test('closing ends the reading while the server is away', async () => {
  read();
  await log.nats.kill();
  await reader?.close();
  expect(reader?.status).toBe('closed');
  await log.nats.restart();
});

test('a log that nobody writes to becomes fresh as soon as a beat says where it ends', async () => {
  const end = await log.append(3);
  const { freshness } = read({ from: end });
  await waitFor(
    () => {
      beat(end.sequence);
      return freshness.isFresh();
    },
    { what: 'the quiet log is fresh' },
  );
  expect(entries).toEqual([]);
});
