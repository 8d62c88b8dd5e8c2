import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import {
  NATS_SERVER_FILE,
  addToNatsServerCache,
  findCachedNatsServer,
  natsServerCacheFolder,
} from './nats-server-cache.ts';
import { fetchReleaseAsset } from './nats-server-download.ts';
import { PINNED_NATS_SERVER_VERSION } from './nats-server-release.ts';
import { LOWEST_NATS_SERVER_VERSION, askNatsServerVersion, isAtLeast } from './nats-server-version.ts';

const run = promisify(execFile);

/** A usable nats-server program. */
export interface NatsServerBinary {
  path: string;
  version: string;
  /** Which of the ways, in the order of `findNatsServer`, led to it. */
  source: NatsServerSource;
}

/** The ways to a nats-server, in the order in which they are tried. */
export const NATS_SERVER_SOURCES = ['environment', 'path', 'cache', 'release', 'debian', 'docker'] as const;
export type NatsServerSource = (typeof NATS_SERVER_SOURCES)[number];

/** What `findNatsServer` may use; everything has a default that suits `npm start`. */
export interface FindNatsServerOptions {
  /** Hears one line for each thing tried that takes time or is refused. */
  onProgress?: (line: string) => void;
  env?: NodeJS.ProcessEnv;
  cacheFolder?: string;
  /** Only these ways. */
  sources?: readonly NatsServerSource[];
}

/** No usable nats-server; the message lists what was tried and what to do. */
export class NatsServerNotFoundError extends Error {
  constructor(tried: string[]) {
    super(
      [
        `No nats-server ${LOWEST_NATS_SERVER_VERSION} or newer could be found or fetched. Tried:`,
        ...tried.map((line) => `  - ${line}`),
        'What to do: install nats-server from https://nats.io/download and start again, or set NATS_SERVER_BIN to its path.',
        'On a machine without a network, copy the program there by hand; once it was fetched, no network is needed.',
      ].join('\n'),
    );
    this.name = 'NatsServerNotFoundError';
  }
}

interface Search {
  env: NodeJS.ProcessEnv;
  cacheFolder: string;
  onProgress: (line: string) => void;
}

/** Answers a path, or undefined when this way is not open here; throws an Error that says what went wrong. */
type Way = (search: Search) => Promise<string | undefined>;

function* onPath(env: NodeJS.ProcessEnv): Iterable<string> {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, NATS_SERVER_FILE);
    if (folder !== '' && existsSync(path)) yield path;
  }
}

async function versionIfUsable(path: string): Promise<string> {
  const version = await askNatsServerVersion(path);
  if (isAtLeast(version, LOWEST_NATS_SERVER_VERSION)) return version;
  throw new Error(`${path} is nats-server ${version}; ${LOWEST_NATS_SERVER_VERSION} or newer is needed`);
}

const findOnPath: Way = async ({ env }) => {
  const refused: string[] = [];
  for (const path of onPath(env)) {
    try {
      await versionIfUsable(path);
      return path;
    } catch (error) {
      refused.push((error as Error).message);
    }
  }
  if (refused.length > 0) throw new Error(refused.join('; '));
  return undefined;
};

const fetchFromDebian: Way = async ({ cacheFolder, onProgress }) => {
  if (process.platform !== 'linux') return undefined;
  onProgress("fetching nats-server from the Debian mirror that this machine's apt uses ...");
  const script = join(import.meta.dirname, '..', '..', 'fetch-nats-server.sh');
  return addToNatsServerCache(cacheFolder, LOWEST_NATS_SERVER_VERSION, async (folder) => {
    try {
      await run('sh', [script, folder, LOWEST_NATS_SERVER_VERSION], { timeout: 180_000 });
    } catch (error) {
      const { stderr = '' } = error as { stderr?: string };
      throw new Error(stderr.trim().split('\n').join('; ') || (error as Error).message, { cause: error });
    }
  });
};

const copyFromImage: Way = async ({ cacheFolder, env, onProgress }) => {
  // The image holds a Linux program: good for this machine only when this machine runs Linux too.
  if (process.platform !== 'linux') return undefined;
  const docker = (args: string[], timeout: number): Promise<string> =>
    run('docker', args, { timeout, env }).then(({ stdout }) => stdout.trim());
  try {
    await docker(['version', '--format', '{{.Server.Version}}'], 5000);
  } catch (error) {
    throw new Error('no container engine answers', { cause: error });
  }
  const image = `nats:${PINNED_NATS_SERVER_VERSION}-scratch`;
  onProgress(`taking nats-server from the container image ${image} ...`);
  return addToNatsServerCache(cacheFolder, LOWEST_NATS_SERVER_VERSION, async (folder) => {
    const container = await docker(['create', image], 180_000);
    try {
      await docker(['cp', `${container}:/nats-server`, join(folder, NATS_SERVER_FILE)], 60_000);
    } finally {
      await docker(['rm', container], 30_000);
    }
  });
};

const ways: Record<NatsServerSource, { label: string; find: Way }> = {
  environment: {
    label: 'NATS_SERVER_BIN',
    find: async ({ env }) => (env['NATS_SERVER_BIN'] === '' ? undefined : env['NATS_SERVER_BIN']),
  },
  path: { label: 'PATH', find: findOnPath },
  cache: {
    label: 'the cache',
    find: async ({ cacheFolder }) => findCachedNatsServer(cacheFolder, LOWEST_NATS_SERVER_VERSION),
  },
  release: {
    label: `the official release ${PINNED_NATS_SERVER_VERSION}`,
    find: async ({ cacheFolder, onProgress }) => {
      onProgress(`fetching nats-server ${PINNED_NATS_SERVER_VERSION} from its official release ...`);
      return addToNatsServerCache(cacheFolder, LOWEST_NATS_SERVER_VERSION, (folder) =>
        fetchReleaseAsset(folder),
      );
    },
  },
  debian: { label: "apt's Debian mirror", find: fetchFromDebian },
  docker: { label: 'a container image', find: copyFromImage },
};

/**
 * Finds a nats-server that is new enough, or fetches one into the cache: `NATS_SERVER_BIN`, PATH, the cache, the official release (verified
 * against its SHA-256), the Debian mirror of this machine's apt (verified by apt), a container image. A way that fails
 * or offers an older server is reported and the next one is tried; only a `NATS_SERVER_BIN` that cannot be used is final, because
 * running another program than the one asked for would surprise.
 *
 * @throws NatsServerNotFoundError when no way is left.
 */
export async function findNatsServer(options: FindNatsServerOptions = {}): Promise<NatsServerBinary> {
  const env = options.env ?? process.env;
  const onProgress = options.onProgress ?? (() => undefined);
  const search: Search = { env, cacheFolder: options.cacheFolder ?? natsServerCacheFolder(env), onProgress };
  const tried: string[] = [];
  for (const source of options.sources ?? NATS_SERVER_SOURCES) {
    const { label, find } = ways[source];
    try {
      const path = await find(search);
      if (path !== undefined) return { path, version: await versionIfUsable(path), source };
      tried.push(`${label}: none there`);
    } catch (error) {
      const line = `${label}: ${(error as Error).message}`;
      if (source === 'environment') throw new NatsServerNotFoundError([line]);
      tried.push(line);
      onProgress(`${line}; going on`);
    }
  }
  throw new NatsServerNotFoundError(tried);
}
