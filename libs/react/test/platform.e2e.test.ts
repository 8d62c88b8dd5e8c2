import { createClient } from '@tidewire/client';
import type { AnyTables, Client, Fields } from '@tidewire/client';
import { sharedPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { Window } from 'happy-dom';
import { createElement, StrictMode, Suspense } from 'react';
import type { ReactNode } from 'react';
import type { createRoot as CreateRootFunction } from 'react-dom/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useConnectionStatus } from '../src/connection-status.ts';
import { useLiveRecord } from '../src/live-record.ts';
import type { LiveRecord } from '../src/live-record.ts';
import { useLiveTable, useLiveTableSuspense } from '../src/live-table.ts';
import type { LiveTable } from '../src/live-table.ts';
import { usePresence } from '../src/presence.ts';
import { TidewireProvider } from '../src/provider.ts';
import { openShop } from './shop.ts';
import type { Shop } from './shop.ts';

let platform: Platform;
let shop: Shop;
let createRoot: typeof CreateRootFunction;

beforeAll(async () => {
  platform = await sharedPlatform();
  shop = await openShop(platform);
  // A document for React, and Node's own network for the client.
  const window = new Window();
  Object.assign(globalThis, { window, document: window.document });
  ({ createRoot } = await import('react-dom/client'));
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

function clientOf(name: 'ada' | 'bob'): Client<AnyTables> {
  return createClient({ url: platform.origin, getToken: () => shop.tokens[name] });
}

interface Page extends AsyncDisposable {
  readonly client: Client<AnyTables>;
  text(): string;
  shows(text: string): Promise<void>;
}

function show(name: 'ada' | 'bob', component: () => ReactNode): Page {
  const client = clientOf(name);
  const container = document.createElement('div');
  const root = createRoot(container);
  const children = createElement(Suspense, { fallback: 'waiting' }, createElement(component));
  root.render(createElement(StrictMode, null, createElement(TidewireProvider, { client }, children)));
  const text = (): string => container.textContent;
  return {
    client,
    text,
    shows: async (expected) => {
      await waitFor(() => text() === expected, { what: `the page shows '${expected}'` });
    },
    [Symbol.asyncDispose]: async () => {
      root.unmount();
      await waitFor(() => text() === '', { what: 'the page is gone' });
      client.close();
    },
  };
}

test('two pages show what either of them writes, as it happens', async () => {
  let mine: LiveTable<Fields> | undefined = undefined as LiveTable<Fields> | undefined;
  await using one = show('ada', () => {
    mine = useLiveTable({ table: shop.orders, sort: 'total:asc' });
    const { rows, state } = mine;
    return `${useConnectionStatus().state} ${state}:${rows.map(({ fields }) => String(fields['total'])).join()}`;
  });
  let theirs: LiveTable<Fields, object> | undefined = undefined as LiveTable<Fields, object> | undefined;
  await using two = show('bob', () => {
    theirs = useLiveTableSuspense({
      table: shop.orders,
      sort: 'total:desc',
      fields: ['total'],
    });
    const { rows, total } = theirs;
    return `${total}:${rows.map(({ fields }) => JSON.stringify(fields)).join()}`;
  });
  expect(two.text()).toBe('');
  await one.shows('live live:');
  await two.shows('0:');
  await mine?.insert({ status: 'new', total: 2 });
  const row = await mine?.insert({ status: 'new', total: 1 });
  await one.shows('live live:1,2');
  await two.shows('2:{"total":2},{"total":1}');
  await theirs?.update(row?.id ?? '', { total: 3 });
  await one.shows('live live:2,3');
  await two.shows('2:{"total":3},{"total":2}');
  await mine?.delete(row?.id ?? '');
  await two.shows('1:{"total":2}');
});

test('a record is shown, edited in two places with a conflict, and gone when it is deleted', async () => {
  const maker = clientOf('ada');
  const { id } = await maker.dataSource({ table: shop.orders }).insert({ status: 'new', total: 7 });
  let mine: LiveRecord<Fields> | undefined = undefined as LiveRecord<Fields> | undefined;
  let theirs: LiveRecord<Fields> | undefined = undefined as LiveRecord<Fields> | undefined;
  await using one = show('ada', () => {
    mine = useLiveRecord({ table: shop.orders, id });
    const { record, state, conflict } = mine;
    return `${state}:${String(record?.fields['total'])} ${conflict === null ? '' : conflict.fields.join()}`;
  });
  await using two = show('bob', () => {
    theirs = useLiveRecord({ table: shop.orders, id });
    return `${theirs.state}:${String(theirs.record?.fields['total'])}`;
  });
  await one.shows('live:7 ');
  await two.shows('live:7');
  const edit = mine?.edit(['total']);
  await theirs?.update({ total: 8 });
  await one.shows('live:8 total');
  await edit?.save({ total: 9 });
  await one.shows('live:9 ');
  await theirs?.delete();
  await one.shows('live:undefined ');
  await two.shows('live:undefined');
  maker.close();
});

test('people on a page see each other come and go', async () => {
  const people = (): ReactNode => {
    const { users, state } = usePresence(`/${shop.orders}`);
    return `${state}:${users
      .map(({ name }) => name)
      .toSorted()
      .join()}`;
  };
  await using one = show('ada', people);
  await one.shows('present:ada');
  {
    await using two = show('bob', people);
    await two.shows('present:ada,bob');
    await one.shows('present:ada,bob');
  }
  await one.shows('present:ada');
});
