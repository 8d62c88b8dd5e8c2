import { existsSync } from 'node:fs';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';
import { writeSteadily } from '../support/writers.ts';

const USUAL_PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** A browser under test talks to this machine and to nobody else. */
const BROWSER_OPTIONS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let platform: Platform;
let town: Town;
let browser: Browser;

beforeAll(async () => {
  const executablePath = process.env['CHROMIUM_BIN'] ?? USUAL_PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error('no Chromium: install one or set CHROMIUM_BIN');
  browser = await chromium.launch({ executablePath, args: BROWSER_OPTIONS });
  platform = await startPlatform({ gateways: 2 });
  town = await buildTown(platform.origin, platform.adminToken);
});

afterAll(async () => {
  await browser?.close();
  await platform?.[Symbol.asyncDispose]();
});

/** What the page has received, as it stands. */
async function received(page: Page): Promise<{ ids: string[]; created: string[]; opens: number }> {
  return page.evaluate('window.received') as Promise<{ ids: string[]; created: string[]; opens: number }>;
}

test("the browser's EventSource reconnects by itself and misses nothing while gateways are killed and terminated", async () => {
  const page = await browser.newPage();
  await page.goto(`${platform.origin}/`);
  const [register] = town.collection.split('/');
  const address = `/api/realtime/subscribe?topic=register/${register}&token=${town.tokens.admin}`;
  await page.evaluate(`
    window.received = { ids: [], created: [], opens: 0 };
    window.source = new EventSource(${JSON.stringify(address)});
    window.source.addEventListener('open', () => { window.received.opens += 1; });
    for (const name of ['object.created', 'object.updated', 'object.deleted']) {
      window.source.addEventListener(name, (message) => {
        window.received.ids.push(message.lastEventId);
        if (name === 'object.created') window.received.created.push(JSON.parse(message.data).data.uuid);
      });
    }
  `);
  await waitFor(async () => (await received(page)).opens === 1, {
    what: 'the stream is open',
    timeoutMs: 20_000,
  });
  const stop = new AbortController();
  const created: string[] = [];
  const writing = writeSteadily({
    api: town.as('alice'),
    collection: town.collection,
    rate: 50,
    signal: stop.signal,
    onAcknowledged: ({ uuid, version }) => {
      if (version === 1) created.push(uuid);
    },
  });
  for (const [name, signal] of [
    ['fanout-gateway-1', 'SIGKILL'],
    ['fanout-gateway-2', 'SIGKILL'],
    ['fanout-gateway-1', 'SIGTERM'],
    ['fanout-gateway-2', 'SIGTERM'],
  ] as const) {
    const before = (await received(page)).ids.length;
    await waitFor(async () => (await received(page)).ids.length > before + 25, {
      what: 'events flow in the browser',
      timeoutMs: 40_000,
    });
    await platform.restart(name, signal);
  }
  stop.abort();
  await writing;
  await waitFor(async () => (await received(page)).created.length >= created.length, {
    what: 'the browser has every row',
    timeoutMs: 40_000,
  });
  const { ids, created: seen, opens } = await received(page);
  expect(opens).toBeGreaterThan(1);
  expect(seen).toEqual(created);
  expect(ids).toEqual([...new Set(ids)].toSorted());
});
