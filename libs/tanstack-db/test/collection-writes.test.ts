import { createCollection } from '@tanstack/db';
import { expect, test } from 'vitest';
import { tidewireCollectionOptions } from '../src/collection-options.ts';
import { FakeClient, REFUSED } from './fake-table.ts';
import { open, rejection, settled } from './opened-collection.ts';

test('an update is shown at once, and never as it was before', async () => {
  await using opened = await open({ a: { status: 'new', total: 1 } });
  const { collection, table, seen, rows } = opened;
  const transaction = collection.update('a', (draft) => void (draft.status = 'mine'));
  expect(rows()).toEqual([{ id: 'a', status: 'mine', total: 1 }]);
  await settled();
  expect(table.writes.map(({ kind, id, values }) => [kind, id, values])).toEqual([
    ['update', 'a', { status: 'mine' }],
  ]);
  table.answer();
  await transaction.isPersisted.promise;
  expect(rows()).toEqual([{ id: 'a', status: 'mine', total: 1 }]);
  await settled();
  expect(seen.flat().map(({ status }) => status)).not.toContain('new');
});

test('an update that is refused is taken back, and says why', async () => {
  await using opened = await open({ a: { status: 'new' } });
  const { collection, table, rows } = opened;
  const transaction = collection.update('a', (draft) => void (draft.status = 'mine'));
  const refused = rejection(transaction.isPersisted.promise);
  await settled();
  table.answer(REFUSED);
  expect(await refused).toBe(REFUSED);
  expect(rows()).toEqual([{ id: 'a', status: 'new' }]);
  await settled();
  expect(rows()).toEqual([{ id: 'a', status: 'new' }]);
});

test('two updates of a row, of which the first is done, never show what was before either', async () => {
  await using opened = await open({ a: { status: 'new', total: 1 } });
  const { collection, table, seen, rows } = opened;
  const first = collection.update('a', (draft) => void (draft.status = 'mine'));
  const second = collection.update('a', (draft) => void (draft.total = 2));
  await settled();
  table.answer();
  await first.isPersisted.promise;
  await settled();
  expect(rows()).toEqual([{ id: 'a', status: 'mine', total: 2 }]);
  table.answer(REFUSED);
  await expect(second.isPersisted.promise).rejects.toBe(REFUSED);
  await settled();
  expect(rows()).toEqual([{ id: 'a', status: 'mine', total: 1 }]);
  expect(seen.flat().map(({ status }) => status)).not.toContain('new');
});

test('updates of two rows are done one after the other without either going back', async () => {
  await using opened = await open({ a: { status: 'new' }, b: { status: 'new' } });
  const { collection, table, seen, rows } = opened;
  const first = collection.update('a', (draft) => void (draft.status = 'mine'));
  const second = collection.update('b', (draft) => void (draft.status = 'mine'));
  await settled();
  table.answer();
  await first.isPersisted.promise;
  await settled();
  table.answer();
  await second.isPersisted.promise;
  await settled();
  expect(rows().map(({ status }) => status)).toEqual(['mine', 'mine']);
  expect(
    seen
      .slice(2)
      .flat()
      .map(({ status }) => status),
  ).not.toContain('new');
});

test('what somebody else writes beside an own write is shown with it', async () => {
  await using opened = await open({ a: { status: 'new', total: 1 } });
  const { collection, table, rows } = opened;
  const transaction = collection.update('a', (draft) => void (draft.status = 'mine'));
  await settled();
  table.server('a', { status: 'new', total: 2 });
  table.server('b', { status: 'theirs' });
  await settled();
  table.answer();
  await transaction.isPersisted.promise;
  await settled();
  expect(rows()).toEqual([
    { id: 'a', status: 'mine', total: 2 },
    { id: 'b', status: 'theirs' },
  ]);
});

test('a field that is taken out of a row is cleared', async () => {
  await using opened = await open({ a: { status: 'new', total: 1 } });
  const transaction = opened.collection.update('a', (draft) => void delete draft.total);
  await settled();
  expect(opened.table.writes.map(({ values }) => values)).toEqual([{ total: null }]);
  opened.table.answer();
  await transaction.isPersisted.promise;
});

test('a new row is shown at once, and becomes the one of the server without being away or there twice', async () => {
  await using opened = await open();
  const { collection, table, seen, rows } = opened;
  const transaction = collection.insert({ id: 'mine', status: 'new' });
  expect(rows()).toEqual([{ id: 'mine', status: 'new' }]);
  await settled();
  expect(table.writes.map(({ kind, values }) => [kind, values])).toEqual([['insert', { status: 'new' }]]);
  table.answer();
  await transaction.isPersisted.promise;
  await settled();
  expect(rows()).toEqual([{ id: 'server-1', status: 'new' }]);
  expect(seen.map(({ length }) => length)).toEqual(seen.map(() => 1));
});

