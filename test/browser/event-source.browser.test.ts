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

interface Received {
  readonly ids: string[];
  /** Versions by row, as the events tell. */
  readonly rows: Readonly<Record<string, number>>;
  readonly opens: number;
  /** `resync` and `end` frames. */
  readonly others: string[];
}

/** What the page has received, as it stands. */
async function received(page: Page): Promise<Received> {
  return page.evaluate('window.received') as Promise<Received>;
}

test("the browser's EventSource reconnects by itself and misses nothing while gateways are killed and terminated", async () => {
  const page = await browser.newPage();
  await page.goto(`${platform.origin}/`);
  const [register] = town.collection.split('/');
  const address = `/api/realtime/subscribe?topic=register/${register}&token=${town.tokens.admin}`;
  await page.evaluate(`
    window.received = { ids: [], rows: {}, opens: 0, others: [] };
    window.source = new EventSource(${JSON.stringify(address)});
    window.source.addEventListener('open', () => { window.received.opens += 1; });
    for (const name of ['resync', 'end']) {
      window.source.addEventListener(name, (message) => window.received.others.push(name + ' ' + message.data));
    }
    for (const name of ['object.created', 'object.updated', 'object.deleted']) {
      window.source.addEventListener(name, (message) => {
        window.received.ids.push(message.lastEventId);
        const { uuid, object } = JSON.parse(message.data).data;
        if (object) window.received.rows[uuid] = object._version;
        else delete window.received.rows[uuid];
      });
    }
  `);
  await waitFor(async () => (await received(page)).opens === 1, {
    what: 'the stream is open',
    timeoutMs: 20_000,
  });
  const stop = new AbortController();
  const writing = writeSteadily({
    api: town.as('alice'),
    collection: town.collection,
    rate: 50,
    signal: stop.signal,
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
  const last = await town
    .as('alice')
    .send<{ id: string }>('POST', `/api/objects/${town.collection}`, { titel: 'last' });
  await waitFor(async () => last.id in (await received(page)).rows, {
    what: 'the browser has the last row',
    timeoutMs: 40_000,
  });
  const { ids, rows, opens, others } = await received(page);
  expect(others.filter((frame) => frame.startsWith('resync'))).toEqual([]);
  expect(opens).toBeGreaterThan(1);
  const listed = await town
    .as('admin')
    .send<{ results: { id: string; _version: number }[] }>(
      'GET',
      `/api/objects/${town.collection}?_limit=1000`,
    );
  expect(rows).toEqual(Object.fromEntries(listed.results.map((row) => [row.id, row._version])));
  expect(ids).toEqual([...new Set(ids)].toSorted());
});
