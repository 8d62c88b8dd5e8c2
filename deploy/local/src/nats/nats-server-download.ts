import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NATS_SERVER_FILE } from './nats-server-cache.ts';
import { PINNED_NATS_SERVER_RELEASE, natsServerAssetSuffix } from './nats-server-release.ts';
import type { NatsServerRelease } from './nats-server-release.ts';

const run = promisify(execFile);

/** An archive is about 8 MB; something ten times that is not what we asked for. */
const largestArchiveBytes = 80 * 1024 * 1024;
const answerTimeoutMs = 5000;
const downloadTimeoutMs = 120_000;

async function download(url: string): Promise<Uint8Array> {
  const answered = new AbortController();
  const timer = setTimeout(() => answered.abort(), answerTimeoutMs);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([answered.signal, AbortSignal.timeout(downloadTimeoutMs)]),
    });
    clearTimeout(timer);
    if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
    for await (const chunk of response.body) {
      size += chunk.byteLength;
      if (size > largestArchiveBytes) throw new Error('larger than any nats-server');
      chunks.push(chunk);
    }
  } catch (error) {
    const reason = answered.signal.aborted
      ? `no answer within ${answerTimeoutMs / 1000} s`
      : ((error as { cause?: Error }).cause?.message ?? (error as Error).message);
    throw new Error(`not reachable (${new URL(url).host}: ${reason})`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks, size);
}

/** What a `SHA256SUMS` file says for one asset, lower case. */
export function readSha256Sums(text: string, asset: string): string | undefined {
  for (const line of text.split('\n')) {
    const [, sum, name] = /^([0-9a-fA-F]{64}) [ *](.+?)\s*$/.exec(line) ?? [];
    if (name === asset) return sum?.toLowerCase();
  }
  return undefined;
}

/**
 * Fetches the release for this platform into the empty `folder`, verifies its SHA-256 and leaves only the program there.
 *
 * @throws an Error that says why not: no such platform, not reachable, a sum that differs.
 */
export async function fetchReleaseAsset(
  folder: string,
  release: NatsServerRelease = PINNED_NATS_SERVER_RELEASE,
): Promise<void> {
  const suffix = natsServerAssetSuffix(process.platform, process.arch);
  if (suffix === undefined) throw new Error(`there is no asset for ${process.platform} on ${process.arch}`);
  const name = `nats-server-v${release.version}-${suffix}`;
  const archive = await download(`${release.url}/${name}`);
  const expected =
    release.sha256.get(suffix) ??
    readSha256Sums(Buffer.from(await download(`${release.url}/SHA256SUMS`)).toString('utf8'), name);
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== expected) {
    throw new Error(
      `SHA-256 of ${name} is ${actual}, expected ${expected ?? 'one that is not listed'}; refused`,
    );
  }
  const archivePath = join(folder, name);
  writeFileSync(archivePath, archive);
  // bsdtar, which Windows and macOS have under this name, reads zip files too.
  await run('tar', ['-xf', archivePath, '-C', folder], { timeout: 60_000 });
  rmSync(archivePath);
  const [unpacked = ''] = readdirSync(folder);
  renameSync(join(folder, unpacked, NATS_SERVER_FILE), join(folder, NATS_SERVER_FILE));
  rmSync(join(folder, unpacked), { recursive: true, force: true });
}
