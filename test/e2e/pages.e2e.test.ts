import type { LivePage } from '@tidewire/contract';
import { startPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';

/** Pages over the edge: the file that comes along with the demo's tables, and what browsers load. */
let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ demo: true });
});
afterAll(() => platform[Symbol.asyncDispose]());

test('every page that comes along is defined without faults, of tables that the demo has', async () => {
  const nobody = createApi(platform.origin);
  const alice = createApi(platform.origin, 'demo-alice');
  const { pages, faults } = await nobody.send<{ pages: { path: string }[]; faults: string[] }>(
    'GET',
    '/api/pages',
  );
  expect(faults).toEqual([]);
  expect(pages.map(({ path }) => path)).toEqual(['/orders', '/dashboard']);
  for (const { path } of pages) {
    const page = await nobody.send<LivePage>('GET', `/api/pages/definition?path=${path}`);
    for (const { dataSource } of page.components) {
      const { table, filter, sort, fields } = dataSource;
      const query = new URLSearchParams({
        ...(filter !== undefined && { filter: JSON.stringify(filter) }),
        ...(fields !== undefined && { fields: fields.join(',') }),
        ...(sort !== undefined && {
          sort: sort.map(({ field, direction }) => `${field}:${direction}`).join(','),
        }),
      });
      const answer = await alice.ask('GET', `/api/tables/${table}/records?${query.toString()}`);
      expect([table, answer.status]).toEqual([table, 200]);
    }
  }
});

test('a page is there with everything that it loads, through the edge', async () => {
  const answer = await fetch(`${platform.origin}/pages/orders`);
  const html = await answer.text();
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-cache']);
  expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'");
  const links = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
  expect(links.length).toBeGreaterThan(2);
  for (const link of links) {
    const file = await fetch(`${platform.origin}${link}`, { headers: { 'accept-encoding': 'br' } });
    expect([link, file.status]).toEqual([link, 200]);
    expect(file.headers.get('cache-control')).toContain('immutable');
    const { length } = await file.text();
    // What is small is not worth it.
    expect([link, file.headers.get('content-encoding')]).toEqual([link, length < 1000 ? null : 'br']);
  }
});
