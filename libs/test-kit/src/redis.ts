import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { freePort, openProcessRecord } from '@tidewire/local';
import { runFolder } from './test-run.ts';
import { waitFor } from './wait-for.ts';

/** What `startRedis` may be told. */
export interface StartRedisOptions {
  /** Lines of its configuration, such as `requirepass`. */
  config?: readonly string[];
}

/** A Redis server of one's own, without anything on disk. */
export interface TestRedis extends AsyncDisposable {
  /** Without a user; the same over restarts. */
  readonly url: string;
  readonly port: number;
  /** SIGKILL; `restart` brings it back. */
  kill(): Promise<void>;
  /** Kills it if it runs and starts it again on the same port, with another configuration if one is given. */
  restart(config?: readonly string[]): Promise<void>;
  /** SIGSTOP: its connections stay, and nothing is answered any more. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
}

/** The redis-server of `TIDEWIRE_REDIS_SERVER_BIN`, or of the PATH; undefined where there is none. */
export function findRedisServer(): string | undefined {
  const given = process.env['TIDEWIRE_REDIS_SERVER_BIN'];
  if (given !== undefined && given !== '') return given;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, 'redis-server')).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts a Redis server on 127.0.0.1 and waits until it accepts connections.
 *
 * @throws Error where there is no redis-server: ask {@link findRedisServer} before, and skip.
 */
export async function startRedis({ config = [] }: StartRedisOptions = {}): Promise<TestRedis> {
  const binary = findRedisServer();
  if (binary === undefined) throw new Error('There is no redis-server here');
  const folder = runFolder('redis');
  const port = await freePort();
  let settings = config;
  let server = await launch(binary, folder, port, settings);
  const kill = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill,
    async restart(given = settings) {
      await kill();
      settings = given;
      server = await launch(binary, folder, port, settings);
    },
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function launch(
  binary: string,
  folder: string,
  port: number,
  config: readonly string[],
): Promise<ChildProcess> {
  const own = ['bind 127.0.0.1', `port ${port}`, `dir ${folder}`, 'save ""', 'appendonly no', 'daemonize no'];
  const file = join(folder, 'redis.conf');
  writeFileSync(file, [...own, ...config, ''].join('\n'), { mode: 0o600 });
  const server = spawn(binary, [file], { stdio: 'ignore' });
  const ended = once(server, 'exit').catch((error: unknown) => error);
  await once(server, 'spawn');
  // What a worker that is killed leaves behind is stopped at the end of the run.
  if (server.pid !== undefined)
    openProcessRecord(join(folder, 'processes.json')).add('redis-server', server.pid);
  let failed = false;
  void ended.then(() => (failed = true));
  await waitFor(
    async () => {
      if (failed) throw new Error(`redis-server did not start: ${file}`);
      return await accepts(port);
    },
    { what: 'redis-server accepts connections' },
  );
  return server;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
