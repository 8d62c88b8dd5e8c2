import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareText, createCompare } from './compare.ts';
import type { SortType } from './compare.ts';
import { Rows, toRow } from './rows.ts';

const record = (id: string, fields: object, version = 1) => ({
  id,
  fields: { ...fields },
  createdAt: '2026-03-21T12:00:00.000Z',
  updatedAt: `2026-03-21T12:00:00.${String(version).padStart(3, '0')}Z`,
});
const ids = (rows: Rows): string[] => rows.sorted.map(({ id }) => id);
const change = (transition: 'created' | 'entered' | 'updated' | 'left', one: ReturnType<typeof record>) =>
  ({
    type: 'change',
    event: 'update',
    table: 'rows',
    recordId: one.id,
    eventId: 'evt-00000000-000000000001',
    transition,
    ...(transition !== 'left' && { record: one }),
    timestamp: one.updatedAt,
  }) as const;

test('an older state of a row never takes the place of a newer one, in whatever order they come', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 5 }), (versions) => {
      const rows = new Rows([], 10);
      rows.replace({ records: [record('a', { n: 0 }, 0)], total: 1 });
      for (const n of versions) rows.apply(change('updated', record('a', { n }, n)));
      expect(rows.find('a')?.fields).toEqual({ n: 5 });
    }),
  );
});

test('rows that a list brings again unchanged stay the same objects', () => {
  const rows = new Rows([], 10);
  rows.replace({ records: [record('a', { n: 1 }), record('b', { n: 2 })], total: 2 });
  const [a, b] = rows.sorted;
  rows.replace({ records: [record('b', { n: 2 }), record('a', { n: 9 }, 2)], total: 2 });
  expect(rows.sorted[0]).toBe(b);
  expect(rows.sorted[1]).not.toBe(a);
});

test('a row of the same version with other fields is another: what may be read has changed', () => {
  const rows = new Rows([], 10);
  rows.replace({ records: [record('a', { n: 1, secret: 2 })], total: 1 });
  rows.replace({ records: [record('a', { n: 1 })], total: 1 });
  expect(rows.sorted[0]?.fields).toEqual({ n: 1 });
});

test('behind the last row of a part nothing is added, because others may come before it', () => {
  const rows = new Rows([{ field: 'n' }], 2);
  rows.setTypes(['number']);
  rows.replace({ records: [record('a', { n: 1 }), record('b', { n: 3 })], total: 9 });
  rows.apply(change('created', record('c', { n: 4 })));
  rows.apply(change('created', record('d', { n: 2 })));
  expect(ids(rows)).toEqual(['a', 'd', 'b']);
  expect(rows.total).toBe(11);
  rows.apply(change('updated', record('a', { n: 8 }, 2)));
  expect(ids(rows)).toEqual(['d', 'b']);
  expect(rows.short).toBe(false);
  rows.apply(change('left', record('d', {})));
  expect(rows.short).toBe(true);
});

test('a list that is whole stays whole until there are too many rows to keep', () => {
  const rows = new Rows([], 2);
  rows.replace({ records: [], total: 0 });
  for (let n = 0; n < 42; n += 1) rows.apply(change('created', record(`r${String(n).padStart(2, '0')}`, {})));
  expect([rows.total, rows.sorted.length, rows.short]).toEqual([42, 42, false]);
  rows.apply(change('created', record('r99', {})));
  expect([rows.total, rows.sorted.length]).toEqual([43, 22]);
});

test('texts are ordered as the database orders their bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      expect(Math.sign(compareText(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
  );
  expect(compareText('\u{1F600}', '\uFF5E')).toBeGreaterThan(0);
});

test.for<[SortType, readonly unknown[]]>([
  ['number', [-1, 0, 2, 10, null]],
  ['text', ['A', 'B', 'a', 'ä', '\u{1F600}', undefined]],
  ['boolean', [false, true, null]],
  ['instant', ['2026-01-01T02:00:00+02:00', '2026-01-01T00:30:00Z', 'no time']],
])(
  'values of type %s are in order, and what has none comes last, whatever the direction',
  ([type, values]) => {
    const rows = values.map((value, index) => toRow(record(`id${index}`, { v: value })));
    const order = (direction: 'asc' | 'desc'): unknown[] =>
      rows.toSorted(createCompare([{ field: 'v', direction }], [type])).map(({ fields }) => fields['v']);
    expect(order('asc')).toEqual(values);
    expect(order('desc')).toEqual([...values.slice(0, -1).toReversed(), values.at(-1)]);
  },
);

test('rows that are alike are in the order of their ids, and a term without an order is passed over', () => {
  const rows = ['b', 'c', 'a'].map((id) => toRow(record(id, { v: { deep: id } })));
  const sorted = rows.toSorted(createCompare([{ field: 'v', direction: 'desc' }], ['none']));
  expect(sorted.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
});

test('`createdAt` is the time of the record, also where a field is called so', () => {
  const rows = [toRow(record('a', { updatedAt: 'a' }, 2)), toRow(record('b', { updatedAt: 'b' }, 1))];
  const sorted = rows.toSorted(createCompare([{ field: 'updatedAt' }], ['instant']));
  expect(sorted.map(({ id }) => id)).toEqual(['b', 'a']);
});
