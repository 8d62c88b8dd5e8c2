import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { startNatsServer } from '@tidewire/local';
import type { NatsPermissions } from '@tidewire/local';
import { announceOnce, runFolder } from './test-run.ts';

/** What `startNats` may be told. */
export interface StartNatsOptions {
  /** Users by name; undefined permissions mean that the user may do everything. Default: one such user, `test`. */
  users?: Readonly<Record<string, NatsPermissions | undefined>>;
  /** Chosen by the system when missing. */
  port?: number;
}

/** What a client needs to connect. */
export interface NatsCredentials {
  /** `nats://127.0.0.1:<port>`, without a user. */
  server: string;
  user: string;
  password: string;
}

/** A NATS server with JetStream of one's own. */
export interface TestNats extends AsyncDisposable {
  /** With the first user and its password in it; the same over restarts. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** The address with the user and its password in it. Throws for a user that was not given. */
  urlFor(user: string): string;
  /** The same in parts. */
  credentialsFor(user: string): NatsCredentials;
  /** An orderly end; `restart` brings it back. */
  stop(): Promise<void>;
  /** SIGKILL; `restart` brings it back. */
  kill(): Promise<void>;
  /** Kills it if it runs and starts it again: same address, same users, same data. */
  restart(): Promise<void>;
}

/**
 * Starts a NATS server for one test, in some thirty milliseconds. The very first time on a machine the program is
 * fetched, which takes seconds.
 */
export async function startNats(options: StartNatsOptions = {}): Promise<TestNats> {
  const dataFolder = runFolder('nats');
  const users = Object.entries(options.users ?? { test: undefined }).map(([user, permissions]) => ({
    user,
    password: randomBytes(12).toString('base64url'),
    ...(permissions === undefined ? {} : { permissions }),
  }));
  const server = await startNatsServer({
    dataFolder,
    users,
    ...(options.port === undefined ? {} : { port: options.port }),
    onProgress: (line) => process.stderr.write(`tidewire tests: ${line}\n`),
  });
  announceOnce('nats', 'NATS is the nats-server that npm start uses (a process per test)');
  const credentialsFor = (user: string): NatsCredentials => {
    const known = users.find((candidate) => candidate.user === user);
    if (known === undefined) throw new Error(`This server has no user ${user}`);
    return { server: server.url, user, password: known.password };
  };
  const urlFor = (user: string): string => {
    const { password } = credentialsFor(user);
    return server.url.replace('nats://', `nats://${user}:${password}@`);
  };
  return {
    url: urlFor(users[0]?.user ?? ''),
    port: server.port,
    get pid() {
      return server.pid;
    },
    urlFor,
    credentialsFor,
    stop: () => server.stop(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}
