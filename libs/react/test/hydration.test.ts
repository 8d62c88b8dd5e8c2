// @vitest-environment happy-dom
import { createElement, Suspense } from 'react';
import type { ReactNode } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, test } from 'vitest';
import { useLiveTable, useLiveTableSuspense } from '../src/live-table.ts';
import type { LiveTableOptions } from '../src/live-table.ts';
import { TidewireProvider } from '../src/provider.ts';
import { FakeClient, row } from './fake-client.ts';
import { Screen } from './screen.ts';

type Options = LiveTableOptions<string>;

function Rows({ options }: { options: Options }): ReactNode {
  const { rows, state } = useLiveTable(options);
  return createElement('p', null, `${state}:${rows.map(({ id }) => id).join()}`);
}

function SuspendedRows({ options }: { options: Options }): ReactNode {
  const { rows, state } = useLiveTableSuspense(options);
  return createElement('p', null, `${state}:${rows.map(({ id }) => id).join()}`);
}

function onServer(children: ReactNode): string {
  return renderToString(createElement(TidewireProvider, { client: new FakeClient() }, children));
}

for (const [name, options, first] of [
  ['without rows', { table: 'orders' }, 'loading:'],
  ['with rows', { table: 'orders', initialRows: [row('a')] }, 'loading:a'],
] as const) {
  test(`the browser takes over HTML ${name} as it is, and goes on with live ones`, async () => {
    const page = createElement(Rows, { options });
    await using screen = new Screen({ html: onServer(page) });
    await screen.show(page);
    expect(screen.text).toBe(first);
    expect(screen.errors).toEqual([]);
    await screen.happen(() => screen.client.last.list(row('b')));
    expect(screen.text).toBe('live:b');
  });
}

test('rows that are here already when HTML is taken over come right after it, without a mismatch', async () => {
  const page = createElement(Rows, { options: { table: 'orders' } });
  await using earlier = new Screen();
  await earlier.show(page);
  await earlier.happen(() => earlier.client.last.list(row('a')));
  const html = onServer(page);
  await using screen = new Screen({ html, client: earlier.client });
  await screen.show(page);
  expect(screen.text).toBe('live:a');
  expect(screen.errors).toEqual([]);
});

test('what suspended on the server is rendered in the browser', async () => {
  const rows = createElement(SuspendedRows, { options: { table: 'orders' } });
  const page = createElement(Suspense, { fallback: 'waiting' }, rows);
  await using screen = new Screen({ html: onServer(page) });
  await screen.show(page);
  expect(screen.text).toBe('waiting');
  await screen.happen(() => screen.client.last.list(row('a')));
  expect(screen.text).toBe('live:a');
  // React tells that the server left something to the browser, once.
  expect(screen.errors).toHaveLength(1);
});
