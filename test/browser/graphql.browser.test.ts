import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { createApi } from '../support/api.ts';

const SAMPLE = 'subscription { meldingenEvents(filter: {status: "nieuw"}) { _uuid titel status } }';
const WITH_HIDDEN = 'subscription { meldingenEvents(filter: {status: "nieuw"}) { titel melderEmail } }';

let platform: Platform;
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
  platform = await startPlatform({ gateways: 2, demo: true });
});

afterAll(async () => {
  await browser?.close();
  await platform?.[Symbol.asyncDispose]();
});

interface Heard {
  readonly id: string;
  readonly result: unknown;
}

/** A page whose EventSource has opened a subscription; what it hears is kept there. */
async function subscribe(document: string, who: 'alice' | 'bob', cursor = ''): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`${platform.origin}/livez`);
  const query = new URLSearchParams({ query: document, token: `demo-${who}` });
  if (cursor !== '') query.set('lastEventId', cursor);
  await page.evaluate(`
    window.heard = [];
    window.opened = false;
    window.source = new EventSource(${JSON.stringify(`/api/graphql/subscriptions?${query.toString()}`)});
    window.source.addEventListener('open', () => { window.opened = true; });
    window.source.addEventListener('next', ({ data, lastEventId }) => {
      window.heard.push({ id: lastEventId, result: JSON.parse(data) });
    });
  `);
  await waitFor(async () => page.evaluate('window.opened'), {
    what: 'the subscription is open',
    timeoutMs: 20_000,
  });
  return page;
}

async function untilHeard(page: Page, count: number): Promise<readonly Heard[]> {
  const heard = async (): Promise<readonly Heard[]> => page.evaluate('window.heard');
  await waitFor(async () => (await heard()).length >= count, {
    what: `${count} results arrive`,
    timeoutMs: 20_000,
  });
  return await heard();
}

async function report(titel: string, status = 'nieuw'): Promise<string> {
  const row = { titel, status, melderEmail: 'jan@example.org' };
  const alice = createApi(platform.origin, 'demo-alice');
  const { id } = await alice.send<{ id: string }>('POST', '/api/objects/meldingen-register/meldingen', row);
  return id;
}

test("the document's sample works from the browser's EventSource, goes on after its cursor and may be told to fetch again", async () => {
  const page = await subscribe(SAMPLE, 'bob');
  await report('elsewhere', 'afgehandeld');
  const seen = await report('seen');
  const [first] = await untilHeard(page, 1);
  expect(first?.result).toEqual({
    data: { meldingenEvents: { _uuid: seen, titel: 'seen', status: 'nieuw' } },
  });
  await page.close();
  await report('missed');
  const again = await subscribe(SAMPLE, 'bob', first?.id);
  await untilHeard(again, 1);
  await report('live');
  const heard = await untilHeard(again, 2);
  expect(heard.map(({ result }) => result)).toMatchObject([
    { data: { meldingenEvents: { titel: 'missed' } } },
    { data: { meldingenEvents: { titel: 'live' } } },
  ]);
  await again.close();
  const lost = await subscribe(SAMPLE, 'bob', 'no cursor');
  const [resync] = await untilHeard(lost, 1);
  expect(resync?.result).toMatchObject({ data: null, extensions: { resync: { reason: 'malformed' } } });
  await lost.close();
});

test('a field that may not be read is null in the browser of who may not, with an error that says so', async () => {
  const [handler, member] = [await subscribe(WITH_HIDDEN, 'alice'), await subscribe(WITH_HIDDEN, 'bob')];
  await report('Losse tegel');
  const [[all], [some]] = await Promise.all([untilHeard(handler, 1), untilHeard(member, 1)]);
  expect(all?.result).toEqual({
    data: { meldingenEvents: { titel: 'Losse tegel', melderEmail: 'jan@example.org' } },
  });
  expect(some?.result).toMatchObject({
    data: { meldingenEvents: { titel: 'Losse tegel', melderEmail: null } },
    errors: [{ path: ['meldingenEvents', 'melderEmail'], extensions: { code: 'FIELD_FORBIDDEN' } }],
  });
  await Promise.all([handler.close(), member.close()]);
});
