import type { LogEntry } from '@tidewire/messaging';
import { expect, test } from 'vitest';
import { Fold } from './fold.ts';
import type { PendingObject } from './fold.ts';

const entry = (sequence: number, uuid: string, schema = 's1'): LogEntry =>
  ({
    epoch: '00000001',
    sequence,
    message: { kind: 'object', uuid, schema: { id: schema, slug: schema } },
  }) as unknown as LogEntry;

const fold = (...entries: readonly LogEntry[]): Fold => {
  const result = new Fold();
  for (const each of entries) result.add(each);
  return result;
};

const sequences = (objects: Iterable<PendingObject>): number[][] =>
  [...objects].map(({ events }) => events.map(({ sequence }) => sequence));

test('collects the events of each object in the order of the log', () => {
  expect(sequences(fold(entry(1, 'a'), entry(2, 'b'), entry(5, 'a')).objects())).toEqual([[1, 5], [2]]);
});

test('takes the same uuid in another schema for another object', () => {
  expect(sequences(fold(entry(1, 'a'), entry(2, 'a', 's2')).objects())).toEqual([[1], [2]]);
});

test('what a client was told of an object moves its beginning, of others it does not', () => {
  const folded = fold(entry(1, 'a'), entry(2, 'b'), entry(3, 'a'), entry(4, 'b'), entry(5, 'c'));
  const [a, , c] = [...folded.objects()];
  if (a === undefined || c === undefined) throw new Error('no objects');
  folded.written(3, new Set([a]));
  expect(sequences(folded.objects())).toEqual([[2, 4], [5]]);
  folded.add(entry(6, 'a'));
  folded.add(entry(7, 'c'));
  folded.written(5, new Set([c]));
  expect(sequences(folded.objects())).toEqual([[2, 4], [7], [6]]);
});
