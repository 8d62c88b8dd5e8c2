import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';

const OBJECTS = '/api/objects/meldingen-register/meldingen';

let platform: Platform;
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
  platform = await startPlatform({ demo: true });
});

afterAll(async () => {
  await browser?.close();
  await platform?.[Symbol.asyncDispose]();
});

/** A page on which Bob is signed in. */
async function signIn(): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`${platform.origin}/`);
  const status = await page.evaluate(`
    fetch('/api/auth/login', { method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'bob', password: 'demo' }) }).then((answer) => answer.status)`);
  expect(status).toBe(204);
  return page;
}

async function execute(page: Page, document: string): Promise<void> {
  await page.evaluate(
    `document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.setValue(${JSON.stringify(document)})`,
  );
  await page.click('.graphiql-execute-button');
}

async function untilShown(page: Page, text: string): Promise<void> {
  const shown = `document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue() ?? ''`;
  await waitFor(async () => String(await page.evaluate(shown)).includes(text), {
    what: `the explorer shows ${text}`,
    timeoutMs: 60_000,
  });
}

test('the explorer queries, writes and subscribes with the session of the browser, within its content security policy', async () => {
  const page = await signIn();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${platform.origin}/api/graphql/explorer`);
  await page.waitForSelector('.graphiql-execute-button');
  await execute(page, '{ meldingen(order: [{titel: ASC}]) { nodes { titel melderEmail } } }');
  await untilShown(page, 'Losse stoeptegel');
  await untilShown(page, 'FIELD_FORBIDDEN');
  await execute(page, 'mutation { createMelding(input: {titel: "Uit de verkenner"}) { titel _owner } }');
  await untilShown(page, '"_owner": "bob"');
  await page.click('button[aria-label="Show Documentation Explorer"]');
  await page.waitForSelector('text=Meldingen');
  await page.click('button[aria-label="Open settings dialog"]');
  await page.waitForSelector('text=Persist headers');
  await page.keyboard.press('Escape');
  await execute(page, 'subscription { meldingenEvents(filter: {status: "nieuw"}) { _event titel } }');
  const headers = { 'authorization': 'Bearer demo-alice', 'content-type': 'application/json' };
  await waitFor(
    async () => {
      const body = JSON.stringify({ titel: 'Verschijnt in de verkenner' });
      await fetch(`${platform.origin}${OBJECTS}`, { method: 'POST', headers, body });
      return await untilShown(page, 'Verschijnt in de verkenner').then(
        () => true,
        () => false,
      );
    },
    { what: 'an event is shown', timeoutMs: 90_000 },
  );
  expect(complaints).toEqual([]);
  await page.close();
});
