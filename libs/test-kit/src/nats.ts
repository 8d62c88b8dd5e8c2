import { randomBytes } from 'node:crypto';
import type { NatsPermissions, NatsUser } from '@tidewire/local';
import { announceOnce, serverKind, testRun } from './test-run.ts';
import { startNatsProcess } from './test-server.ts';
import type { NatsTestSettings, TestServer } from './test-server.ts';

/** Who may connect. */
export interface NatsTestUsers {
  /** Users by name; undefined permissions mean that the user may do everything. Default: one such user, `test`. */
  users?: Readonly<Record<string, NatsPermissions | undefined>>;
  /** Further users, of the clients' account. */
  clients?: Readonly<Record<string, NatsPermissions>>;
  /** Further users, of the system account. */
  system?: Readonly<Record<string, NatsPermissions>>;
  /** The public key of who issues users for everybody else; missing: there is nobody else. */
  calloutIssuer?: string;
}

/** What `startNats` may be told. */
export interface StartNatsOptions extends NatsTestUsers {
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

async function startServer(settings: NatsTestSettings): Promise<TestServer> {
  if (!(await serverKind()).containers) return startNatsProcess(settings);
  const { startNatsContainer } = await import('./container-servers.ts');
  return startNatsContainer(testRun().folder, settings);
}

/** With passwords of their own. */
export function usersOf({
  users = { test: undefined },
  clients = {},
  system = {},
}: NatsTestUsers): NatsUser[] {
  const accounts = { platform: users, clients, system };
  return (Object.keys(accounts) as (keyof typeof accounts)[]).flatMap((account) =>
    Object.entries(accounts[account]).map(([user, permissions]) => ({
      user,
      account,
      password: randomBytes(12).toString('base64url'),
      ...(permissions === undefined ? {} : { permissions }),
    })),
  );
}

/**
 * Starts a NATS server for one test, in some thirty milliseconds as a process, some three hundred in a container. The
 * very first time on a machine the program or image is fetched, which takes seconds.
 */
export async function startNats(options: StartNatsOptions = {}): Promise<TestNats> {
  const users = usersOf(options);
  await announceOnce('NATS', 'one server for each test');
  const { port, calloutIssuer } = options;
  const server = await startServer({
    users,
    ...(port !== undefined && { port }),
    ...(calloutIssuer !== undefined && { calloutIssuer }),
  });
  const address = `nats://127.0.0.1:${server.port}`;
  const credentialsFor = (user: string): NatsCredentials => {
    const known = users.find((candidate) => candidate.user === user);
    if (known === undefined) throw new Error(`This server has no user ${user}`);
    return { server: address, user, password: known.password };
  };
  const urlFor = (user: string): string => {
    const { password } = credentialsFor(user);
    return `nats://${user}:${password}@127.0.0.1:${server.port}`;
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
    [Symbol.asyncDispose]: () => server.remove(),
  };
}
