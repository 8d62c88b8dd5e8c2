import { createLogger, createMetrics, systemClock } from '@tidewire/service-kit';
import { expect, test } from 'vitest';
import { createServer } from './server.ts';

async function startServer() {
  return createServer({
    logger: createLogger({ service: 'pages', level: 'silent' }),
    metrics: createMetrics('pages'),
    clock: systemClock,
    ready: () => true,
  });
}

test('the page may load nothing from elsewhere and is not to be framed', async () => {
  await using app = await startServer();
  const answer = await app.inject('/');
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toContain('text/html');
  const policy = String(answer.headers['content-security-policy']);
  expect(policy).toContain("script-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(answer.body).not.toMatch(/(src|href)="https?:/);
});

test.each([
  '/../package.json',
  '/%2e%2e/package.json',
  '/..%5cpackage.json',
  '/.env',
  '/nothing',
  '//x',
  '//index.html',
  '/x//y',
  '/%00',
])('%s is not served, in the same words as what is not there', async (path) => {
  await using app = await startServer();
  const answer = await app.inject(path);
  expect([answer.statusCode, answer.json().code]).toEqual([404, 'NOT_FOUND']);
});
