import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stopLeftover } from '../folder-claim.ts';
import { freePort } from '../free-port.ts';
import { runServer } from '../local-server.ts';
import type { LocalServer } from '../local-server.ts';
import { choosePostgresAccount, placePostgresData } from './postgres-account.ts';
import type { PostgresAccount } from './postgres-account.ts';
import { findPostgres } from './postgres-binary.ts';
import type { PostgresBinaries } from './postgres-binary.ts';
import { POSTGRES_ADMIN, prepareCluster } from './postgres-cluster.ts';
import { startServerProcess } from '../server-process.ts';
import type { ServerProcess } from '../server-process.ts';
import { waitUntil } from '../wait-until.ts';

/** How to run a local PostgreSQL. */
export interface PostgresServerOptions {
  /** Absolute; holds the cluster, the log and the administrator's password, created with mode 0700 or, as root, 0711. */
  dataFolder: string;
  /** Chosen when missing; a restart keeps it. */
  port?: number;
  /** Server settings over our own, by their PostgreSQL names: `{ shared_buffers: '16MB' }`. */
  settings?: Readonly<Record<string, string>>;
  /** Hears one line for each thing that takes time or goes another way than usual. */
  onProgress?: (line: string) => void;
}

const readyTimeoutMs = 60_000;
const startAttempts = 50;
const defaults: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '64MB',
  max_connections: '200',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // A statement may hold somebody's data: errors are logged, the texts that caused them are not.
  log_min_error_statement: 'panic',
};

interface Launch {
  binaries: PostgresBinaries;
  cluster: string;
  logFile: string;
  account: PostgresAccount | undefined;
  settings: Readonly<Record<string, string>>;
}

/** Line 1 of postmaster.pid is the process, line 8 its state. */
function isReady(cluster: string, pid: number): boolean {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}

async function launchOnce(launch: Launch, port: number): Promise<ServerProcess | string> {
  const settings = { ...defaults, ...launch.settings, port: String(port) };
  const server = await startServerProcess({
    name: 'PostgreSQL',
    file: launch.binaries.postgres,
    args: [
      '-D',
      launch.cluster,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    logFile: launch.logFile,
    stopSignal: 'SIGINT',
    cwd: launch.cluster,
    account: launch.account,
  });
  const outcome = await waitUntil(() => {
    if (server.ended() !== undefined) return 'ended' as const;
    return isReady(launch.cluster, server.pid) ? ('ready' as const) : undefined;
  }, readyTimeoutMs);
  if (outcome === 'ready') return server;
  const how = server.ended() ?? `not ready after ${readyTimeoutMs / 1000} s`;
  await server.kill();
  return `PostgreSQL did not start (${how}). Its last lines, of ${launch.logFile}:\n${server.logTail()}`;
}

/**
 * After a kill the old server's children live for some moments more and hold its shared memory; a chosen port may have been taken
 * by somebody else meanwhile. Both pass: try again. Everything else is final.
 */
async function launchServer(
  launch: Launch,
  wantedPort: number | undefined,
): Promise<[ServerProcess, number]> {
  for (let attempt = 1; ; attempt++) {
    const port = wantedPort ?? (await freePort());
    const outcome = await launchOnce(launch, port);
    if (typeof outcome !== 'string') return [outcome, port];
    const lingers = /shared memory block|lock file "postmaster\.pid"/.test(outcome);
    const portTaken = wantedPort === undefined && /Address already in use/.test(outcome);
    if (attempt >= startAttempts || !(lingers || portTaken)) throw new Error(outcome);
    await waitUntil(() => undefined, 100);
  }
}

async function stopLeftoverServer(cluster: string, onProgress: (line: string) => void): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  let pid: number;
  try {
    pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  } catch {
    return;
  }
  if (await stopLeftover(pid, `-D ${cluster} `, 'SIGINT')) {
    onProgress(`stopped a PostgreSQL (process ${pid}) that an earlier run had left behind`);
  } else {
    // Nobody of ours holds it: what is left of a crash. PostgreSQL would refuse if the number belonged to a stranger.
    rmSync(file, { force: true });
  }
}

/**
 * Starts PostgreSQL on 127.0.0.1 (no Unix socket) and waits until it accepts connections; the first start makes the
 * cluster, which takes about a second. Its `url` is the administrator's, password included, of the database `postgres`. As root it runs as an existing unprivileged user (see `choosePostgresAccount`
 * and `placePostgresData`). A server that an earlier, killed run left on the same data folder is stopped first.
 *
 * @throws FolderInUseError when a living process runs one there; an Error with the log's last lines when it ends early.
 */
export async function startPostgresServer(options: PostgresServerOptions): Promise<LocalServer> {
  const dataFolder = resolve(options.dataFolder);
  const onProgress = options.onProgress ?? (() => undefined);
  const account = choosePostgresAccount();
  return await runServer(dataFolder, options.port, async () => {
    // The server's user has to pass through, not to look around; its own folder inside is closed to all others.
    if (account !== undefined) chmodSync(dataFolder, 0o711);
    const { folder: cluster, moved } = placePostgresData(dataFolder, account);
    if (moved)
      onProgress(
        `PostgreSQL's user ${account?.name} cannot reach ${dataFolder}: its data lies in ${cluster}`,
      );
    await stopLeftoverServer(cluster, onProgress);
    const binaries = findPostgres(account, onProgress);
    const password = await prepareCluster(dataFolder, cluster, binaries, account);
    const logFile = join(dataFolder, 'postgres.log');
    const launch = { binaries, cluster, logFile, account, settings: options.settings ?? {} };
    return {
      name: 'PostgreSQL',
      launch: (port) => launchServer(launch, port),
      url: (port) => `postgres://${POSTGRES_ADMIN}:${password}@127.0.0.1:${port}/postgres`,
    };
  });
}
