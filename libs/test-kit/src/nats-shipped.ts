import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import {
  CALLOUT_ISSUER_VARIABLE,
  PRODUCTION_USERS,
  natsPasswordVariable,
  startNatsServerOfFile,
} from '@tidewire/local';
import { join } from 'node:path';
import { announceOnce, runFolder } from './test-run.ts';
import { testServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

export interface ShippedNatsOptions {
  /** The public key of who issues users for everybody that is none of the file. */
  readonly calloutIssuer: string;
  /** A file of `deploy/nats`. Default `nats-server.conf`. */
  readonly file?: 'nats-server.conf' | 'tls.conf' | 'cluster.conf';
  /** Passwords by user, where several servers are to have the same. Default: made now. */
  readonly passwords?: ReadonlyMap<string, string>;
  /** Default `nats-1`. */
  readonly serverName?: string;
  /** Where the other servers of the cluster reach it. */
  readonly cluster?: { readonly port: number; readonly credentials: string };
  /** Further variables that the file asks for. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A server with the configuration for production. */
export interface ShippedNats extends TestServer, AsyncDisposable {
  passwordFor(user: string): string;
  /** The address with the user and its password in it. */
  urlFor(user: string): string;
}

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'deploy', 'nats');

/** A password for every user of the shipped configuration. */
export function shippedNatsPasswords(): Map<string, string> {
  const names = Object.values(PRODUCTION_USERS).flatMap((users) => Object.keys(users));
  // A letter first, as in deploy/make-env: the server reads a value as a piece of configuration.
  return new Map(names.map((name) => [name, `s${randomBytes(12).toString('hex')}`]));
}

/** Starts a server with a file that is shipped, on 127.0.0.1 and with its data in the run's folder. */
export async function startShippedNats(options: ShippedNatsOptions): Promise<ShippedNats> {
  await announceOnce('NATS', 'one server for each test');
  const { file = 'nats-server.conf', serverName = 'nats-1', cluster } = options;
  const passwords = options.passwords ?? shippedNatsPasswords();
  const passwordFor = (user: string): string => {
    const password = passwords.get(user);
    if (password === undefined) throw new Error(`The file has no user ${user}`);
    return password;
  };
  const dataFolder = runFolder('nats-shipped');
  const server = await startNatsServerOfFile({
    dataFolder,
    file: join(FOLDER, file),
    environment: {
      ...Object.fromEntries([...passwords].map(([name, password]) => [natsPasswordVariable(name), password])),
      TIDEWIRE_NATS_SERVER_NAME: serverName,
      [CALLOUT_ISSUER_VARIABLE]: options.calloutIssuer,
      ...options.environment,
    },
    ...(cluster !== undefined && { cluster }),
  });
  const started = testServer(server, () => rmSync(dataFolder, { recursive: true, force: true }));
  return Object.assign(started, {
    passwordFor,
    urlFor: (user: string) => `nats://${user}:${passwordFor(user)}@127.0.0.1:${started.port}`,
    [Symbol.asyncDispose]: () => started.remove(),
  });
}
