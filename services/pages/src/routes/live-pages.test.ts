import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, createManualClock, createMetrics } from '@tidewire/service-kit';
import { compareRoutes } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { PageCatalogue } from '../definitions/page-catalogue.ts';
import { createServer } from '../server.ts';

function page(path: string): string {
  return `pages: [{ name: a, path: ${path}, components: [{ type: dataTable, dataSource: { table: orders } }] }]`;
}

/** A server over a file of its own, and what it has logged. */
async function startServer(content: string | undefined) {
  const folder = await mkdtemp(join(tmpdir(), 'tidewire-pages-'));
  const file = join(folder, 'pages.yaml');
  if (content !== undefined) await writeFile(file, content);
  const lines: string[] = [];
  const logger = createLogger({
    service: 'pages',
    level: 'info',
    destination: { write: (line: string) => void lines.push(line) },
  });
  const clock = createManualClock();
  const catalogue = new PageCatalogue({ file, clock, logger });
  await catalogue.start();
  const metrics = createMetrics('pages');
  const app = await createServer({ logger, metrics, clock, ready: () => true, catalogue });
  return {
    app,
    file,
    lines,
    catalogue,
    clock,
    list: async (): Promise<{ pages: { path: string }[]; faults: string[] }> =>
      (await app.inject('/api/pages')).json(),
    [Symbol.asyncDispose]: async () => {
      catalogue.stop();
      await app.close();
      await rm(folder, { recursive: true });
    },
  };
}

test('the routes are those of the table of operations, and need no credential', async () => {
  await using server = await startServer(page('/orders'));
  expect(await compareRoutes(server.app, 'pages')).toEqual([]);
});

test('pages are listed, and each is given by its path', async () => {
  await using server = await startServer(page('/orders'));
  expect(await server.list()).toEqual({ pages: [{ name: 'a', path: '/orders' }], faults: [] });
  const found = await server.app.inject('/api/pages/definition?path=/orders');
  expect(found.json()).toEqual({
    name: 'a',
    path: '/orders',
    components: [{ type: 'dataTable', dataSource: { table: 'orders' } }],
  });
  const missing = await server.app.inject('/api/pages/definition?path=/nothing');
  expect([missing.statusCode, missing.json().code]).toEqual([404, 'NOT_FOUND']);
  const unasked = await server.app.inject('/api/pages/definition');
  expect([unasked.statusCode, unasked.json().code]).toEqual([400, 'VALIDATION_ERROR']);
});

test('a file that changes is read again; while it is wrong, pages are those of before', async () => {
  await using server = await startServer(page('/first'));
  await writeFile(server.file, page('/second'));
  await server.catalogue.look();
  expect((await server.list()).pages).toMatchObject([{ path: '/second' }]);

  await writeFile(server.file, 'pages: [{');
  await server.catalogue.look();
  const broken = await server.list();
  expect(broken.pages).toMatchObject([{ path: '/second' }]);
  expect(broken.faults[0]).toMatch(/^pages\.yaml:1:\d+: /);
  expect(server.lines.filter((line) => line.includes('the file of pages is wrong'))).toHaveLength(1);
  await server.catalogue.look();
  expect(server.lines.filter((line) => line.includes('the file of pages is wrong'))).toHaveLength(1);

  await rm(server.file);
  await server.catalogue.look();
  expect((await server.list()).faults).toEqual(['pages.yaml: cannot be read (ENOENT)']);

  await writeFile(`${server.file}.new`, page('/third'));
  await rename(`${server.file}.new`, server.file);
  await server.catalogue.look();
  expect(await server.list()).toMatchObject({ pages: [{ path: '/third' }], faults: [] });
});

test('the file is looked at every second, until the service stops', async () => {
  await using server = await startServer(page('/first'));
  await writeFile(server.file, page('/second'));
  server.clock.advance(1000);
  await expect.poll(async () => (await server.list()).pages).toMatchObject([{ path: '/second' }]);
  server.catalogue.stop();
  await writeFile(server.file, page('/third'));
  server.clock.advance(10_000);
  expect((await server.list()).pages).toMatchObject([{ path: '/second' }]);
});

test('without a file there are no pages, and with one that is not there it says so', async () => {
  await using server = await startServer(undefined);
  expect(await server.list()).toEqual({ pages: [], faults: ['pages.yaml: cannot be read (ENOENT)'] });
});

test('a file that is too large is not read whole', async () => {
  await using server = await startServer(`${page('/orders')} #${'x'.repeat(300_000)}`);
  expect(await server.list()).toEqual({
    pages: [],
    faults: ['pages.yaml:1:1: the file must have at most 256 KiB'],
  });
});
