import { formatEventId } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { chooseCursor, decideStart, isBeyond } from './cursor.ts';
import type { LogView, Start } from './cursor.ts';

const epoch = '0abcdefg';
const log: LogView = { applied: { epoch, sequence: 100 }, leader: { epoch, first: 20, last: 110 } };
const id = (sequence: number, of = epoch): string => formatEventId({ epoch: of, sequence });

const cases: readonly (readonly [cursor: string | undefined, start: Start])[] = [
  [undefined, { kind: 'live' }],
  ['evt-123', { kind: 'resync', reason: 'malformed' }],
  [`${id(50)} `, { kind: 'resync', reason: 'malformed' }],
  ['evt-__proto__-000000000001', { kind: 'resync', reason: 'malformed' }],
  [id(50, '00000001'), { kind: 'resync', reason: 'epoch' }],
  [id(50, 'zzzzzzzz'), { kind: 'resync', reason: 'epoch' }],
  [id(18), { kind: 'resync', reason: 'expired' }],
  [id(19), { kind: 'after', sequence: 19 }],
  [id(99), { kind: 'after', sequence: 99 }],
  [id(100), { kind: 'after', sequence: 100 }],
  [id(110), { kind: 'after', sequence: 110 }],
  [id(111), { kind: 'resync', reason: 'ahead' }],
];

test.each(cases)('decides where the stream of cursor %s begins', (cursor, start) => {
  expect(decideStart(cursor, log)).toEqual(start);
});

test('does not call a cursor ahead that this process has applied, whatever an older word of the leader says', () => {
  const late = { ...log, leader: { epoch, first: 20, last: 90 } };
  expect(decideStart(id(100), late)).toEqual({ kind: 'after', sequence: 100 });
});

test('does not answer for a newer epoch that the leader has and this process has not seen', () => {
  const leader = { epoch: '0zzzzzzz', first: 1, last: 5 };
  expect(decideStart(id(3, leader.epoch), { ...log, leader })).toEqual({ kind: 'unknown' });
});

test('asks the leader only about what lies beyond what was applied', () => {
  const applied = { epoch, sequence: 100 };
  expect(isBeyond(undefined, applied)).toBe(false);
  expect(isBeyond('nonsense', applied)).toBe(false);
  expect(isBeyond(id(100), applied)).toBe(false);
  expect(isBeyond(id(5, '00000001'), applied)).toBe(false);
  expect(isBeyond(id(101), applied)).toBe(true);
  expect(isBeyond(id(1, 'zzzzzzzz'), applied)).toBe(true);
});

test('prefers the header to the query, which an automatic reconnect repeats from the first request', () => {
  expect(chooseCursor('new', 'old')).toBe('new');
  expect(chooseCursor(undefined, 'old')).toBe('old');
  expect(chooseCursor('', 'old')).toBe('old');
  expect(chooseCursor('', '')).toBeUndefined();
});
