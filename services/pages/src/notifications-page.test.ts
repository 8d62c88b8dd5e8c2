import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger, createMetrics, systemClock } from '@tidewire/service-kit';
import { expect, test } from 'vitest';
import { createServer } from './server.ts';

const read = (name: string): Promise<string> =>
  readFile(join(import.meta.dirname, '..', 'public', name), 'utf8');

test('the page is served with its worker, and nothing of it stands inline or comes from elsewhere', async () => {
  await using app = await createServer({
    logger: createLogger({ service: 'pages', level: 'silent' }),
    metrics: createMetrics('pages'),
    clock: systemClock,
    ready: () => true,
  });
  const { body, headers, statusCode } = await app.inject('/notifications.html');
  expect(statusCode).toBe(200);
  expect(headers['content-security-policy']).toContain("script-src 'self'; style-src 'self'");
  expect(body).not.toMatch(/<style|style="|<script(?![^>]* src="\/)| on[a-z]+="/);
  expect(body).not.toMatch(/(src|href)="(https?:)?\/\//);
  for (const [, path = ''] of body.matchAll(/(?:src|href)="(\/[^"]*)"/g)) {
    expect([path, (await app.inject(path)).statusCode]).toEqual([path, 200]);
  }
  const worker = await app.inject('/push-worker.js');
  expect([worker.statusCode, worker.headers['content-type']]).toEqual([
    200,
    expect.stringMatching(/^(text|application)\/javascript/),
  ]);
});

test('every part of the page that its script asks for is there', async () => {
  const [page, script] = [await read('notifications.html'), await read('notifications.js')];
  const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  const asked = [...script.matchAll(/(?:byId|copy)\('([^']+)'\)/g)].map(([, id]) => id);
  expect(asked.length).toBeGreaterThan(10);
  for (const id of asked) expect(ids).toContain(id);
  const parts = new Set([...page.matchAll(/ data-part="([^"]+)"/g)].map(([, name]) => name));
  for (const [, name] of script.matchAll(/part\('([^']+)'\)/g)) expect(parts).toContain(name);
});

test('everything on the page that one can fill in or press has a name', async () => {
  const page = await read('notifications.html');
  for (const [, content = ''] of page.matchAll(/<button[^>]*>([^<]*)</g)) expect(content.trim()).not.toBe('');
  const inputs = [...page.matchAll(/<input/g)].length;
  const labelled = [...page.matchAll(/<label[^>]*>(?:(?!<\/label>)[\s\S])*<input/g)].length;
  expect([labelled, inputs]).toEqual([inputs, inputs]);
});
