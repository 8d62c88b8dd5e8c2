import type { LogEntry } from '@tidewire/messaging';
import { expect, test } from 'vitest';
import { ReplayRing } from './ring.ts';

const entry = (sequence: number, bytes = 100): LogEntry =>
  ({ epoch: '00000001', sequence, subject: 'events.x', message: undefined, bytes }) as unknown as LogEntry;

const sequences = (entries: readonly LogEntry[]): number[] => entries.map(({ sequence }) => sequence);

test('holds the newest entries by count and says from where on it is complete', () => {
  const ring = new ReplayRing({ maxEvents: 3, maxBytes: 1000 });
  ring.reset(10);
  expect(ring.covers(10)).toBe(true);
  expect(ring.covers(9)).toBe(false);
  for (let sequence = 11; sequence <= 15; sequence += 1) ring.push(entry(sequence));
  expect(sequences(ring.read(0, 99))).toEqual([13, 14, 15]);
  expect(ring.covers(12)).toBe(true);
  expect(ring.covers(11)).toBe(false);
});

test('is bounded by bytes, even when one entry alone is larger', () => {
  const ring = new ReplayRing({ maxEvents: 100, maxBytes: 250 });
  ring.reset(0);
  for (let sequence = 1; sequence <= 3; sequence += 1) ring.push(entry(sequence));
  expect(sequences(ring.read(0, 99))).toEqual([2, 3]);
  ring.push(entry(4, 500));
  expect(ring.size).toBe(0);
  expect(ring.bytes).toBe(0);
  expect(ring.covers(4)).toBe(true);
  expect(ring.covers(3)).toBe(false);
});

test('reads a window after one position up to another, over holes in the numbers', () => {
  const ring = new ReplayRing({ maxEvents: 100, maxBytes: 100_000 });
  ring.reset(0);
  for (const sequence of [1, 2, 5, 6, 9]) ring.push(entry(sequence));
  expect(sequences(ring.read(2, 6))).toEqual([5, 6]);
  expect(sequences(ring.read(3, 8))).toEqual([5, 6]);
  expect(ring.read(9, 9)).toEqual([]);
});

test('stays exact over many more entries than it holds', () => {
  const ring = new ReplayRing({ maxEvents: 7, maxBytes: 100_000 });
  ring.reset(0);
  for (let sequence = 1; sequence <= 20_000; sequence += 1) ring.push(entry(sequence));
  expect(sequences(ring.read(0, 99_999))).toEqual([19994, 19995, 19996, 19997, 19998, 19999, 20000]);
  expect(ring.bytes).toBe(700);
});
