import { rmSync } from 'node:fs';
import { removePostgresData, startNatsServer, startPostgresServer } from '@tidewire/local';
import type { LocalServer, NatsUser } from '@tidewire/local';
import { runFolder } from './test-run.ts';

/** A server of one test, the same to handle whether it runs as a process or in a container. */
export interface TestServer {
  /** On 127.0.0.1; the same over restarts. */
  readonly port: number;
  /** The server's process as its host numbers it; another one after a restart. */
  readonly pid: number;
  /** An orderly end; `restart` brings it back. */
  stop(): Promise<void>;
  /** SIGKILL; `restart` brings it back. */
  kill(): Promise<void>;
  /** Kills it if it runs and starts it again: same port, same data. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/** Small, so that many fit on one machine; as durable as in `npm start`, because crashes are part of the tests. */
export const TEST_POSTGRES_SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: '32MB',
  max_connections: '300',
  autovacuum_naptime: '10s',
  // In its own folder, which is removed with it: a killed server leaves nothing behind.
  dynamic_shared_memory_type: 'mmap',
};

/** What one NATS server of the tests has. */
export interface NatsTestSettings {
  readonly users: NatsUser[];
  readonly port?: number;
  readonly calloutIssuer?: string;
}

/** NATS as `npm start` runs it. */
export async function startNatsProcess(settings: NatsTestSettings): Promise<TestServer> {
  const dataFolder = runFolder('nats');
  const server = await startNatsServer({
    ...settings,
    dataFolder,
    onProgress: (line) => process.stderr.write(`tidewire tests: ${line}\n`),
  });
  return testServer(server, () => rmSync(dataFolder, { recursive: true, force: true }));
}

/** PostgreSQL as `npm start` runs it, with the administrator's address. */
export async function startPostgresProcess(): Promise<TestServer & { adminUrl: string }> {
  const dataFolder = runFolder('postgres');
  const server = await startPostgresServer({ dataFolder, settings: TEST_POSTGRES_SETTINGS });
  const started = testServer(server, () => removePostgresData(dataFolder));
  return Object.assign(started, { adminUrl: server.url });
}

/** The server with the removal of its data. */
export function testServer(server: LocalServer, removeData: () => void): TestServer {
  return {
    port: server.port,
    get pid() {
      return server.pid;
    },
    stop: () => server.stop(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    remove: async () => {
      await server.stop();
      removeData();
    },
  };
}
