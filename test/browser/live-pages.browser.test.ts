import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';

const PASSWORD = 'correct horse battery staple';
const PATIENCE_MS = 20_000;

let folder: string;
let file: string;
let platform: Platform;
let town: Town;
let table: string;
let browser: Browser;

/** A page of the town's cases that are not done, which can be changed. */
function pagesFile(title = 'Cases'): string {
  return `
pages:
  - name: cases
    path: /cases
    title: ${title}
    presence: true
    components:
      - type: dataTable
        columns:
          - { field: titel, label: Title }
          - field: status
          - field: prioriteit
        dataSource:
          table: ${table}
          filter: [{ field: status, operator: neq, value: afgehandeld }]
          sort: [{ field: createdAt, direction: asc }]
          pagination: { pageSize: 10 }
          limit: 1000
          refreshMode: realtime
        search: true
        edit: true
`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidewire-pages-'));
  file = join(folder, 'pages.yaml');
  [platform, browser] = await Promise.all([
    startPlatform({ settings: { TIDEWIRE_PAGES_FILE: file } }),
    launchChromium(),
  ]);
  town = await buildTown(platform.origin, platform.adminToken, 'unique');
  table = town.collection.split('/')[1] ?? '';
  await writeFile(file, pagesFile());
});
afterAll(async () => {
  await browser?.close();
  await platform?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Somebody who handles cases, looking at the page in a browser of their own. */
class Reader implements AsyncDisposable {
  readonly page: Page;
  readonly errors: string[];

  private constructor(page: Page, errors: string[]) {
    this.page = page;
    this.errors = errors;
  }

  static async open(name: string): Promise<Reader> {
    const id = `${name.toLowerCase().replaceAll(' ', '-')}-${randomUUID().slice(0, 8)}`;
    const organisation = town.organisations.a;
    await town.admin.send('POST', '/api/principals', {
      id,
      name,
      organisations: [organisation],
      activeOrganisation: organisation,
      groups: [{ organisation, group: 'behandelaars' }],
    });
    await town.admin.send('PUT', `/api/principals/${id}/password`, { password: PASSWORD });
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('console', (message) => {
      // What the policy of the page refuses, and what React warns of.
      if (/Content Security Policy|Warning:/.test(message.text())) errors.push(message.text());
    });
    await page.goto(`${platform.origin}/pages/cases`);
    await page.getByLabel('Name').fill(id);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    return new Reader(page, errors);
  }

  row(title: string): Locator {
    return this.page.getByRole('row').filter({ has: this.page.getByText(title, { exact: true }) });
  }

  cell(title: string, place: number): Locator {
    return this.row(title).getByRole('gridcell').nth(place);
  }

  /** Begins to write in a cell by keyboard. */
  async begin(title: string, place: number): Promise<Locator> {
    const cell = this.cell(title, place);
    await cell.focus();
    await this.page.keyboard.press('F2');
    const field = this.page.locator('.editor input');
    await field.waitFor();
    return field;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}

/** A case that no other test has. */
async function createCase(): Promise<{ readonly id: string; readonly title: string }> {
  const title = `case ${randomUUID().slice(0, 8)}`;
  const { id } = await town.as('alice').send<{ id: string }>('POST', `/api/objects/${town.collection}`, {
    titel: title,
    status: 'nieuw',
    prioriteit: 1,
  });
  return { id, title };
}

async function storedCase(id: string): Promise<Record<string, unknown>> {
  return await town.admin.send('GET', `/api/objects/${town.collection}/${id}`);
}

test('what one writes by keyboard the other sees, and a row that leaves the filter goes', async () => {
  const { id, title } = await createCase();
  await using alice = await Reader.open('Ada');
  await using bob = await Reader.open('Bo');
  await alice.row(title).waitFor();
  await bob.row(title).waitFor();

  const field = await alice.begin(title, 2);
  await field.fill('five');
  await alice.page.keyboard.press('Enter');
  await alice.page.getByText('Write a number').waitFor();
  await field.fill('5');
  await alice.page.keyboard.press('Enter');
  await bob.cell(title, 2).getByText('5', { exact: true }).waitFor();
  expect(await bob.cell(title, 2).locator('[data-flash]').count()).toBe(1);
  expect(await storedCase(id)).toMatchObject({ prioriteit: 5 });
  // The keyboard is back in the cell, and goes on from there.
  await alice.page.keyboard.press('ArrowLeft');
  expect(await alice.page.evaluate('document.activeElement.dataset.field')).toBe('status');
  await alice.page.keyboard.press('Enter');
  await alice.page.locator('.editor input').fill('never mind');
  await alice.page.keyboard.press('Escape');
  await alice.cell(title, 1).getByText('nieuw', { exact: true }).waitFor();

  await alice.page.keyboard.press('Enter');
  await alice.page.locator('.editor input').fill('afgehandeld');
  await alice.page.keyboard.press('Enter');
  await alice.row(title).waitFor({ state: 'detached' });
  await bob.row(title).waitFor({ state: 'detached' });
  expect([alice.errors, bob.errors]).toEqual([[], []]);
});

test('who writes what somebody else writes meanwhile is told the field and the value, and chooses', async () => {
  const { id, title } = await createCase();
  await using alice = await Reader.open('Ada');
  const change = (prioriteit: number): Promise<unknown> =>
    town.as('alice').send('PATCH', `/api/objects/${town.collection}/${id}`, { prioriteit });
  const toast = alice.page.locator('[data-conflict="prioriteit"]');

  const field = await alice.begin(title, 2);
  await field.fill('5');
  await change(3);
  await toast.waitFor();
  expect(await toast.innerText()).toMatch(/alice changed what you are writing[\s\S]*Prioriteit[\s\S]*now 3/);
  await toast.getByRole('button', { name: 'Keep mine' }).click();
  await toast.waitFor({ state: 'detached' });
  await field.press('Enter');
  await waitFor(async () => (await storedCase(id))['prioriteit'] === 5, { what: 'mine is written' });

  await alice.cell(title, 2).getByText('5', { exact: true }).waitFor();
  await (await alice.begin(title, 2)).fill('4');
  await change(2);
  await toast.getByRole('button', { name: 'Take theirs' }).click();
  await alice.cell(title, 2).getByText('2', { exact: true }).waitFor();
  expect(await storedCase(id)).toMatchObject({ prioriteit: 2 });
  expect(await alice.page.locator('.editor').count()).toBe(0);
  expect(alice.errors).toEqual([]);
});

test('what the server refuses is said and taken back', async () => {
  const { id, title } = await createCase();
  await using alice = await Reader.open('Ada');
  await (await alice.begin(title, 2)).fill('99');
  await alice.page.keyboard.press('Enter');
  await alice.page.getByText('Prioriteit was not changed to “99”').waitFor();
  await alice.cell(title, 2).getByText('1', { exact: true }).waitFor();
  expect(await storedCase(id)).toMatchObject({ prioriteit: 1 });
});

test('who is on the page is shown while they are', async () => {
  await using alice = await Reader.open('Ada Lovelace');
  const others = alice.page.getByRole('list', { name: 'Also here' });
  expect(await others.count()).toBe(0);
  const bob = await Reader.open('Bo Carpenter');
  await others.getByText('Bo Carpenter').waitFor();
  expect(await others.innerText()).toContain('BC');
  await bob[Symbol.asyncDispose]();
  await others.waitFor({ state: 'detached' });
});

test('sorting, searching and turning pages do what they say', async () => {
  const word = `many-${randomUUID().slice(0, 6)}`;
  await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      town.as('alice').send('POST', `/api/objects/${town.collection}`, {
        titel: `${word} ${String(index).padStart(2, '0')}`,
        status: 'nieuw',
        prioriteit: 1 + (index % 5),
      }),
    ),
  );
  await using alice = await Reader.open('Ada');
  const { page } = alice;
  const titles = (): Promise<readonly string[]> => page.locator('tbody td[data-field=titel]').allInnerTexts();
  const shows = (first: string, count: number): Promise<unknown> =>
    waitFor(async () => (await titles())[0] === first && (await titles()).length === count, {
      what: `${count} rows from ${first}`,
    });
  await page.getByRole('searchbox').fill(word);
  await page.getByText('1–10 of 12 that match').waitFor();
  await page.getByRole('button', { name: 'Title' }).click();
  await shows(`${word} 00`, 10);
  const header = page.getByRole('columnheader', { name: 'Title' });
  expect(await header.getAttribute('aria-sort')).toBe('ascending');
  await page.getByRole('button', { name: 'Title' }).click();
  await shows(`${word} 11`, 10);
  expect(await header.getAttribute('aria-sort')).toBe('descending');
  await page.locator('tbody td').first().focus();
  await page.keyboard.press('PageDown');
  await shows(`${word} 01`, 2);
  expect(await page.evaluate('document.activeElement.dataset.field')).toBe('titel');
  await page.getByRole('button', { name: 'Previous' }).click();
  await shows(`${word} 11`, 10);
});

test('a changed file is another page, and a faulty one leaves it as it was and says what is wrong', async () => {
  await using alice = await Reader.open('Ada');
  const read = async (): Promise<{ pages: { title: string }[]; faults: string[] }> =>
    await town.admin.send('GET', '/api/pages');
  await writeFile(file, pagesFile('Cases to do'));
  await waitFor(async () => (await read()).pages[0]?.title === 'Cases to do', { what: 'the file was read' });
  await alice.page.reload();
  await alice.page.getByRole('heading', { name: 'Cases to do', level: 1 }).waitFor();
  await writeFile(file, pagesFile().replace('presence', 'presense'));
  await waitFor(async () => (await read()).faults.length > 0, { what: 'the fault was found' });
  await alice.page.goto(`${platform.origin}/pages`);
  await alice.page
    .getByText('pages.yaml:6:5: "presense" is not known here; did you mean presence?')
    .waitFor();
  await alice.page.getByRole('link', { name: /Cases to do \/cases/ }).click();
  await alice.page.getByText('Live', { exact: true }).waitFor();
  await writeFile(file, pagesFile());
  await waitFor(async () => (await read()).faults.length === 0, { what: 'it is mended' });
});
