// @vitest-environment happy-dom
import { BasicIndex, createCollection, eq } from '@tanstack/db';
import { useLiveQuery } from '@tanstack/react-db';
import { act, createElement } from 'react';
import type { ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, test } from 'vitest';
import { tidewireCollectionOptions } from '../src/collection-options.ts';
import { FakeClient, REFUSED } from './fake-table.ts';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

interface Tables {
  orders: { status: string; customer: string };
  customers: { name: string };
}

test('a live query joins two tables, shows own writes at once and takes back what is refused', async () => {
  const fake = new FakeClient<Tables>();
  const { client } = fake;
  const orders = createCollection(tidewireCollectionOptions({ client, table: 'orders' }));
  const customers = createCollection(tidewireCollectionOptions({ client, table: 'customers' }));
  customers.createIndex(({ id }) => id, { indexType: BasicIndex });
  function Open(): ReactNode {
    const { data, isReady } = useLiveQuery((query) =>
      query
        .from({ order: orders })
        .join({ customer: customers }, ({ order, customer }) => eq(order.customer, customer.id))
        .where(({ order }) => eq(order.status, 'open'))
        .select(({ order, customer }) => ({ id: order.id, name: customer?.name })),
    );
    return isReady ? data.map(({ id, name }) => `${id}:${name}`).join() : 'loading';
  }
  const container = document.createElement('div');
  const root = createRoot(container);
  const table = (name: keyof Tables) => {
    const found = fake.tables.find(({ options }) => options.table === name);
    if (found === undefined) throw new Error(`Nobody asked for ${name}`);
    return found;
  };
  await act(async () => root.render(createElement(Open)));
  expect(container.textContent).toBe('loading');
  await act(async () => {
    table('orders').server('o1', { status: 'open', customer: 'c1' });
    table('orders').server('o2', { status: 'closed', customer: 'c1' });
    table('customers').server('c1', { name: 'Ada' });
    table('orders').live();
    table('customers').live();
  });
  expect(container.textContent).toBe('o1:Ada');

  let refused: unknown = undefined;
  await act(async () => {
    const transaction = orders.update('o2', (draft) => void (draft.status = 'open'));
    transaction.isPersisted.promise.catch((error: unknown) => (refused = error));
  });
  expect(container.textContent).toBe('o1:Ada,o2:Ada');
  await act(async () => table('orders').answer(REFUSED));
  expect(refused).toBe(REFUSED);
  expect(container.textContent).toBe('o1:Ada');

  await act(async () => root.unmount());
  for (const collection of [orders, customers]) {
    // The query is given up a moment after the component.
    if (collection.subscriberCount > 0) await collection.waitFor('subscribers:change');
    await collection.cleanup();
  }
  expect(fake.tables.map(({ closed, listeners }) => [closed, listeners.size])).toEqual([
    [true, 0],
    [true, 0],
  ]);
});
