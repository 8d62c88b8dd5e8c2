import { mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { writeFakeNatsServer } from '../../test/fake-nats-server.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { findNatsServer } from './nats-server-binary.ts';

const offline = ['environment', 'path', 'cache'] as const;

test('refuses an older server by name and version, and goes on', async () => {
  const folder = temporaryFolder();
  const old = writeFakeNatsServer(join(folder, 'debian', 'nats-server'), '2.9.10');
  const good = writeFakeNatsServer(join(folder, 'cache', '2.15.1', 'nats-server'), '2.15.1');
  const lines: string[] = [];
  const found = await findNatsServer({
    env: { PATH: dirname(old) },
    cacheFolder: join(folder, 'cache'),
    sources: offline,
    onProgress: (line) => lines.push(line),
  });
  expect(found).toEqual({ path: good, version: '2.15.1', source: 'cache' });
  expect(lines).toEqual([`PATH: ${old} is nats-server 2.9.10; 2.12.0 or newer is needed; going on`]);
});

test('takes the first server on PATH that is new enough, not the first', async () => {
  const folder = temporaryFolder();
  const old = writeFakeNatsServer(join(folder, 'a', 'nats-server'), '2.11.9');
  const good = writeFakeNatsServer(join(folder, 'b', 'nats-server'), '2.12.0');
  const env = { PATH: [dirname(old), dirname(good)].join(delimiter) };
  expect(await findNatsServer({ env, sources: ['path'] })).toMatchObject({ path: good, source: 'path' });
});

test('does not quietly run another server than the one that NATS_SERVER_BIN names', async () => {
  const folder = temporaryFolder();
  const old = writeFakeNatsServer(join(folder, 'nats-server'), '2.9.10');
  writeFakeNatsServer(join(folder, 'cache', '2.15.1', 'nats-server'), '2.15.1');
  const find = (path: string) =>
    findNatsServer({ env: { NATS_SERVER_BIN: path }, cacheFolder: join(folder, 'cache'), sources: offline });
  await expect(find(old)).rejects.toThrow(/NATS_SERVER_BIN: .* is nats-server 2\.9\.10; 2\.12\.0 or newer/);
  await expect(find(join(folder, 'none'))).rejects.toThrow(/there is no .*none/);
  await expect(find('/bin/echo')).rejects.toThrow(/\/bin\/echo is not a nats-server/);
});

test('says what was tried and what to do when there is none, offline included', async () => {
  const folder = temporaryFolder();
  const search = findNatsServer({
    env: { PATH: folder },
    cacheFolder: join(folder, 'none'),
    sources: offline,
  });
  await expect(search).rejects.toThrow(
    /Tried:\n {2}- NATS_SERVER_BIN: none there\n {2}- PATH: none there\n {2}- the cache: none there\nWhat to do: [^]*NATS_SERVER_BIN[^]*without a network/,
  );
});

test('takes the newest of the cache and never one that is being fetched or too old', async () => {
  const folder = temporaryFolder();
  for (const version of ['2.9.10', '2.12.3', '2.15.1', '2.14.12']) {
    writeFakeNatsServer(join(folder, version, 'nats-server'), version);
  }
  writeFakeNatsServer(join(folder, '.fetching-abc', 'nats-server'), '2.99.0');
  mkdirSync(join(folder, '2.98.0'));
  const found = await findNatsServer({ env: {}, cacheFolder: folder, sources: ['cache'] });
  expect(found.version).toBe('2.15.1');
});
