import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stopLeftover } from '../folder-claim.ts';
import { runServer } from '../local-server.ts';
import type { LocalServer } from '../local-server.ts';
import { findNatsServer } from './nats-server-binary.ts';
import { formatNatsServerConfig, natsServerFiles } from './nats-server-config.ts';
import type { NatsUser } from './nats-server-config.ts';
import { startServerProcess } from '../server-process.ts';
import type { ServerProcess } from '../server-process.ts';
import { waitUntil } from '../wait-until.ts';

/** How to run a local NATS server. */
export interface NatsServerOptions {
  /** Absolute; everything of this server lies in it, created with mode 0700. */
  dataFolder: string;
  /** Chosen by the system when missing; a restart keeps it. */
  port?: number;
  users: NatsUser[];
  /** Hears one line for each thing that takes time or goes another way than usual. */
  onProgress?: (line: string) => void;
  /** The path of a nats-server to use instead of looking for one. */
  binary?: string;
}

const readyTimeoutMs = 30_000;

/** The address that the server wrote down once it accepts connections; undefined until then. */
function readPort(portsFolder: string, pid: number): number | undefined {
  try {
    const name = readdirSync(portsFolder).find((file) => file.endsWith(`_${pid}.ports`));
    if (name === undefined) return undefined;
    const { nats } = JSON.parse(readFileSync(join(portsFolder, name), 'utf8')) as { nats?: string[] };
    const port = Number(new URL(nats?.[0] ?? '').port);
    return port > 0 ? port : undefined;
  } catch {
    return undefined; // the file is being written
  }
}

async function launch(
  binary: string,
  options: NatsServerOptions,
  port: number,
): Promise<[ServerProcess, number]> {
  const files = natsServerFiles(options.dataFolder);
  rmSync(files.ports, { recursive: true, force: true });
  mkdirSync(files.ports, { mode: 0o700 });
  const config = formatNatsServerConfig({ dataFolder: options.dataFolder, port, users: options.users });
  rmSync(files.config, { force: true });
  writeFileSync(files.config, config, { mode: 0o600 });
  chmodSync(files.config, 0o600);
  const server = await startServerProcess({
    name: 'nats-server',
    file: binary,
    args: ['-c', files.config],
    logFile: files.log,
    stopSignal: 'SIGTERM',
    cwd: options.dataFolder,
  });
  const ready = await waitUntil(
    () => (server.ended() === undefined ? readPort(files.ports, server.pid) : 'ended'),
    readyTimeoutMs,
  );
  if (typeof ready === 'number') return [server, ready];
  const how = server.ended() ?? `not ready after ${readyTimeoutMs / 1000} s`;
  await server.kill();
  throw new Error(
    `nats-server did not start (${how}). Its last lines, of ${files.log}:\n${server.logTail()}`,
  );
}

async function stopLeftoverServer(options: NatsServerOptions): Promise<void> {
  const files = natsServerFiles(options.dataFolder);
  let pid: number;
  try {
    pid = Number(readFileSync(files.pid, 'utf8'));
  } catch {
    return;
  }
  if (await stopLeftover(pid, files.config, 'SIGTERM')) {
    options.onProgress?.(`stopped a nats-server (process ${pid}) that an earlier run had left behind`);
  }
}

/**
 * Starts a NATS server with JetStream on 127.0.0.1 and waits until it accepts connections; its `url` is without a user.
 * A server that an earlier, killed run left on the same data folder is stopped first.
 *
 * @throws FolderInUseError when a living process runs one there; an Error with the log's last lines when it ends early;
 *   NatsServerNotFoundError when no usable program can be had.
 */
export async function startNatsServer(given: NatsServerOptions): Promise<LocalServer> {
  const options = { ...given, dataFolder: resolve(given.dataFolder) };
  const binary =
    options.binary ??
    (await findNatsServer(options.onProgress ? { onProgress: options.onProgress } : {})).path;
  return await runServer(options.dataFolder, options.port, async () => {
    await stopLeftoverServer(options);
    return {
      name: 'NATS',
      launch: (port) => launch(binary, options, port ?? 0),
      url: (port) => `nats://127.0.0.1:${port}`,
    };
  });
}
