import { freePort, startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import { launchChromium } from '../support/chromium.ts';
import { Newcomer, readGuide } from '../support/newcomer.ts';
import type { Guide } from '../support/newcomer.ts';

/** What the page shows besides its table, put on a page as a reader would. */
const EVERYTHING = `
import { TidewireProvider, useLiveTable } from '@tidewire/react';
import { createRoot } from 'react-dom/client';
import { client } from './client';
import { Connection } from './connection';
import { CustomerForm } from './customer-form';
import { People } from './people';
import { ShipButton } from './ship-button';

function Newest() {
  const { rows } = useLiveTable({ table: 'orders', filter: 'status:eq:new', sort: 'createdAt:desc', limit: 1 });
  return rows.map(({ id }) => <div key={id}><CustomerForm id={id} /><ShipButton id={id} /></div>);
}

createRoot(document.getElementById('root')!).render(
  <TidewireProvider client={client}><Connection /><People /><Newest /></TidewireProvider>,
);
`;

interface Order {
  readonly id: string;
  readonly fields: { readonly customer: string; readonly status: string };
  readonly updatedAt: string;
}

let platform: Platform;
let browser: Browser;
let newcomer: Newcomer;
let guide: Guide;
let site = '';

const commandWith = (part: string): string => guide.commands.find((block) => block.includes(part)) ?? '';

beforeAll(async () => {
  [browser, platform, newcomer] = await Promise.all([
    launchChromium(),
    startPlatform({ demo: true }),
    Newcomer.arrive(),
  ]);
  guide = readGuide('docs/getting-started.md', platform.origin);
  await newcomer.run(commandWith('npm install'), newcomer.checkout);
  await newcomer.run(commandWith('npx tidewire types'));
  await newcomer.write(guide.files);
  await newcomer.write(
    new Map([
      ['src/everything.tsx', EVERYTHING],
      ['everything.html', (guide.files.get('index.html') ?? '').replace('/main.tsx', '/everything.tsx')],
    ]),
  );
  const port = await freePort();
  const said = newcomer.start(`${commandWith('npx vite')} --port ${port} --strictPort`);
  site = `http://localhost:${port}`;
  await waitFor(() => said().includes(site), { what: 'vite gives its address', timeoutMs: 30_000 });
});

afterAll(async () => {
  await browser?.close();
  await newcomer?.[Symbol.asyncDispose]();
  await platform?.[Symbol.asyncDispose]();
});

async function open(path: string): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(`${site}${path}`);
  return { page, faults };
}

async function newestOrder(): Promise<Order> {
  const query = 'filter=status:eq:new&sort=createdAt:desc&limit=1';
  const list = await createApi(platform.origin, 'demo-bob').send<{ records: Order[] }>(
    'GET',
    `/api/tables/orders/records?${query}`,
  );
  const [order] = list.records;
  if (order === undefined) throw new Error('there is no new order');
  return order;
}

test('the table is live, and shows what somebody else writes with the command of the page', async () => {
  const { page, faults } = await open('/');
  await page.getByText('live', { exact: true }).waitFor();
  expect(await page.locator('tr').count()).toBeGreaterThan(0);
  await newcomer.run(commandWith('Jansen'));
  await page.getByRole('row', { name: 'Jansen 250' }).waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

test('who edits is told what somebody else wrote, saves all the same, and ships', async () => {
  await newcomer.run(commandWith('Jansen'));
  const { page, faults } = await open('/everything.html');
  await page.getByRole('button', { name: 'Edit Jansen' }).click();
  const order = await newestOrder();
  await createApi(platform.origin, 'demo-bob').send('PATCH', `/api/tables/orders/records/${order.id}`, {
    fields: { customer: 'Pietersen' },
    updatedAt: order.updatedAt,
  });
  await page.getByRole('alert').getByText('wrote “Pietersen” meanwhile').waitFor();
  await page.locator('input').fill('Janssen & Co');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Edit Janssen & Co' }).waitFor();
  expect((await newestOrder()).fields.customer).toBe('Janssen & Co');
  await page.getByRole('button', { name: 'Ship' }).click();
  await page.getByRole('button', { name: 'Edit Janssen & Co' }).waitFor({ state: 'detached' });
  expect((await newestOrder()).id).not.toBe(order.id);
  expect(faults).toEqual([]);
  await page.close();
});

test('the page tells by what it is connected, and who is there', async () => {
  const { page, faults } = await open('/everything.html');
  await page.getByText('live websocket').waitFor();
  await page.getByText('Here: Alice').waitFor();
  expect(faults).toEqual([]);
  await page.close();
});
