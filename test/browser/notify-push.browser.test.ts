import { fileURLToPath } from 'node:url';
import { PUSH_PATHS } from '@tidewire/contract';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import { bundleForBrowser } from '../support/browser-bundle.ts';
import { launchChromium } from '../support/chromium.ts';

const COLLECTION = 'or-collection-meldingen-register-meldingen';

let platform: Platform;
let browser: Browser;
let library: string;

beforeAll(async () => {
  browser = await launchChromium();
  [platform, library] = await Promise.all([
    startPlatform({ demo: true, notifiers: 2 }),
    bundleForBrowser(fileURLToPath(import.meta.resolve('@nextcloud/notify_push')), 'NotifyPush'),
  ]);
});

afterAll(async () => {
  await browser?.close();
  await platform?.[Symbol.asyncDispose]();
});

/** A page on which Bob is signed in, with the library as Nextcloud gives it to its apps. */
async function openPage(): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`${platform.origin}/`);
  await page.evaluate(`
    (async () => {
      await fetch('/api/auth/login', { method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username: 'bob', password: 'demo' }) });
      const answer = await fetch('${PUSH_PATHS.capabilities}?format=json', { headers: { 'OCS-APIRequest': 'true' } });
      window._oc_capabilities = (await answer.json()).ocs.data.capabilities;
      window.heard = [];
    })()`);
  await page.evaluate(`${library}; window.NotifyPush = NotifyPush;`);
  return page;
}

const heard = async (page: Page): Promise<readonly { name: string; body: { uuid?: string } | null }[]> =>
  await page.evaluate('window.heard');

async function report(titel: string): Promise<string> {
  const alice = createApi(platform.origin, 'demo-alice');
  const path = '/api/objects/meldingen-register/meldingen';
  return (await alice.send<{ id: string }>('POST', path, { titel, status: 'nieuw' })).id;
}

/** Writes until the page hears of it: it does not say when it is connected. */
async function untilHeard(page: Page): Promise<void> {
  const before = (await heard(page)).length;
  await waitFor(
    async () => {
      await report('is somebody there?');
      return (await heard(page)).length > before;
    },
    { what: 'the page hears of a change', timeoutMs: 60_000 },
  );
}

test('the library that pages use hears of what changes, comes back by itself, and is told nothing of what is in it', async () => {
  const page = await openPage();
  const hasPush = await page.evaluate(`
    NotifyPush.listen('${COLLECTION}', (name, body) => window.heard.push({ name, body }))`);
  expect(hasPush).toBe(true);
  await untilHeard(page);
  const id = await report('Losse tegel');
  await waitFor(async () => (await heard(page)).some(({ body }) => body?.uuid === id), {
    what: 'the page hears of the row',
    timeoutMs: 30_000,
  });
  const told = (await heard(page)).find(({ body }) => body?.uuid === id);
  expect(told).toEqual({
    name: COLLECTION,
    body: { action: 'create', register: 'meldingen-register', schema: 'meldingen', uuid: id, version: '1' },
  });
  const admin = createApi(platform.origin, platform.adminToken);
  expect((await admin.ask('POST', PUSH_PATHS.reset)).status).toBe(202);
  await untilHeard(page);
  await platform.kill('push-notifier-1');
  await untilHeard(page);
  expect(JSON.stringify(await heard(page))).not.toContain('tegel');
});
