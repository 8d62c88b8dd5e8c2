import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeFakeNatsServer } from '../../test/fake-nats-server.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { addToNatsServerCache, natsServerCacheFolder } from './nats-server-cache.ts';

const fetchVersion = (version: string) => async (folder: string) => {
  writeFakeNatsServer(join(folder, 'nats-server'), version);
};

test('two who fetch the same version at once get the same program, whole', async () => {
  const folder = temporaryFolder();
  const add = () => addToNatsServerCache(folder, '2.12.0', fetchVersion('2.15.1'));
  expect(new Set(await Promise.all([add(), add(), add()]))).toEqual(
    new Set([join(folder, '2.15.1', 'nats-server')]),
  );
  expect(readdirSync(folder)).toEqual(['2.15.1']);
});

test('keeps nothing of a server that is too old or of a fetch that failed', async () => {
  const folder = temporaryFolder();
  await expect(addToNatsServerCache(folder, '2.12.0', fetchVersion('2.11.0'))).rejects.toThrow(/2\.11\.0/);
  await expect(
    addToNatsServerCache(folder, '2.12.0', () => Promise.reject(new Error('cut off'))),
  ).rejects.toThrow('cut off');
  expect(readdirSync(folder)).toEqual([]);
});

test('lies where XDG_CACHE_HOME says, unless that is not an absolute path', () => {
  expect(natsServerCacheFolder({ XDG_CACHE_HOME: '/var/c' })).toBe('/var/c/tidewire/nats-server');
  expect(natsServerCacheFolder({ XDG_CACHE_HOME: 'c' })).toMatch(/\/\.cache\/tidewire\/nats-server$/);
});
