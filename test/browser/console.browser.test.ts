import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { launchChromium } from '../support/chromium.ts';

const TOPIC = 'register/meldingen-register/schema/meldingen';
const OBJECTS = '/api/objects/meldingen-register/meldingen';

let platform: Platform;
let browser: Browser;
let admin: Api;
let alice: Api;

beforeAll(async () => {
  browser = await launchChromium();
  platform = await startPlatform({ demo: true });
  admin = createApi(platform.origin, platform.adminToken);
  alice = createApi(platform.origin, 'demo-alice');
});

afterAll(async () => {
  await browser?.close();
  await platform?.[Symbol.asyncDispose]();
});

/** A page of somebody's own at a place of the console, and what its browser complained about. */
async function open(name: string, path = '/console'): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    // What the browser says of an answer that is no success is no complaint: nobody was signed in.
    if (message.type() === 'error' && !message.text().includes('status of 401'))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${platform.origin}${path}`);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill('demo');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  return { page, complaints };
}

async function create(titel: string, status = 'nieuw'): Promise<string> {
  return (await alice.send<{ id: string }>('POST', OBJECTS, { titel, status })).id;
}

/** Somebody's stream: the id of its connection, and all that has come on it. */
async function openStream(token: string) {
  const abort = new AbortController();
  const response = await fetch(`${platform.origin}/api/realtime/subscribe?topic=${TOPIC}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: abort.signal,
  });
  let text = '';
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
  })().catch(() => undefined);
  return {
    connection: response.headers.get('tidewire-connection') ?? '',
    until: (part: string) => waitFor(() => text.includes(part), { what: `the stream says ${part}` }),
    [Symbol.asyncDispose]: async () => {
      abort.abort();
      await reading;
    },
  };
}

/** An event's line of the tail that has a text. */
const lineWith = (page: Page, text: string) => page.locator('.tail .event', { hasText: text });

test('an event is there as it is written, with what changed; a pause holds what is shown', async () => {
  const { page, complaints } = await open('admin', `/console?topic=${TOPIC}`);
  await page.locator('.state[data-state="live"]').waitFor();
  const id = await create('Put zonder deksel');
  await alice.send('PATCH', `${OBJECTS}/${id}`, { status: 'in_behandeling' });
  const line = lineWith(page, 'status').filter({ hasText: id.slice(0, 8) });
  await line.waitFor();
  await line.locator('summary').first().click();
  await expect(line.locator('.changes tbody').innerText()).resolves.toMatch(
    /status\s+"nieuw"\s+"in_behandeling"/,
  );

  await page.getByRole('button', { name: 'Pause' }).click();
  const other = await create('Tijdens de pauze');
  await page.getByText('1 event has come since').waitFor();
  expect(await lineWith(page, other.slice(0, 8)).count()).toBe(0);
  await page.getByRole('button', { name: 'Resume' }).click();
  await lineWith(page, other.slice(0, 8)).waitFor();

  await page.getByPlaceholder('Text in an event').fill('pauze');
  await waitFor(async () => (await page.locator('.tail .event').count()) === 1, {
    what: 'one event matches',
  });
  await page.getByLabel('created').uncheck();
  await page.getByText('None of the events that are kept matches.').waitFor();
  expect(complaints).toEqual([]);
  await page.close();
});

test('a long pause keeps 500 events, says how many it let go, and where they are missing', async () => {
  const { page, complaints } = await open('admin', '/console?topic=register/shop');
  await page.locator('.state[data-state="live"]').waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  const records = Array.from({ length: 620 }, (_, index) => ({ fields: { customer: `Klant ${index}` } }));
  await alice.send('POST', '/api/tables/orders/records/batch', { records });
  await page.getByText('620 events have come since, 120 of which were not kept.').waitFor();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByText('500 shown of 620').waitFor();
  await page.getByText('Events may be missing here: 120 came during the pause').waitFor();
  expect(await page.locator('.tail .event').count()).toBe(500);
  await page.getByPlaceholder('Text in an event').fill('Klant 619');
  await waitFor(async () => (await page.locator('.tail .event').count()) === 1, {
    what: 'the newest is kept',
  });
  expect(complaints).toEqual([]);
  await page.close();
});

test('topics are chosen in a list that Escape closes, and kept in the address', async () => {
  const { page, complaints } = await open('admin');
  await page.locator('.topics > summary').click();
  await page.getByRole('checkbox', { name: 'register/shop', exact: false }).first().uncheck();
  await page.keyboard.press('Escape');
  expect(await page.getByRole('checkbox', { name: TOPIC }).isVisible()).toBe(false);
  const { searchParams } = new URL(page.url());
  expect(searchParams.getAll('topic')).toContain('register/meldingen-register');
  expect(searchParams.getAll('topic')).not.toContain('register/shop');
  await page.locator('.state[data-state="live"]').waitFor();
  expect(complaints).toEqual([]);
  await page.close();
});

test('says that it is behind while no gateway is there, and then shows what happened meanwhile', async () => {
  const { page } = await open('admin', `/console?topic=${TOPIC}`);
  await page.locator('.state[data-state="live"]').waitFor();
  await platform.kill('fanout-gateway-1');
  await page.locator('.state[data-state="behind"]').waitFor();
  const id = await create('Terwijl er geen gateway was');
  await platform.restart('fanout-gateway-1', 'SIGKILL');
  await lineWith(page, id.slice(0, 8)).waitFor({ timeout: 60_000 });
  await page.locator('.state[data-state="live"]').waitFor();
  await page.close();
});

