import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import {
  createDatabase,
  databaseUrls,
  prepareRoles,
  startPostgresServer,
  withDatabase,
} from '@tidewire/local';
import type { DatabaseUrls } from '@tidewire/local';
import { TEST_POSTGRES_SETTINGS, makePasswords } from './shared-postgres.ts';
import type { PostgresAccess } from './shared-postgres.ts';
import { announceOnce, runFolder, sharedServer } from './test-run.ts';

/** A database of one's own, with the roles that services use. */
export interface TestDatabase extends DatabaseUrls, AsyncDisposable {
  /** An administrator's address, of this database. */
  adminUrl: string;
  /** The name of the database. */
  name: string;
}

/** A PostgreSQL server of one's own, for tests that crash it, with one database. */
export interface TestPostgresServer extends TestDatabase {
  readonly port: number;
  readonly pid: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Kills it if it runs and starts it again: same addresses, same data. */
  restart(): Promise<void>;
}

function adminOf(adminUrl: string, database: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/**
 * A fresh, empty database (roles as in production, no tables) on the server that the whole run shares, in some
 * ten milliseconds; the first call of a run also starts that server. Dropped when disposed, with whatever is still connected to it.
 */
export async function startPostgres(): Promise<TestDatabase> {
  const { adminUrl, passwords, description } = await sharedServer<PostgresAccess>('postgres');
  announceOnce('postgres', `PostgreSQL is ${description}`);
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await createDatabase(adminUrl, name);
  return {
    ...databaseUrls(adminUrl, name, passwords),
    adminUrl: adminOf(adminUrl, name),
    name,
    [Symbol.asyncDispose]: async () => {
      await withDatabase(adminUrl, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

/** A server of its own for a test that kills or restarts it; about a second to start. */
export async function startPostgresAlone(): Promise<TestPostgresServer> {
  const dataFolder = runFolder('postgres');
  const server = await startPostgresServer({ dataFolder, settings: TEST_POSTGRES_SETTINGS });
  const passwords = makePasswords();
  const name = 'tidewire';
  await prepareRoles(server.url, passwords);
  await createDatabase(server.url, name);
  return {
    ...databaseUrls(server.url, name, passwords),
    adminUrl: adminOf(server.url, name),
    name,
    port: server.port,
    get pid() {
      return server.pid;
    },
    kill: () => server.kill(),
    restart: () => server.restart(),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}
