import { createCollection } from '@tanstack/db';
import { expect, test } from 'vitest';
import { tidewireCollectionOptions } from '../src/collection-options.ts';
import { FakeClient, REFUSED } from './fake-table.ts';
import { open, rejection, settled } from './opened-collection.ts';
import type { Order } from './opened-collection.ts';

test('a collection has the rows of the table as flat objects, of the whole table up to the limit', async () => {
  await using opened = await open({ a: { status: 'new', total: 1 }, b: { status: 'new' } });
  expect(opened.rows()).toEqual([
    { id: 'a', status: 'new', total: 1 },
    { id: 'b', status: 'new' },
  ]);
  expect(opened.table.options).toEqual({ table: 'orders', limit: 1000 });
});

test('changes of others are written as they are, and nothing else', async () => {
  await using opened = await open({ a: { status: 'new' }, b: { status: 'new' }, c: { status: 'new' } });
  const { table, changes, rows } = opened;
  table.server('b', { status: 'old' });
  table.server('c');
  table.server('d', { status: 'new' });
  await settled();
  expect(changes.toSorted((x, y) => String(x.key).localeCompare(String(y.key)))).toEqual([
    { type: 'update', key: 'b' },
    { type: 'delete', key: 'c' },
    { type: 'insert', key: 'd' },
  ]);
  expect(rows()).toHaveLength(3);
});

test('a field that a record does not have any more is gone', async () => {
  await using opened = await open({ a: { status: 'new', total: 1 } });
  opened.table.server('a', { status: 'new' });
  await settled();
  expect(opened.rows()).toEqual([{ id: 'a', status: 'new' }]);
});

test('rows that the source has already are there at once', async () => {
  const fake = new FakeClient<{ orders: Order }>();
  const collection = createCollection(tidewireCollectionOptions({ client: fake.client, table: 'orders' }));
  collection.utils.getSource();
  fake.last.server('a', { status: 'new' });
  fake.last.live();
  await settled();
  await collection.preload();
  expect(collection.size).toBe(1);
  await collection.cleanup();
});

test('the same rows fetched again write nothing', async () => {
  await using opened = await open({ a: { status: 'new' } });
  opened.table.server('a', { status: 'new' });
  opened.table.become({ state: 'refreshing' });
  await settled();
  expect(opened.changes).toEqual([]);
});

test('rows that may not be seen any more go, with the status error; when they may again they are back', async () => {
  await using opened = await open({ a: { status: 'new' } });
  const { collection, table, rows } = opened;
  table.refuse();
  await settled();
  expect(rows()).toEqual([]);
  expect(collection.status).toBe('error');
  await collection.utils.refetch();
  expect(table.refetched).toBe(1);
  table.server('a', { status: 'new' });
  table.live();
  await settled();
  expect(collection.status).toBe('ready');
  expect(rows()).toEqual([{ id: 'a', status: 'new' }]);
});

test('who waits for rows that are refused is told why', async () => {
  const fake = new FakeClient<{ orders: Order }>();
  const collection = createCollection(tidewireCollectionOptions({ client: fake.client, table: 'orders' }));
  const refused = rejection(collection.preload());
  fake.last.refuse();
  expect(await refused).toBe(REFUSED);
  await collection.cleanup();
});

test('who waits for rows of a client that is closed is told', async () => {
  const fake = new FakeClient<{ orders: Order }>();
  const collection = createCollection(tidewireCollectionOptions({ client: fake.client, table: 'orders' }));
  const refused = rejection(collection.preload());
  fake.last.close();
  expect(await refused).toMatchObject({ message: 'The client was closed' });
  await collection.cleanup();
});

test('the rows of a client that is closed stay as they are', async () => {
  await using opened = await open({ a: { status: 'new' } });
  opened.table.close();
  await settled();
  expect(opened.collection.status).toBe('ready');
  expect(opened.rows()).toEqual([{ id: 'a', status: 'new' }]);
});

test('what is transient changes neither rows nor status', async () => {
  await using opened = await open({ a: { status: 'new' } });
  opened.table.become({ state: 'behind', error: REFUSED });
  await settled();
  expect(opened.collection.status).toBe('ready');
  expect(opened.changes).toEqual([]);
  expect(opened.collection.utils.getSource().getSnapshot().state).toBe('behind');
});

test('a collection that is cleaned up has nothing open, and begins anew when it is used again', async () => {
  const { fake, collection, table } = await open({ a: { status: 'new' } });
  await collection.cleanup();
  expect(table.closed).toBe(true);
  expect(table.listeners.size).toBe(0);
  const again = collection.preload();
  expect(fake.tables).toHaveLength(2);
  fake.last.server('b', { status: 'new' });
  fake.last.live();
  await again;
  expect(collection.toArray.map(({ id }) => id)).toEqual(['b']);
  await collection.cleanup();
  expect(fake.tables.every(({ closed }) => closed)).toBe(true);
});

test('a key that two records share is an error that names it', async () => {
  const fake = new FakeClient<{ orders: Order }>();
  const options = { client: fake.client, table: 'orders', getKey: ({ status }: Order) => status } as const;
  const collection = createCollection(tidewireCollectionOptions(options));
  const refused = rejection(collection.preload());
  fake.last.server('a', { status: 'new' });
  fake.last.server('b', { status: 'new' });
  fake.last.live();
  expect(await refused).toMatchObject({
    message: 'Two records have the same key: getKey has to tell them apart',
  });
  await collection.cleanup();
});
