import { expect, test } from 'vitest';
import { formatValue, isEditable, readDraft } from './cell-value.ts';
import { columnsOf, fetchedFields, valueOf, wordsOf } from './column.ts';

const row = (id: string, fields: Readonly<Record<string, unknown>>) => ({
  id,
  fields,
  createdAt: '2026-03-21T11:00:00.000Z',
  updatedAt: '2026-03-21T12:00:00.000Z',
  pending: null,
});
const table = { type: 'dataTable', dataSource: { table: 'orders' } } as const;

test('what a column is, is what its values are', () => {
  const rows = [
    row('1', {
      n: 1.5,
      b: true,
      d: '2026-03-21',
      t: 'x',
      m: 1,
      o: { a: 1 },
      e: null,
      z: '2026-03-21T11:00:00Z',
    }),
    row('2', { n: 2, b: null, d: '2026-03-22', t: '2026-03-22', m: 'x', o: 'text', e: null }),
  ];
  const kinds = columnsOf(table, rows).map(({ field, kind, decimals }) => [field, kind, decimals]);
  expect(kinds).toEqual([
    ['n', 'number', 1],
    ['b', 'boolean', 0],
    ['d', 'date', 0],
    ['t', 'text', 0],
    ['m', 'text', 0],
    ['o', 'other', 0],
    ['e', 'text', 0],
    ['z', 'time', 0],
  ]);
});

test('columns that are named are those that there are, in their order, and their fields are fetched', () => {
  const named = {
    ...table,
    columns: [{ field: 'updatedAt' }, { field: 'total', label: 'Sum' }, { field: 'total' }],
  };
  expect(columnsOf(named, []).map(({ label }) => label)).toEqual(['Updated at', 'Sum', 'Total']);
  expect(columnsOf(named, []).map(({ writable }) => writable)).toEqual([false, true, true]);
  expect(fetchedFields(named)).toEqual(['total']);
  expect(fetchedFields(table)).toBeUndefined();
});

test('a field that is called like a member of every object is a field', () => {
  expect(valueOf(row('1', {}), 'constructor')).toBeUndefined();
  expect(valueOf(row('1', JSON.parse('{"__proto__": 5}')), '__proto__')).toBe(5);
});

test.for([
  ['costTotal', 'Cost total'],
  ['cost_total', 'Cost total'],
  ['sku', 'Sku'],
] as const)('%s is called %s', ([field, words]) => {
  expect(wordsOf(field)).toBe(words);
});

test('values are shown as their column is', () => {
  expect(formatValue(5, { kind: 'number', decimals: 2 })).toMatch(/^5[.,]00$/);
  expect(formatValue(true, { kind: 'boolean', decimals: 0 })).toBe('Yes');
  expect(formatValue(null, { kind: 'text', decimals: 0 })).toBe('');
  expect(formatValue({ a: 1 }, { kind: 'other', decimals: 0 })).toBe('{"a":1}');
  expect(formatValue('2026-03-21', { kind: 'date', decimals: 0 })).toContain('2026');
  expect(formatValue('x'.repeat(1000), { kind: 'text', decimals: 0 })).toHaveLength(201);
});

test.for([
  ['12.5', 'number', { value: 12.5 }],
  ['-.5e1', 'number', { value: -5 }],
  ['1,5', 'number', { fault: 'Write a number, such as 12.5' }],
  ['0x10', 'number', { fault: 'Write a number, such as 12.5' }],
  ['1e999', 'number', { fault: 'Write a number, such as 12.5' }],
  ['  ', 'number', { value: null }],
  ['', 'text', { value: null }],
  ['12', 'text', { value: '12' }],
  ['true', 'boolean', { value: true }],
  ['false', 'boolean', { value: false }],
] as const)('%j in a column of kind %s is %j', ([draft, kind, read]) => {
  expect(readDraft(draft, kind)).toEqual(read);
});

test('what is no single value is not written in a cell', () => {
  const column = { field: 'f', label: 'F', kind: 'text', decimals: 0, writable: true } as const;
  expect(isEditable(column, 'x')).toBe(true);
  expect(isEditable(column, null)).toBe(true);
  expect(isEditable(column, ['x'])).toBe(false);
  expect(isEditable({ ...column, kind: 'other' }, 'x')).toBe(false);
  expect(isEditable({ ...column, writable: false }, 'x')).toBe(false);
});
