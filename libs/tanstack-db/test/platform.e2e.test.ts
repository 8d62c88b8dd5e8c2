import { createCollection, createLiveQueryCollection, eq } from '@tanstack/db';
import { ClientError, ConflictError, createClient } from '@tidewire/client';
import type { Client } from '@tidewire/client';
import { sharedPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tidewireCollectionOptions } from '../src/collection-options.ts';
import { openShop } from './shop.ts';
import type { Shop } from './shop.ts';

interface Order {
  status: 'new' | 'shipped';
  total?: number;
}

let platform: Platform;
let shop: Shop;
const clients: Client<Record<string, Order>>[] = [];

beforeAll(async () => {
  platform = await sharedPlatform();
  shop = await openShop(platform);
});

afterAll(async () => {
  for (const client of clients) client.close();
  await platform[Symbol.asyncDispose]();
});

function connect(name: 'ada' | 'bob'): Client<Record<string, Order>> {
  const getToken = (): string => shop.tokens[name];
  const client = createClient<Record<string, Order>>({ url: platform.origin, getToken });
  clients.push(client);
  return client;
}

async function open(name: 'ada' | 'bob') {
  const collection = createCollection(
    tidewireCollectionOptions({ client: connect(name), table: shop.orders }),
  );
  // A collection is kept up to date for as long as somebody looks.
  const watching = collection.subscribeChanges(() => {});
  await collection.preload();
  const state = (): string => collection.utils.getSource().getSnapshot().state;
  await waitFor(() => state() === 'live', { what: 'changes come as they happen' });
  return {
    collection,
    [Symbol.asyncDispose]: async () => {
      watching.unsubscribe();
      await collection.cleanup();
    },
  };
}

test('what one inserts, changes and deletes is shown at once, never goes back, and reaches the other', async () => {
  await using mine = await open('ada');
  await using theirs = await open('bob');
  const totals: unknown[] = [];
  const news = createLiveQueryCollection((query) =>
    query.from({ order: mine.collection }).where(({ order }) => eq(order.status, 'new')),
  );
  news.subscribeChanges(() => totals.push(news.toArray.map(({ total }) => total)));
  await news.preload();

  const inserted = mine.collection.insert({ id: 'mine', status: 'new', total: 1 });
  expect(news.toArray.map(({ total }) => total)).toEqual([1]);
  await inserted.isPersisted.promise;
  const id = mine.collection.toArray[0]?.id ?? '';
  expect(id).not.toBe('mine');
  await waitFor(() => theirs.collection.has(id), { what: 'the other has it' });
  await theirs.collection.update(id, (draft) => void (draft.total = 2)).isPersisted.promise;
  await waitFor(() => mine.collection.get(id)?.total === 2, { what: 'it has come back' });
  await mine.collection.update(id, (draft) => void (draft.total = 3)).isPersisted.promise;
  await waitFor(() => theirs.collection.get(id)?.total === 3, { what: 'the other has the change' });
  await mine.collection.delete(id).isPersisted.promise;
  await waitFor(() => theirs.collection.size === 0, { what: 'it is gone for the other' });
  expect(
    totals.filter((shown, index) => JSON.stringify(shown) !== JSON.stringify(totals[index - 1])),
  ).toEqual([[1], [2], [3], []]);
  await news.cleanup();
});

test('what the server refuses is taken back, and the transaction says why', async () => {
  await using mine = await open('ada');
  const { collection } = mine;
  const refused = collection.insert({ id: 'mine', status: 'lost' as 'new' });
  expect(collection.size).toBe(1);
  await expect(refused.isPersisted.promise).rejects.toBeInstanceOf(ClientError);
  expect(collection.size).toBe(0);
});

test('who writes what somebody else has just written is told of the conflict, and shown what is there', async () => {
  await using mine = await open('ada');
  await using theirs = await open('bob');
  await mine.collection.insert({ id: 'mine', status: 'new', total: 1 }).isPersisted.promise;
  const id = mine.collection.toArray[0]?.id ?? '';
  await waitFor(() => theirs.collection.has(id), { what: 'both have it' });
  const outcomes = await Promise.allSettled([
    mine.collection.update(id, (draft) => void (draft.total = 10)).isPersisted.promise,
    theirs.collection.update(id, (draft) => void (draft.total = 20)).isPersisted.promise,
  ]);
  const lost = outcomes.filter(({ status }) => status === 'rejected');
  expect(lost).toHaveLength(1);
  expect(lost[0]).toMatchObject({ reason: expect.any(ConflictError) });
  const won = outcomes[0]?.status === 'fulfilled' ? 10 : 20;
  const totals = (): unknown[] => [mine, theirs].map(({ collection }) => collection.get(id)?.total);
  await waitFor(() => totals().every((total) => total === won), { what: 'both show what was written' });
});
