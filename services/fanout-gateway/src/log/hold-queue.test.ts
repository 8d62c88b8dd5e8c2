import type { LogEntry } from '@tidewire/messaging';
import { expect, test } from 'vitest';
import { HoldQueue } from './hold-queue.ts';

const entry = (sequence: number): LogEntry =>
  ({
    epoch: '00000001',
    sequence,
    subject: 'events.x',
    message: undefined,
    bytes: 10,
  }) as unknown as LogEntry;

test('gives back what it held, in order, and is empty then', () => {
  const queue = new HoldQueue({ maxEvents: 10, maxBytes: 1000 });
  expect(queue.empty).toBe(true);
  queue.push(entry(1));
  queue.push(entry(2));
  expect(queue.empty).toBe(false);
  expect(queue.take().map(({ sequence }) => sequence)).toEqual([1, 2]);
  expect(queue.empty).toBe(true);
  expect(queue.takeOverflowed()).toBe(false);
});

test.each([
  ['events', { maxEvents: 2, maxBytes: 1000 }],
  ['bytes', { maxEvents: 100, maxBytes: 25 }],
])('is bounded by %s and remembers that something was given up until that was told', (_, limits) => {
  const queue = new HoldQueue(limits);
  for (let sequence = 1; sequence <= 3; sequence += 1) queue.push(entry(sequence));
  expect(queue.overflowing).toBe(true);
  expect(queue.giveUp().length).toBe(3);
  // Nothing may be taken for level with the log while somebody has still to be told.
  expect(queue.empty).toBe(false);
  expect(queue.overflowing).toBe(true);
  expect(queue.takeOverflowed()).toBe(true);
  expect(queue.takeOverflowed()).toBe(false);
  expect(queue.empty).toBe(true);
});
