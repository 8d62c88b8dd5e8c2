import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';
import { writeSteadily } from '../support/writers.ts';

let platform: Platform;
let town: Town;
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
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
  await restartWhileEventsFlow(page);
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
  expect(rows).toEqual(await listed('admin'));
  expect(ids).toEqual([...new Set(ids)].toSorted());
});

/** The versions of all rows that somebody may read. */
async function listed(name: 'admin' | 'bob'): Promise<Readonly<Record<string, number>>> {
  const { results } = await town
    .as(name)
    .send<{ results: { id: string; _version: number }[] }>(
      'GET',
      `/api/objects/${town.collection}?_limit=1000`,
    );
  return Object.fromEntries(results.map(({ id, _version }) => [id, _version]));
}

/** Ends both gateways in both ways, with events in between. */
async function restartWhileEventsFlow(page: Page): Promise<void> {
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
}

/** A page of the origin in a browser of its own, with a session of Bob. */
async function openAsBob(): Promise<Page> {
  const who = await town.as('bob').send<{ principal: { id: string } }>('GET', '/api/auth/me');
  const login = { username: who.principal.id, password: 'a password for browsers' };
  await town.admin.send('PUT', `/api/principals/${login.username}/password`, { password: login.password });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${platform.origin}/`);
  const status = await page.evaluate(
    `fetch('/api/auth/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(
      JSON.stringify(login),
    )} }).then((answer) => answer.status)`,
  );
  expect(status).toBe(204);
  return page;
}

/** Subscribes with nothing but the document in the address. `others` gets what is no event, and `complete`. */
async function subscribe(page: Page, document: string): Promise<void> {
  const address = `/api/graphql/subscriptions?query=${encodeURIComponent(document)}`;
  await page.evaluate(`
    window.received = { ids: [], rows: {}, opens: 0, others: [] };
    window.source = new EventSource(${JSON.stringify(address)});
    window.source.addEventListener('open', () => { window.received.opens += 1; });
    window.source.addEventListener('next', (message) => {
      const { data, errors, extensions } = JSON.parse(message.data);
      if (data == null) {
        window.received.others.push('next ' + JSON.stringify(errors ?? extensions));
        return;
      }
      const [event] = Object.values(data);
      window.received.ids.push(message.lastEventId);
      if (event._version === null) delete window.received.rows[event._uuid];
      else window.received.rows[event._uuid] = event._version;
    });
    window.source.addEventListener('complete', (message) => window.received.others.push('complete' + message.data));
  `);
  await waitFor(async () => (await received(page)).opens === 1, {
    what: 'the subscription is open',
    timeoutMs: 20_000,
  });
}

test("the browser's EventSource follows a GraphQL subscription with the session of its page and misses nothing while gateways restart", async () => {
  const page = await openAsBob();
  const existing = await listed('bob');
  await subscribe(page, 'subscription { casesEvents { _uuid _version titel } }');
  const stop = new AbortController();
  const api = town.as('alice');
  const writing = writeSteadily({ api, collection: town.collection, rate: 50, signal: stop.signal });
  await restartWhileEventsFlow(page);
  stop.abort();
  await writing;
  const row = { titel: 'last', status: 'nieuw' };
  const last = await api.send<{ id: string }>('POST', `/api/objects/${town.collection}`, row);
  await waitFor(async () => last.id in (await received(page)).rows, {
    what: 'the browser has the last row',
    timeoutMs: 40_000,
  });
  const { ids, rows, opens, others } = await received(page);
  expect(others).toEqual([]);
  expect(opens).toBeGreaterThan(1);
  expect(ids).toEqual([...new Set(ids)].toSorted());
  const changed = Object.entries(await listed('bob')).filter(([id, version]) => existing[id] !== version);
  expect(rows).toEqual(Object.fromEntries(changed));
  await page.context().close();
});

test("the browser's EventSource stops when its GraphQL subscription is complete, because its reconnect is answered with nothing", async () => {
  const [register] = town.collection.split('/');
  const { id } = await town.admin.send<{ id: string }>('POST', '/api/schemas', {
    register,
    slug: 'brief',
    authorization: { read: ['authenticated'] },
    properties: { titel: { type: 'string' } },
  });
  const page = await openAsBob();
  const statuses: number[] = [];
  page.on('response', (response) => {
    if (response.url().includes('/api/graphql/')) statuses.push(response.status());
  });
  await subscribe(page, 'subscription { briefEvents { titel } }');
  await town.admin.ask('DELETE', `/api/schemas/${id}`);
  await waitFor(async () => (await page.evaluate('window.source.readyState')) === 2, {
    what: 'the browser gives up',
    timeoutMs: 40_000,
  });
  const { opens, others } = await received(page);
  expect(others).toEqual([expect.stringMatching(/^next \[\{.*"code":"GONE"/), 'complete']);
  expect([opens, statuses]).toEqual([1, [200, 204]]);
  await page.context().close();
});

/** Opens a socket in the page and keeps what comes; the page's own cookies go with it. */
async function openSocket(page: Page, address: string): Promise<void> {
  await page.evaluate(`
    window.told = { messages: [], opened: false, closed: undefined, extensions: '' };
    window.socket = new WebSocket(${JSON.stringify(address)});
    window.socket.onopen = () => Object.assign(window.told, { opened: true, extensions: window.socket.extensions });
    window.socket.onmessage = ({ data }) => window.told.messages.push(JSON.parse(data));
    window.socket.onclose = ({ code, reason }) => { window.told.closed = { code, reason }; };
  `);
}

interface Told {
  readonly messages: readonly { readonly type: string; readonly record?: { readonly fields: unknown } }[];
  readonly opened: boolean;
  readonly closed: { readonly code: number; readonly reason: string } | undefined;
  readonly extensions: string;
}

test("the browser's WebSocket follows a table with the session of its page, which no other site can use", async () => {
  const page = await openAsBob();
  const context = page.context();
  const told = async (of: Page): Promise<Told> => of.evaluate('window.told') as Promise<Told>;
  const address = `${platform.origin.replace(/^http/, 'ws')}/api/tables/${town.schemaId}/subscribe`;
  await openSocket(page, address);
  await waitFor(async () => (await told(page)).messages.length > 0, { what: 'the subscription begins' });
  const long = 'a title that is worth compressing '.repeat(100);
  await town.as('alice').send('POST', `/api/objects/${town.collection}`, { titel: long, status: 'nieuw' });
  await waitFor(async () => (await told(page)).messages.some(({ type }) => type === 'change'), {
    what: 'the change arrives',
  });
  const { messages, extensions } = await told(page);
  expect(messages.map(({ type }) => type).slice(0, 2)).toEqual(['subscribed', 'change']);
  expect(messages[1]?.record?.fields).toMatchObject({ titel: long, status: 'nieuw' });
  expect(extensions).toContain('permessage-deflate');

  // The same machine by another name is another site to a browser; its cookies are sent along all the same.
  const elsewhere = await context.newPage();
  await elsewhere.route('http://other.test/', (route) =>
    route.fulfill({ contentType: 'text/html', body: 'another site' }),
  );
  await elsewhere.goto('http://other.test/');
  await openSocket(elsewhere, address);
  await waitFor(async () => (await told(elsewhere)).closed !== undefined, { what: 'the socket is refused' });
  expect(await told(elsewhere)).toMatchObject({ opened: false, closed: { code: 1006 } });
  await context.close();
});
