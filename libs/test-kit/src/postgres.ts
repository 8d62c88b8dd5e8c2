import { randomUUID } from 'node:crypto';
import { applyMigrations, createDatabase, databaseUrls, withDatabase } from '@tidewire/local';
import type { DatabaseUrls, MigratedService } from '@tidewire/local';
import { migratedTemplate } from './migrated-template.ts';
import { startPreparedPostgres } from './shared-postgres.ts';
import type { PostgresAccess } from './shared-postgres.ts';
import { announceOnce, serverKind, sharedServer, testRun } from './test-run.ts';

/** What `startPostgres` and `startPostgresAlone` may be told. */
export interface StartPostgresOptions {
  /** Services whose migrations are applied; default none: an empty database. */
  services?: readonly MigratedService[];
}

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
  /** An orderly end; `restart` brings it back. */
  stop(): Promise<void>;
  /** SIGKILL; `restart` brings it back. */
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
 * A fresh database on the server that the whole run shares, with the roles of production and either no tables or those
 * of `services`, in less than a tenth of a second; the first call of a run also starts that server. Dropped when
 * disposed, with whatever is still connected to it.
 */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<TestDatabase> {
  const access = await sharedServer<PostgresAccess>('postgres');
  const { adminUrl, passwords } = access;
  await announceOnce('PostgreSQL', 'one server for the whole run');
  const { services = [] } = options;
  const template = services.length === 0 ? undefined : await migratedTemplate(access, services);
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await createDatabase(adminUrl, name, template);
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
export async function startPostgresAlone(options: StartPostgresOptions = {}): Promise<TestPostgresServer> {
  const { server, adminUrl, passwords } = await startPreparedPostgres(await serverKind(), testRun().folder);
  const name = 'tidewire';
  const urls = databaseUrls(adminUrl, name, passwords);
  try {
    await createDatabase(adminUrl, name);
    await applyMigrations(urls.ownerUrl, options.services ?? []);
  } catch (error) {
    await server.remove();
    throw error;
  }
  return {
    ...urls,
    adminUrl: adminOf(adminUrl, name),
    name,
    port: server.port,
    get pid() {
      return server.pid;
    },
    stop: () => server.stop(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    [Symbol.asyncDispose]: () => server.remove(),
  };
}
