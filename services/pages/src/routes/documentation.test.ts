import { MESSAGES, OPERATIONS, createAsyncApi, createOpenApi } from '@tidewire/contract';
import { createLogger, createMetrics, systemClock } from '@tidewire/service-kit';
import { compareRoutes } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { createServer } from '../server.ts';

async function startServer() {
  return createServer({
    logger: createLogger({ service: 'pages', level: 'silent' }),
    metrics: createMetrics('pages'),
    clock: systemClock,
    ready: () => true,
  });
}

test('the routes are those of the table of operations, and need no credential', async () => {
  await using app = await startServer();
  expect(await compareRoutes(app, 'pages')).toEqual([]);
});

test('the page shows every operation and every schema, and each of its links leads somewhere', async () => {
  await using app = await startServer();
  const { body, statusCode, headers } = await app.inject('/api/docs');
  expect(statusCode).toBe(200);
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  const ids = new Set([...body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  for (const { id } of OPERATIONS) expect(ids).toContain(id);
  for (const name of Object.keys(createOpenApi().components.schemas)) expect(ids).toContain(`schema-${name}`);
  const links = [...body.matchAll(/ href="([^"]+)"/g)].map(([, href = '']) => href);
  for (const href of new Set(links)) {
    if (href.startsWith('#')) expect(ids).toContain(href.slice(1));
    else expect([href, (await app.inject(href)).statusCode]).toEqual([href, 200]);
  }
});

test('the page loads nothing from elsewhere, and neither script nor style stands in it', async () => {
  await using app = await startServer();
  const { body, headers } = await app.inject('/api/docs');
  expect(headers['content-security-policy']).toContain(
    "default-src 'none'; script-src 'self'; style-src 'self'",
  );
  expect(body).not.toMatch(/(src|href)="(https?:)?\/\//);
  expect(body).not.toMatch(/<style|style="|<script(?![^>]* src="\/)| on[a-z]+="/);
  expect(body).not.toContain('[object Object]');
  expect(body).not.toContain('undefined');
});

test('programs get the document that the table of operations gives', async () => {
  await using app = await startServer();
  const answer = await app.inject('/api/docs/openapi.json');
  expect(answer.headers['content-type']).toBe('application/json');
  expect(answer.json()).toEqual(createOpenApi());
});

test('programs get the document of everything that streams, and the page leads there', async () => {
  await using app = await startServer();
  const answer = await app.inject('/api/docs/asyncapi.json');
  expect(answer.headers['content-type']).toBe('application/json');
  expect(answer.json()).toEqual(createAsyncApi());
  expect((await app.inject('/api/docs')).body).toContain('href="/api/docs/asyncapi.json"');
});

test('the schema of every message for clients is served, and those of the inside are not', async () => {
  await using app = await startServer();
  for (const [name, { audience }] of Object.entries(MESSAGES)) {
    const answer = await app.inject(`/api/docs/schemas/${name}.json`);
    expect([name, answer.statusCode]).toEqual([name, audience === 'public' ? 200 : 404]);
    if (audience === 'public') expect(answer.json().$id).toBe(`urn:tidewire:message:${name}`);
  }
  expect((await app.inject('/api/docs/schemas/constructor.json')).statusCode).toBe(404);
});