test('a connection is listed over all gateways and ended by its button', async () => {
  const { page, complaints } = await open('admin', '/console/connections?principal=alice');
  await page.getByText('Nobody is connected.').waitFor();
  await using stream = await openStream('demo-alice');
  const row = page.locator(`tr[data-connection="${stream.connection}"]`);
  await row.waitFor();
  await expect(row.innerText()).resolves.toMatch(/alice[^]*meldingen[^]*Server-Sent Events/);
  await row.getByRole('button', { name: 'End the connection of alice' }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await row.getByRole('button', { name: 'End the connection of alice' }).click();
  await page.getByRole('button', { name: 'End it' }).click();
  await stream.until('"code":"CONNECTION_ENDED"');
  await page.getByText('The connection of alice was ended.').waitFor();
  await page.getByText('Nobody is connected.').waitFor();
  expect(complaints).toEqual([]);
  await page.close();
});

test('says why somebody does not get an event that somebody else gets, from the event on', async () => {
  const { page, complaints } = await open('admin');
  await page.locator('.state[data-state="live"]').waitFor();
  const id = await create('Alleen voor behandelaars', 'vertrouwelijk');
  const line = lineWith(page, id.slice(0, 8));
  await line.locator('summary').first().click();
  await line.getByRole('link', { name: 'Who would see this?' }).click();
  await page.getByText('alice is told that the object was created').waitFor();
  await page.getByText('bob is not told of it').click();
  await page.getByRole('heading', { name: 'bob is not told of it' }).waitFor();
  const answer = page.getByRole('article', { name: 'Explanation' });
  await expect(answer.innerText()).resolves.toMatch(
    /None of the rules for 'read' lets the row pass[^]*'behandelaars'/,
  );
  await answer.getByRole('link', { name: '/authorization/read/1' }).click();
  await page.getByRole('heading', { name: 'Meldingen' }).waitFor();
  const selected = `(({ value = '', selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd))(document.activeElement)`;
  await waitFor(async () => String(await page.evaluate(selected)).includes('"$ne": "vertrouwelijk"'), {
    what: 'the rule is selected in the policy',
  });
  expect(complaints).toEqual([]);
  await page.close();
});

test('a subscription is explained, too, with what stops its events', async () => {
  const { page } = await open('admin', `/console/explain?principal=carol&topic=${TOPIC}`);
  await create('Van een andere gemeente');
  await page.reload();
  await page.getByRole('heading', { name: 'carol may subscribe' }).waitFor();
  await page.getByRole('link', { name: 'Explain the newest' }).first().click();
  await page.getByRole('heading', { name: /carol is not told of it/ }).waitFor();
  await page.close();
});

test('rules are refused at their place, tried without being written, and saved when that is confirmed', async () => {
  const { results } = await admin.send<{ results: { id: string; table: string }[] }>('GET', '/api/schemas');
  const id = results.find(({ table }) => table === 'meldingen')?.id ?? '';
  const policy = `/api/policies/schema/${id}`;
  const { version } = await admin.send<{ version: number }>('GET', policy);
  const { page } = await open('admin', `/console/policies/schema/${id}`);
  const rules = page.getByLabel('Rules', { exact: true });
  const before = await rules.inputValue();

  await rules.fill(before.replace('"vertrouwelijk"', '"vertrouwelijk", "$neq": 1'));
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByRole('alert').getByText('/authorization/read/1/match/status').waitFor();

  await rules.fill(before.replace('"vertrouwelijk"', '"nieuw"'));
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByRole('rowheader', { name: 'bob' }).waitFor();
  expect((await admin.send<{ version: number }>('GET', policy)).version).toBe(version);

  await page.getByRole('button', { name: 'Save…' }).click();
  await page.getByRole('dialog').getByText('would lose something').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  expect((await admin.send<{ version: number }>('GET', policy)).version).toBe(version + 1);
  await admin.send('PUT', policy, JSON.parse(before));
  await page.close();
});

test('shows how the installation is, and a change of rights as it is made', async () => {
  const { page, complaints } = await open('admin', '/console/health');
  await page.getByText('fanout-gateway').waitFor();
  await page.getByText(/The origin is\s*ready/).waitFor();
  await page.getByText(/Delivery is\s*live/).waitFor();
  await page.locator('.audit .state[data-state="live"]').waitFor();
  await admin.send('POST', '/api/principals', { id: 'dana', name: 'Dana' });
  await page.locator('.audit .event', { hasText: 'dana' }).first().waitFor();
  expect(complaints).toEqual([]);
  await page.close();
});

test('somebody who is no administrator is told so and sees nothing', async () => {
  const asked: string[] = [];
  const { page } = await open('alice', '/console/connections');
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.reload();
  await page.getByRole('heading', { name: 'The console is for administrators' }).waitFor();
  expect(await page.getByRole('navigation').count()).toBe(0);
  expect(asked.filter((path) => path.startsWith('/api/') && path !== '/api/auth/me')).toEqual([]);
  await page.close();
});
