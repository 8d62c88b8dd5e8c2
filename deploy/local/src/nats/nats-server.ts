import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stopLeftover } from '../folder-claim.ts';
import { runServer } from '../local-server.ts';
import type { LocalServer } from '../local-server.ts';
import { findNatsServer } from './nats-server-binary.ts';
import { formatNatsServerConfig, natsServerFiles } from './nats-server-config.ts';
import type { NatsUser } from './nats-server-config.ts';
import { formatNatsLeafConfig } from './nats-topology-config.ts';
import type { NatsLeafSettings, NatsTopology } from './nats-topology-config.ts';
import { startServerProcess } from '../server-process.ts';
import type { ServerProcess } from '../server-process.ts';
import { waitUntil } from '../wait-until.ts';

/** What every way of running a server needs. */
interface NatsProcessOptions {
  /** Absolute; everything of this server lies in it, created with mode 0700. */
  dataFolder: string;
  /** Chosen by the system when missing; a restart keeps it. */
  port?: number;
  /** Hears one line for each thing that takes time or goes another way than usual. */
  onProgress?: (line: string) => void;
  /** The path of a nats-server to use instead of looking for one. */
  binary?: string;
}

/** How to run a local NATS server. */
export interface NatsServerOptions extends NatsProcessOptions {
  users: NatsUser[];
  /** See {@link NatsServerSettings.calloutIssuer}. */
  calloutIssuer?: string;
  /** See {@link NatsServerSettings.topology}. */
  topology?: NatsTopology;
}

/** How to run a server with a configuration file that is there. */
export interface NatsFileOptions extends NatsProcessOptions {
  /** Its addresses and ports are set aside: it listens on 127.0.0.1. */
  file: string;
  /** The variables that the file asks for, but for the place of its store, which is in `dataFolder`. */
  environment: Readonly<Record<string, string>>;
  /** Where the other servers of its cluster reach it; `user:password` as its file wants it of them. */
  cluster?: { readonly port: number; readonly credentials: string };
}

/** How to run a leaf node. */
export interface NatsLeafOptions extends NatsProcessOptions {
  serverName: string;
  remote: NatsLeafSettings['remote'];
  users: NatsLeafSettings['users'];
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

interface Invocation {
  readonly args: string[];
  /** The server's whole environment; missing: what every server has. */
  readonly environment?: Readonly<Record<string, string>>;
}

async function launch(
  binary: string,
  dataFolder: string,
  { args, environment }: Invocation,
): Promise<[ServerProcess, number]> {
  const files = natsServerFiles(dataFolder);
  rmSync(files.ports, { recursive: true, force: true });
  mkdirSync(files.ports, { mode: 0o700 });
  const server = await startServerProcess({
    name: 'nats-server',
    file: binary,
    args,
    logFile: files.log,
    stopSignal: 'SIGTERM',
    cwd: dataFolder,
    ...(environment !== undefined && { env: environment }),
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

/** Writes the configuration into the server's folder, for nobody else to read. */
function invocationOf(dataFolder: string, config: string): Invocation {
  const file = natsServerFiles(dataFolder).config;
  rmSync(file, { force: true });
  writeFileSync(file, config, { mode: 0o600 });
  chmodSync(file, 0o600);
  return { args: ['-c', file] };
}

async function stopLeftoverServer({ dataFolder, onProgress }: NatsProcessOptions): Promise<void> {
  const files = natsServerFiles(dataFolder);
  let pid: number;
  try {
    pid = Number(readFileSync(files.pid, 'utf8'));
  } catch {
    return;
  }
  if (await stopLeftover(pid, files.config, 'SIGTERM')) {
    onProgress?.(`stopped a nats-server (process ${pid}) that an earlier run had left behind`);
  }
}

async function run<Options extends NatsProcessOptions>(
  given: Options,
  invoke: (options: Options, port: number) => Invocation,
): Promise<LocalServer> {
  const options = { ...given, dataFolder: resolve(given.dataFolder) };
  const binary =
    options.binary ??
    (await findNatsServer(options.onProgress ? { onProgress: options.onProgress } : {})).path;
  return await runServer(options.dataFolder, options.port, async () => {
    await stopLeftoverServer(options);
    return {
      name: 'NATS',
      launch: (port) => launch(binary, options.dataFolder, invoke(options, port ?? 0)),
      url: (port) => `nats://127.0.0.1:${port}`,
    };
  });
}

/**
 * Starts a NATS server with JetStream on 127.0.0.1 and waits until it accepts connections; its `url` is without a user.
 * A server that an earlier, killed run left on the same data folder is stopped first.
 *
 * @throws FolderInUseError when a living process runs one there; an Error with the log's last lines when it ends early;
 *   NatsServerNotFoundError when no usable program can be had.
 */
export function startNatsServer(given: NatsServerOptions): Promise<LocalServer> {
  return run(given, (options, port) =>
    invocationOf(options.dataFolder, formatNatsServerConfig({ ...options, port })),
  );
}

/** Starts a server with a configuration file as it stands, such as the one for production; otherwise as `startNatsServer`. */
export function startNatsServerOfFile(given: NatsFileOptions): Promise<LocalServer> {
  return run(given, ({ dataFolder, file, environment, cluster }, port) => {
    const { store, ports, pid } = natsServerFiles(dataFolder);
    const own = ['-a', '127.0.0.1', '-p', String(port === 0 ? -1 : port), '-m', '-1'];
    const joined =
      cluster === undefined
        ? []
        : ['--cluster_listen', `nats://${cluster.credentials}@127.0.0.1:${cluster.port}`];
    return {
      args: ['-c', file, ...own, ...joined, '--ports_file_dir', ports, '-P', pid],
      environment: { ...environment, TIDEWIRE_NATS_STORE_DIR: store },
    };
  });
}

/** Starts a leaf node on 127.0.0.1; whether it is let in where it connects to is another matter. */
export function startNatsLeafServer(given: NatsLeafOptions): Promise<LocalServer> {
  return run(given, ({ dataFolder, serverName, remote, users }, port) => {
    const portsFolder = natsServerFiles(dataFolder).ports;
    return invocationOf(dataFolder, formatNatsLeafConfig({ serverName, port, portsFolder, remote, users }));
  });
}
