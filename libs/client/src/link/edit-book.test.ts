import type { RecordConflict } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { EditBook } from './edit-book.ts';
import type { EditSink } from './link.ts';

const at = (second: number): string => new Date(Date.UTC(2026, 2, 21, 12, 0, second)).toISOString();

function createSink(second: number): EditSink & { readonly told: string[] } {
  let seen = at(second);
  const told: string[] = [];
  return {
    told,
    updatedAt: () => seen,
    conflict: (conflict) => {
      seen = conflict.updatedAt;
      told.push(conflict.overwrittenFields.join());
    },
  };
}

const conflict = (fields: string[], second: number): RecordConflict => ({
  type: 'conflict',
  table: 'orders',
  recordId: 'r1',
  overwrittenFields: fields,
  overwrittenBy: { id: 'bob', name: 'Bob' },
  authoritativeRecord: { id: 'r1', fields: {} },
  updatedAt: at(second),
  eventId: 'evt-00000000-000000000001',
  timestamp: at(second),
});
const edit = (...fields: string[]) => ({ table: 'orders', recordId: 'r1', fields });

test('two editors of one record are one edit to the server: all fields, since the older version', () => {
  const book = new EditBook(new ManualClock());
  book.add(edit('a', 'b'), createSink(5));
  expect(book.add(edit('b', 'c'), createSink(3))).toEqual({
    type: 'pending',
    ...edit('a', 'b', 'c'),
    updatedAt: at(3),
  });
  expect(book.announcements).toHaveLength(1);
});

test('each is told of its own fields only, and nobody of the same write again', () => {
  const book = new EditBook(new ManualClock());
  const [one, two] = [createSink(1), createSink(2)];
  book.add(edit('a', 'b'), one);
  book.add(edit('c'), two);
  expect(book.conflict(conflict(['a'], 8))).toMatchObject({ fields: ['a', 'b', 'c'], updatedAt: at(8) });
  expect([one.told, two.told]).toEqual([['a'], []]);
});

test('who is done leaves the record to the others, and the last one settles it', () => {
  const book = new EditBook(new ManualClock());
  const [one, two] = [createSink(1), createSink(2)];
  book.add(edit('a'), one);
  book.add(edit('c'), two);
  expect(book.remove('r1', one)).toMatchObject({ type: 'pending', fields: ['c'], updatedAt: at(2) });
  expect(book.remove('r1', one)).toBeUndefined();
  expect(book.remove('r1', two)).toEqual({ type: 'settled', table: 'orders', recordId: 'r1' });
  expect(book.size).toBe(0);
});

test('an edit that cannot be followed at the moment is announced again, unless it is over by then', async () => {
  const clock = new ManualClock();
  const book = new EditBook(clock);
  const sink = createSink(1);
  const said: unknown[] = [];
  book.add(edit('a'), sink);
  const error = {
    type: 'error',
    code: 'SERVICE_UNAVAILABLE',
    message: 'later',
    detail: [{ field: 'recordId', message: 'r1' }],
  } as const;
  expect(book.refuse({ ...error, detail: [...error.detail] }, (one) => said.push(one))).toBe(true);
  await clock.advance(5000);
  expect(said).toHaveLength(1);
  book.refuse({ ...error, detail: [...error.detail] }, (one) => said.push(one));
  book.remove('r1', sink);
  await clock.advance(5000);
  expect(said).toHaveLength(1);
  expect(book.refuse({ type: 'error', code: 'NOT_FOUND', message: 'no' }, () => undefined)).toBe(false);
});
