import { join } from 'node:path';
import { SERVICE_PERMISSIONS } from '@tidewire/contract';
import type { NatsUser } from '@tidewire/contract';
import type { DataFolder } from '../data-folder.ts';
import { DATABASE_ROLES, prepareDatabase } from '../postgres/database-postgres.ts';
import type { DatabasePasswords, DatabaseUrls } from '../postgres/database-postgres.ts';
import type { LocalServer } from '../local-server.ts';
import { startNatsServer } from '../nats/nats-server.ts';
import { applyMigrations } from '../postgres/migrations.ts';
import { startPostgresServer } from '../postgres/postgres-server.ts';

/** The bus: an address per service, and the server when it is ours. */
export interface Bus {
  readonly url: (user: NatsUser) => string;
  readonly server?: LocalServer;
}

/** PostgreSQL: an administrator's address, and the server when it is ours. */
export interface Database {
  readonly adminUrl: string;
  readonly server?: LocalServer;
}

/** A database that the services can use, and the migrations that had not run yet. */
export interface MigratedDatabase {
  readonly urls: DatabaseUrls;
  readonly applied: readonly string[];
}

type Note = (text: string) => void;

const NATS_USERS = Object.keys(SERVICE_PERMISSIONS) as NatsUser[];

/** Starts NATS with a user per service, or takes the bus at `url`, which then has to know whoever uses it. */
export async function startBus(folder: DataFolder, url: string | undefined, note: Note): Promise<Bus> {
  if (url !== undefined) return { url: () => url };
  const passwords = folder.secrets(NATS_USERS.map((user) => `nats-${user}` as const));
  const server = await startNatsServer({
    dataFolder: join(folder.path, 'nats'),
    users: NATS_USERS.map((user) => ({
      user,
      password: passwords[`nats-${user}`],
      permissions: SERVICE_PERMISSIONS[user],
    })),
    onProgress: note,
  });
  return {
    server,
    url: (user) => `nats://${user}:${passwords[`nats-${user}`]}@127.0.0.1:${server.port}`,
  };
}

/** Starts PostgreSQL, or takes the one at `url`, an administrator's address. */
export async function startDatabase(
  folder: DataFolder,
  url: string | undefined,
  note: Note,
): Promise<Database> {
  if (url !== undefined) return { adminUrl: url };
  const server = await startPostgresServer({ dataFolder: join(folder.path, 'postgres'), onProgress: note });
  return { adminUrl: server.url, server };
}

/** Roles, database and tables, with passwords of the data folder. */
export function migrate(folder: DataFolder, adminUrl: string): Promise<MigratedDatabase> {
  const made = folder.secrets(DATABASE_ROLES.map((role) => `postgres-${role}` as const));
  return applyAllMigrations(adminUrl, {
    owner: made['postgres-owner'],
    records: made['postgres-records'],
    authz: made['postgres-authz'],
    relay: made['postgres-relay'],
  });
}

/**
 * Makes roles and database on the server of `adminUrl`, and brings every service's tables into the state of this
 * version. What is in that state already is left alone; two at once wait for each other.
 *
 * @throws Error naming the service whose tables could not be prepared; those before it stay as they are then.
 */
export async function applyAllMigrations(
  adminUrl: string,
  passwords: DatabasePasswords,
): Promise<MigratedDatabase> {
  // The code that runs migrations is large: it is loaded while the database is made.
  const loaded = import('@tidewire/service-kit');
  const urls = await prepareDatabase({ adminUrl, passwords });
  await loaded;
  return { urls, applied: await applyMigrations(urls.ownerUrl) };
}
