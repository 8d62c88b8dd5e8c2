import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeFakeNatsServer } from '../../test/fake-nats-server.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { freePort } from '../free-port.ts';
import { fetchReleaseAsset, readSha256Sums } from './nats-server-download.ts';
import { natsServerAssetSuffix } from './nats-server-release.ts';

const suffix = natsServerAssetSuffix(process.platform, process.arch) ?? 'none';
const asset = `nats-server-v2.99.0-${suffix}`;

/** A release with an archive as the real ones are: a folder with the program in it. */
async function serveRelease(sums: (archiveSum: string) => string): Promise<{ url: string; sum: string }> {
  const folder = temporaryFolder();
  const name = asset.replace(/\.(tar\.gz|zip)$/, '');
  writeFakeNatsServer(join(folder, name, 'nats-server'), '2.99.0');
  execFileSync('tar', ['-czf', join(folder, asset), '-C', folder, name]);
  const archive = readFileSync(join(folder, asset));
  const sum = createHash('sha256').update(archive).digest('hex');
  const server = createServer((request, response) => {
    if (request.url === `/${asset}`) response.end(archive);
    else if (request.url === '/SHA256SUMS') response.end(sums(sum));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sum };
}

function emptyFolder(): string {
  const folder = join(temporaryFolder(), 'empty');
  mkdirSync(folder);
  return folder;
}

test('unpacks the program of an archive whose sum is the pinned one', async () => {
  const { url, sum } = await serveRelease(() => '');
  const folder = emptyFolder();
  await fetchReleaseAsset(folder, { version: '2.99.0', url, sha256: new Map([[suffix, sum]]) });
  expect(readdirSync(folder)).toEqual(['nats-server']);
});

test('refuses an archive with another sum than the pinned one, whatever the sums file beside it says', async () => {
  const { url } = await serveRelease((sum) => `${sum}  ${asset}\n`);
  const folder = emptyFolder();
  const release = { version: '2.99.0', url, sha256: new Map([[suffix, '0'.repeat(64)]]) };
  await expect(fetchReleaseAsset(folder, release)).rejects.toThrow(/SHA-256 of .* expected 0{64}; refused/);
  expect(readdirSync(folder)).toEqual([]);
});

test('verifies against the sums file of the release when no sum is pinned for the platform', async () => {
  const good = await serveRelease((sum) => `${'1'.repeat(64)}  another.zip\n${sum} *${asset}\n`);
  const folder = emptyFolder();
  await fetchReleaseAsset(folder, { version: '2.99.0', url: good.url, sha256: new Map() });
  expect(readdirSync(folder)).toEqual(['nats-server']);
  const unlisted = await serveRelease(() => `${'1'.repeat(64)}  another.zip\n`);
  await expect(
    fetchReleaseAsset(emptyFolder(), { version: '2.99.0', url: unlisted.url, sha256: new Map() }),
  ).rejects.toThrow(/not listed; refused/);
});

test('says which host could not be reached', async () => {
  const port = await freePort();
  const release = { version: '2.99.0', url: `http://127.0.0.1:${port}`, sha256: new Map() };
  await expect(fetchReleaseAsset(emptyFolder(), release)).rejects.toThrow(
    `not reachable (127.0.0.1:${port}: connect ECONNREFUSED`,
  );
});

test('reads sums in both notations and only for the whole name', () => {
  const text = `${'A'.repeat(64)}  x.tar.gz\n${'b'.repeat(64)} *y.tar.gz\r\n`;
  expect(readSha256Sums(text, 'x.tar.gz')).toBe('a'.repeat(64));
  expect(readSha256Sums(text, 'y.tar.gz')).toBe('b'.repeat(64));
  expect(readSha256Sums(text, 'tar.gz')).toBeUndefined();
});
