import { createLogger, createMetrics, systemClock } from '@tidewire/service-kit';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import type { AppBundle } from '../assets/app-bundle.ts';
import { bundleApps, listApps } from '../assets/bundle-apps.ts';
import { createServer } from '../server.ts';

let bundle: AppBundle;

beforeAll(async () => {
  bundle = await bundleApps();
});

async function startServer(given: () => Promise<AppBundle> = async () => bundle) {
  return createServer({
    logger: createLogger({ service: 'pages', level: 'silent' }),
    metrics: createMetrics('pages'),
    clock: systemClock,
    ready: () => true,
    bundle: given,
  });
}

test('every app is bundled, with code that is loaded only when it is needed', () => {
  expect([...bundle.apps.keys()].toSorted()).toEqual([...listApps()].toSorted());
  const first = [...bundle.apps.values()].flatMap(({ script, preloads }) => [script, ...preloads]);
  const scripts = [...bundle.files.keys()].filter((name) => name.endsWith('.js'));
  expect(scripts.length).toBeGreaterThan(new Set(first).size);
  for (const name of bundle.files.keys()) expect(name).toMatch(/^[A-Za-z0-9-]+-[\w-]{8}\.(js|css)$/);
});

test('there is one React in a bundle, and it is the one for production', () => {
  const scripts = [...bundle.files].filter(([name]) => name.endsWith('.js'));
  const text = scripts.map(([, { body }]) => body.toString()).join('\n');
  expect(text.split('react.transitional.element').length - 1).toBeLessThanOrEqual(3);
  expect(text).not.toContain('react.development.js');
  expect(text).not.toContain('process.env');
});

test.each(['/pages', '/pages/orders', '/pages/a/b'])(
  '%s is the shell of the app, in which neither script nor style stands',
  async (path) => {
    await using app = await startServer();
    const { statusCode, headers, body } = await app.inject(path);
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toContain(
      "default-src 'none'; script-src 'self'; style-src 'self'",
    );
    expect(headers['cache-control']).toBe('no-cache');
    expect(body).not.toMatch(/<style|style="|<script(?![^>]* src="\/)| on[a-z]+="/);
    expect(body).not.toMatch(/(src|href)="(https?:)?\/\//);
    for (const [, link = ''] of body.matchAll(/(?:src|href)="(\/[^"]*)"/g)) {
      expect([link, (await app.inject(link)).statusCode]).toEqual([link, 200]);
    }
  },
);

test('files are kept for ever, and come compressed to those who can read that', async () => {
  await using app = await startServer();
  const { script } = [...bundle.apps.values()][0] ?? { script: '' };
  const plain = await app.inject(`/assets/${script}`);
  expect(plain.headers).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
    'vary': expect.stringMatching(/accept-encoding/i),
    'x-content-type-options': 'nosniff',
  });
  expect(plain.headers['content-encoding']).toBeUndefined();
  for (const [accepted, encoding, decompress] of [
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['gzip;q=0.5, br;q=0', 'gzip', gunzipSync],
  ] as const) {
    const answer = await app.inject({
      url: `/assets/${script}`,
      headers: { 'accept-encoding': accepted },
    });
    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(answer.rawPayload.length).toBeLessThan(plain.rawPayload.length / 2);
    expect(decompress(answer.rawPayload).equals(plain.rawPayload)).toBe(true);
  }
});

test.each(['/assets/nothing.js', '/assets/', '/assets/..%2fpackage.json', '/assets/constructor'])(
  '%s is not there',
  async (path) => {
    await using app = await startServer();
    const answer = await app.inject(path);
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'NOT_FOUND']);
  },
);

test('an app that there is not is not there', async () => {
  await using app = await startServer(async () => ({ apps: new Map(), files: new Map() }));
  expect((await app.inject('/pages')).statusCode).toBe(404);
  expect((await app.inject('/console/health')).statusCode).toBe(404);
});
