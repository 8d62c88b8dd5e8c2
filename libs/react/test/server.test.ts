import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createElement, Suspense } from 'react';
import type { ReactNode } from 'react';
import { renderToPipeableStream, renderToString } from 'react-dom/server';
import { expect, test } from 'vitest';
import { useConnectionStatus } from '../src/connection-status.ts';
import { useLiveRecord } from '../src/live-record.ts';
import { useLiveTable, useLiveTableSuspense } from '../src/live-table.ts';
import type { LiveTableOptions } from '../src/live-table.ts';
import { usePresence } from '../src/presence.ts';
import { TidewireProvider } from '../src/provider.ts';
import { FakeClient, row } from './fake-client.ts';
import { FakeClock } from './fake-clock.ts';

type Options = LiveTableOptions<string>;

function Rows({ options }: { options: Options }): ReactNode {
  const { rows, state } = useLiveTable(options);
  return `${state}:${rows.map(({ id }) => id).join()}`;
}

function SuspendedRows({ options }: { options: Options }): ReactNode {
  const { rows, state } = useLiveTableSuspense(options);
  return `${state}:${rows.map(({ id }) => id).join()}`;
}

function Everything(): ReactNode {
  const { record, state } = useLiveRecord({ table: 'orders', id: 'a', initialRecord: row('a') });
  const { users } = usePresence('orders');
  return `${state}:${record?.id} ${users.length} ${useConnectionStatus().state}`;
}

/** Renders in a process that has neither a window nor a document, and leaves nothing behind. */
async function render(children: ReactNode): Promise<{ html: string; streamed: string; errors: string[] }> {
  const client = new FakeClient();
  const clock = new FakeClock();
  const errors: string[] = [];
  const tree = createElement(TidewireProvider, { client, clock }, children);
  const html = renderToString(tree);
  const stream = new PassThrough();
  const { pipe } = renderToPipeableStream(tree, {
    onAllReady: () => void pipe(stream),
    onError: (error) => void errors.push((error as Error).message),
  });
  const streamed = await text(stream);
  expect(client.sources).toEqual([]);
  expect(client.pages.size).toBe(0);
  expect(client.listeners).toBe(0);
  expect(clock.armed).toBe(0);
  return { html, streamed, errors };
}

test('nothing of a browser is there', () => {
  expect('window' in globalThis).toBe(false);
  expect('document' in globalThis).toBe(false);
});

test('the server renders rows as loading, and asks for none', async () => {
  const { html, streamed } = await render(createElement(Rows, { options: { table: 'orders' } }));
  expect(html).toBe('loading:');
  expect(streamed).toBe('loading:');
});

test('the server renders the rows that the app gives', async () => {
  const options = { table: 'orders', initialRows: [row('a'), row('b')] };
  const { html, streamed } = await render([
    createElement(Rows, { key: 1, options }),
    createElement(SuspendedRows, { key: 2, options }),
  ]);
  expect(html).toBe('loading:a,b<!-- -->loading:a,b');
  expect(streamed).toBe(html);
});

test('the server renders a record that the app gives, nobody present, no connection', async () => {
  const { html } = await render(createElement(Everything));
  expect(html).toBe('loading:a 0 idle');
});

test('rows that suspend are left to the browser: the server renders the fallback, and ends', async () => {
  const rows = createElement(SuspendedRows, { options: { table: 'orders' } });
  const { html, streamed, errors } = await render(createElement(Suspense, { fallback: 'waiting' }, rows));
  expect(html).toContain('waiting');
  expect(streamed).toContain('waiting');
  expect(errors).toEqual(['Without initialRows only the browser has rows: it goes on from here']);
});
