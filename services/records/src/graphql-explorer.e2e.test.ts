import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSharedPlatform } from '../test/platform.ts';
import type { RecordsTestPlatform } from '../test/platform.ts';

let world: RecordsTestPlatform;

beforeAll(async () => {
  world = await openSharedPlatform();
});
afterAll(() => world[Symbol.asyncDispose]());

async function open(path = '', headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(new URL(`/api/graphql/explorer${path}`, world.platform.origin), { headers });
}

test('the explorer is for who is signed in', async () => {
  expect((await open()).status).toBe(401);
  expect((await open('', { authorization: 'Bearer nobody-has-this' })).status).toBe(401);
});

test('its page has no script of its own, loads from this origin only, and a nonce for each answer', async () => {
  const headers = { authorization: `Bearer ${world.admin.token ?? ''}` };
  const [answer, other] = [await open('', headers), await open('', headers)];
  const html = await answer.text();
  const policy = answer.headers.get('content-security-policy') ?? '';
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  expect(other.headers.get('content-security-policy')).not.toBe(policy);
  expect(html).not.toMatch(/<style|<script(?![^>]*src=)|\son\w+=|https?:/);
});

test('every file of the page is there, and asked for again only when it changed', async () => {
  const headers = { authorization: `Bearer ${world.admin.token ?? ''}` };
  const html = await (await open('', headers)).text();
  const names = [...html.matchAll(/\/api\/graphql\/explorer(\/[a-z-]+\.(?:js|css))"/g)].map(
    ([, name]) => name ?? '',
  );
  expect(names).toHaveLength(7);
  for (const name of names) {
    const answer = await open(name);
    const tag = answer.headers.get('etag') ?? '';
    expect([name, answer.status, answer.headers.get('x-content-type-options')]).toEqual([
      name,
      200,
      'nosniff',
    ]);
    expect(answer.headers.get('content-type')).toMatch(
      name.endsWith('.css') ? /^text\/css/ : /^text\/javascript/,
    );
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(30);
    expect((await open(name, { 'if-none-match': tag })).status).toBe(304);
  }
});

test('it has no other files', async () => {
  for (const name of ['/package.json', '/..%2Fpackage.json', '/constructor', '/explorer.ts', '/__proto__'])
    expect((await open(name)).status).toBe(404);
});
