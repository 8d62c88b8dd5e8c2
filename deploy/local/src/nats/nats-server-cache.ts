import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { askNatsServerVersion, isAtLeast } from './nats-server-version.ts';

/** The name of the program's file on this system. */
export const NATS_SERVER_FILE = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';

/** Where fetched servers are kept, one folder a version: `$XDG_CACHE_HOME`, else `~/.cache`, `/tidewire/nats-server`. */
export function natsServerCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const given = env['XDG_CACHE_HOME'];
  // The XDG specification: a relative path is invalid and must be ignored.
  const base = given?.startsWith('/') === true ? given : join(homedir(), '.cache');
  return join(base, 'tidewire', 'nats-server');
}

/** The newest server in the cache that is at least `lowest`, or undefined; never one that is still being fetched. */
export function findCachedNatsServer(cacheFolder: string, lowest: string): string | undefined {
  let versions: string[];
  try {
    versions = readdirSync(cacheFolder);
  } catch {
    return undefined;
  }
  const newest = versions
    .filter((name) => /^\d+\.\d+\.\d+/.test(name) && isAtLeast(name, lowest))
    .filter((name) => existsSync(join(cacheFolder, name, NATS_SERVER_FILE)))
    .sort((a, b) => (isAtLeast(a, b) ? -1 : 1))[0];
  return newest === undefined ? undefined : join(cacheFolder, newest, NATS_SERVER_FILE);
}

/**
 * Lets `fetch` put the program into an empty folder, asks it for its version, and moves it into the cache in one step,
 * so that whoever looks at the same time sees all of it or nothing. Two who fetch the same version at once both succeed.
 *
 * @returns the path in the cache.
 * @throws when what was fetched does not run or is older than `lowest`; nothing of it is kept.
 */
export async function addToNatsServerCache(
  cacheFolder: string,
  lowest: string,
  fetch: (emptyFolder: string) => Promise<void>,
): Promise<string> {
  mkdirSync(cacheFolder, { recursive: true });
  const fresh = mkdtempSync(join(cacheFolder, '.fetching-'));
  try {
    await fetch(fresh);
    const program = join(fresh, NATS_SERVER_FILE);
    chmodSync(fresh, 0o755);
    chmodSync(program, 0o755);
    const version = await askNatsServerVersion(program);
    if (!isAtLeast(version, lowest))
      throw new Error(`it is nats-server ${version}, needed is ${lowest} or newer`);
    const place = join(cacheFolder, version);
    try {
      renameSync(fresh, place);
    } catch (error) {
      // Somebody else's finished copy of the same version is as good as ours.
      if (!existsSync(join(place, NATS_SERVER_FILE))) throw error;
    }
    return join(place, NATS_SERVER_FILE);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
