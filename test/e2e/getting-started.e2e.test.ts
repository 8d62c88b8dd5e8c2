import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Newcomer, readGuide } from '../support/newcomer.ts';
import type { Guide } from '../support/newcomer.ts';

let platform: Platform;
let newcomer: Newcomer;
let guide: Guide;

function commandWith(part: string): string {
  const command = guide.commands.find((block) => block.includes(part));
  if (command === undefined) throw new Error(`docs/getting-started.md has no command with "${part}"`);
  return command;
}

beforeAll(async () => {
  [platform, newcomer] = await Promise.all([startPlatform({ demo: true }), Newcomer.arrive()]);
  guide = readGuide('docs/getting-started.md', platform.origin);
  await newcomer.run(commandWith('npm install'), newcomer.checkout);
  await newcomer.run(commandWith('npx tidewire types'));
  await newcomer.write(guide.files);
});

afterAll(async () => {
  await newcomer?.[Symbol.asyncDispose]();
  await platform?.[Symbol.asyncDispose]();
});

test('the page holds only commands that are run here or, as npx vite, in the browser', () => {
  expect(guide.commands.map((block) => block.split(' ').slice(0, 3).join(' ').split('\n')[0])).toEqual([
    'npm start',
    'npm run packages',
    'mkdir -p ../orders/src',
    'npx tidewire types',
    'npx vite',
    'curl -X POST',
    'node orders.mjs',
  ]);
});

test('its files type-check against the packages, whose own declarations are checked too', async () => {
  expect(await newcomer.run('npx tsc')).toBe('');
});

test('the types know the tables: a field that is misspelt does not compile', async () => {
  const orders = guide.files.get('src/orders.tsx') ?? '';
  await newcomer.write(new Map([['src/orders.tsx', orders.replace('fields.customer', 'fields.custommer')]]));
  await expect(newcomer.run('npx tsc')).rejects.toThrow("Property 'custommer' does not exist");
  await newcomer.write(guide.files);
});

test('vite makes a site of them, without a warning', async () => {
  const said = await newcomer.run('npx vite build 2>&1');
  expect(said).toContain('built in');
  expect(said).not.toMatch(/\(!\)|directive/i);
});

test('the program without React prints what somebody else writes', async () => {
  const said = newcomer.start(commandWith('node orders.mjs'));
  await waitFor(() => said().includes('live '), { what: 'the rows are live', timeoutMs: 15_000 });
  expect(said()).not.toContain('Jansen');
  await newcomer.run(commandWith('Jansen'));
  await waitFor(() => /^live .*Jansen: 250/m.test(said()), { what: 'it is printed', timeoutMs: 15_000 });
});
