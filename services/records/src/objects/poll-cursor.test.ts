import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatPollCursor, parsePollCursor, parseSnapshot } from './poll-cursor.ts';
import type { PollBase, PollCursor, Snapshot } from './poll-cursor.ts';

const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const ms = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });
const snapshot: fc.Arbitrary<Snapshot> = fc.record({
  end: number,
  running: fc.array(number, { maxLength: 100 }),
});
const base: fc.Arbitrary<PollBase> = fc.oneof(
  fc.constant<PollBase>({ kind: 'nothing' }),
  ms.map((value): PollBase => ({ kind: 'time', ms: value })),
  snapshot.map((value): PollBase => ({ kind: 'snapshot', snapshot: value })),
);
const digest = fc.stringMatching(/^[0-9A-Za-z_-]{12}$/);
const cursor: fc.Arbitrary<PollCursor> = fc.record({
  epoch: fc.stringMatching(/^[0-9a-z]{8}$/),
  store: digest,
  scope: digest,
  base,
  round: fc.option(fc.record({ snapshot, updatedMs: ms, uuid: fc.uuid() }), { nil: undefined }),
});

test('a cursor is read back as it was written, is bounded and needs no escaping in a URL', () => {
  fc.assert(
    fc.property(cursor, (given) => {
      const text = formatPollCursor(given);
      expect(parsePollCursor(text)).toEqual(given);
      expect(text.length).toBeLessThanOrEqual(4096);
      expect(encodeURIComponent(text)).toBe(text);
    }),
  );
});

test('what is not a cursor is not read as one, and never throws', () => {
  const good = 'poll.mwrd70tk.aaaaaaaaaaaa.bbbbbbbbbbbb.s-2s-2r';
  const round = '.s-2s.m8j9a0aa.550e8400-e29b-41d4-a716-446655440000';
  expect(parsePollCursor(good)).toBeDefined();
  expect(parsePollCursor(good + round)).toBeDefined();
  for (const bad of [
    '',
    'poll',
    good.slice(0, -1) + '!',
    `${good}-`,
    `${good}.`,
    `${good}${round}.x`,
    good.replace('poll', 'pool'),
    good.replace('.s-2s-2r', '.s'),
    good.replace('.s-2s-2r', '.t'),
    good.replace('.s-2s-2r', '.t9zzzzzzzzz'),
    good.replace('.s-2s-2r', `.s${'-2s'.repeat(102)}`),
    `${good}${'a'.repeat(5000)}`,
    '2026-03-21T12:00:00.000Z',
  ]) {
    expect(parsePollCursor(bad), bad).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parsePollCursor(text)).toBeUndefined();
    }),
  );
});

test('a snapshot of more running transactions than a cursor holds ends earlier, and calls nothing seen that was not', () => {
  const running = Array.from({ length: 300 }, (_, index) => 1000 + 3 * index);
  const { end, running: kept } = parseSnapshot(`1000:2000:${running.toReversed().join(',')}`);
  const seen = (id: number): boolean => id < end && !kept.includes(id);
  expect(kept).toHaveLength(100);
  for (let id = 900; id < 2100; id += 1) if (seen(id)) expect(running.includes(id) || id >= 2000).toBe(false);
  expect(seen(999) && seen(1001) && seen(1298)).toBe(true);
  expect(parseSnapshot('5:5:')).toEqual({ end: 5, running: [] });
  for (const bad of ['', 'x', '5', '5::', '5:5:x']) expect(() => parseSnapshot(bad), bad).toThrow(RangeError);
});
