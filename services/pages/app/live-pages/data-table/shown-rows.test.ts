import { SOURCE_STATES } from '@tidewire/client';
import { expect, test } from 'vitest';
import { columnsOf } from './column.ts';
import { wordsOf } from './pager.tsx';
import { inOrderOf, shownRows } from './shown-rows.ts';
import { nextSort } from './source-options.ts';
import { freshnessOf } from './table-words.ts';

const rows = Array.from({ length: 25 }, (_, index) => ({
  id: `${index}`,
  fields: { name: `row ${index}`, even: index % 2 === 0 },
  createdAt: '',
  updatedAt: '',
  pending: null,
}));
const columns = columnsOf({ type: 'dataTable', dataSource: { table: 't' } }, rows);
const wish = { columns, search: '', page: 0, pageSize: 10 };

test('rows come in pages, and the last one is where it ends', () => {
  expect(shownRows(rows, { ...wish, page: 2 })).toMatchObject({
    page: 2,
    pages: 3,
    offset: 20,
    matching: 25,
  });
  expect(shownRows(rows, { ...wish, page: 9 }).rows).toHaveLength(5);
  expect(shownRows([], wish)).toMatchObject({ page: 0, pages: 1, rows: [] });
  expect(shownRows(rows, { ...wish, pageSize: undefined }).rows).toHaveLength(25);
});

test('a search finds rows in which every word is shown', () => {
  expect(shownRows(rows, { ...wish, search: 'ROW yes 2' }).rows.map(({ id }) => id)).toEqual([
    '2',
    '12',
    '20',
    '22',
    '24',
  ]);
  expect(shownRows(rows, { ...wish, search: 'nothing' }).matching).toBe(0);
});

test('while somebody writes, rows stay where they are and new ones come last', () => {
  const [a, b, c] = rows;
  if (a === undefined || b === undefined || c === undefined) throw new Error('there are more');
  const order = new Map([
    [b.id, 0],
    [a.id, 1],
  ]);
  expect(inOrderOf([c, a, b], order)).toEqual([b, a, c]);
});

test('the count says of what it is', () => {
  const shown = { rows: rows.slice(0, 10), matching: 12, offset: 10 };
  expect(wordsOf(shown, 25, 25, false)).toBe('11–20 of 25');
  expect(wordsOf(shown, 25, 400, false)).toBe('11–20 of the first 25; the server has 400');
  expect(wordsOf(shown, 25, 400, true)).toBe('11–20 of 12 that match, of the first 25; the server has 400');
  expect(wordsOf({ ...shown, rows: [] }, 25, 25, true)).toBe('No row matches, of 25');
});

test('a header sorts up, down, and not any more', () => {
  const up = nextSort(null, 'a');
  const down = nextSort(up, 'a');
  expect([up, down, nextSort(down, 'a'), nextSort(down, 'b')]).toEqual([
    { field: 'a', direction: 'asc' },
    { field: 'a', direction: 'desc' },
    null,
    { field: 'b', direction: 'asc' },
  ]);
});

test('only what is live is called live, and what is not says to when it is true', () => {
  for (const state of SOURCE_STATES) {
    if (state === 'idle') continue;
    for (const link of ['live', 'offline', 'waiting'] as const) {
      const { words, tone, dated } = freshnessOf({
        state,
        link: { state: link },
        realtime: true,
        pollIntervalMs: 1000,
        failing: false,
      });
      expect([state, words === 'Live', tone === 'good']).toEqual([state, state === 'live', state === 'live']);
      expect([state, dated]).toEqual([state, !['live', 'loading', 'failed'].includes(state)]);
    }
  }
});
