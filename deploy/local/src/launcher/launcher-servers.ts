import { join } from 'node:path';
import { CLIENT_SIDE_PERMISSIONS, SERVICE_PERMISSIONS, SYSTEM_PERMISSIONS } from '@tidewire/contract';
import type { ClientSideUser, NatsAccount, NatsUser, SystemUser } from '@tidewire/contract';
import type { DataFolder } from '../data-folder.ts';
import { DATABASE_ROLES, prepareDatabase } from '../postgres/database-postgres.ts';
import type { DatabasePasswords, DatabaseUrls } from '../postgres/database-postgres.ts';
import type { LocalServer } from '../local-server.ts';
import type { NatsPermissions } from '../nats/nats-server-config.ts';
import { startNatsServer } from '../nats/nats-server.ts';
import { applyMigrations } from '../postgres/migrations.ts';
import { startPostgresServer } from '../postgres/postgres-server.ts';

/** A user of the bus, in any of its accounts. */
export type BusUser = NatsUser | ClientSideUser | SystemUser;

/** The bus: an address per user, and the server when it is ours. */
export interface Bus {
  readonly url: (user: BusUser) => string;
  readonly server?: LocalServer;
  /** Of the key by which subscribers are let in, when the server is ours. */
  readonly calloutSeed?: string;
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

const PERMISSIONS = {
  platform: SERVICE_PERMISSIONS,
  clients: CLIENT_SIDE_PERMISSIONS,
  system: SYSTEM_PERMISSIONS,
} as const satisfies Record<NatsAccount, object>;

/** Every user of a bus of ours. */
export const BUS_USERS: readonly BusUser[] = Object.values(PERMISSIONS).flatMap(
  (users) => Object.keys(users) as BusUser[],
);

/** Starts NATS with the users of every service, and with whomever authz lets in; or takes the bus at `url`, which then has to know whoever uses it. */
export async function startBus(folder: DataFolder, url: string | undefined, note: Note): Promise<Bus> {
  if (url !== undefined) return { url: () => url };
  // The client library takes a while to load: only here.
  const { createAccountKey, readAccountKey } = await import('@tidewire/messaging');
  const { callout } = folder.secrets(['callout'], () => createAccountKey().seed);
  const users = (Object.keys(PERMISSIONS) as NatsAccount[]).flatMap((account) =>
    Object.entries<NatsPermissions>(PERMISSIONS[account]).map(([user, permissions]) => ({
      user,
      account,
      permissions,
      password: folder.secrets([`nats-${user}`])[`nats-${user}`] ?? '',
    })),
  );
  const passwords = new Map<string, string>(users.map(({ user, password }) => [user, password]));
  const server = await startNatsServer({
    dataFolder: join(folder.path, 'nats'),
    users,
    calloutIssuer: readAccountKey(callout).publicKey,
    onProgress: note,
  });
  return {
    server,
    url: (user) => `nats://${user}:${passwords.get(user)}@127.0.0.1:${server.port}`,
    calloutSeed: callout,
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
    push: made['postgres-push'],
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