test('a new row that is refused goes', async () => {
  await using opened = await open();
  const transaction = opened.collection.insert({ id: 'mine', status: 'new' });
  const refused = rejection(transaction.isPersisted.promise);
  await settled();
  opened.table.answer(REFUSED);
  expect(await refused).toBe(REFUSED);
  expect(opened.rows()).toEqual([]);
});

test('a new row can be changed before the server has given it an id', async () => {
  await using opened = await open();
  const { collection, table, seen, rows } = opened;
  const inserted = collection.insert({ id: 'mine', status: 'new' });
  const updated = collection.update('mine', (draft) => void (draft.status = 'old'));
  await settled();
  table.answer();
  await inserted.isPersisted.promise;
  await settled();
  expect(table.writes.map(({ kind, id, values }) => [kind, id, values])).toEqual([
    ['update', 'server-1', { status: 'old' }],
  ]);
  table.answer();
  await updated.isPersisted.promise;
  await settled();
  expect(rows()).toEqual([{ id: 'server-1', status: 'old' }]);
  expect(seen.map(({ length }) => length)).toEqual(seen.map(() => 1));
});

test('of several new rows those that are refused go and the others stay', async () => {
  await using opened = await open();
  const transaction = opened.collection.insert([
    { id: 'x', status: 'refused' },
    { id: 'y', status: 'done' },
  ]);
  const refused = rejection(transaction.isPersisted.promise);
  await settled();
  opened.table.answer(REFUSED);
  await settled();
  // Nothing is taken back before it is known what comes of all.
  expect(opened.rows().map(({ id }) => id)).toEqual(['x', 'y']);
  opened.table.answer();
  expect(await refused).toBe(REFUSED);
  await settled();
  expect(opened.rows()).toEqual([{ id: 'server-2', status: 'done' }]);
});

test('a deleted row is gone at once, and for good when the server has done it', async () => {
  await using opened = await open({ a: { status: 'new' }, b: { status: 'new' } });
  const { collection, table, rows, changes } = opened;
  const transaction = collection.delete('a');
  expect(rows()).toEqual([{ id: 'b', status: 'new' }]);
  await settled();
  table.answer();
  await transaction.isPersisted.promise;
  await settled();
  expect(rows()).toEqual([{ id: 'b', status: 'new' }]);
  expect(changes).toEqual([{ type: 'delete', key: 'a' }]);
});

test('a row whose deletion is refused is back', async () => {
  await using opened = await open({ a: { status: 'new' } });
  const { collection, table, rows } = opened;
  const transaction = collection.delete('a');
  const refused = rejection(transaction.isPersisted.promise);
  await settled();
  table.answer(REFUSED);
  expect(await refused).toBe(REFUSED);
  await settled();
  expect(rows()).toEqual([{ id: 'a', status: 'new' }]);
});

test('with a key of the app a new row stays the same row', async () => {
  const fake = new FakeClient<{ orders: { number: string; status: string } }>();
  const options = {
    client: fake.client,
    table: 'orders',
    getKey: ({ number }: { number: string }) => number,
  } as const;
  const collection = createCollection(tidewireCollectionOptions(options));
  const changes: string[] = [];
  collection.subscribeChanges((told) => void changes.push(...told.map(({ type, key }) => `${type} ${key}`)));
  fake.last.live();
  await collection.preload();
  const transaction = collection.insert({ id: 'mine', number: 'A-1', status: 'new' });
  await settled();
  fake.last.answer();
  await transaction.isPersisted.promise;
  await settled();
  expect(collection.get('A-1')).toMatchObject({ id: 'server-1', number: 'A-1' });
  expect(changes).toEqual(['insert A-1', 'update A-1']);
  await collection.cleanup();
});

test('a write through the source is shown at once, too', async () => {
  await using opened = await open({ a: { status: 'new' } });
  const { collection, table, rows } = opened;
  const written = collection.utils.getSource().update('a', { status: 'mine' });
  await settled();
  expect(rows()).toEqual([{ id: 'a', status: 'mine' }]);
  const refused = rejection(written);
  table.answer(REFUSED);
  expect(await refused).toBe(REFUSED);
  await settled();
  expect(rows()).toEqual([{ id: 'a', status: 'new' }]);
});
