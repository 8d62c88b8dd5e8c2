import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';

/** The parts of the system that have a PostgreSQL user of their own. */
export const DATABASE_ROLES = ['owner', 'records', 'authz', 'relay', 'push'] as const;
export type DatabaseRole = (typeof DATABASE_ROLES)[number];

/** A password for every role. */
export type DatabasePasswords = Readonly<Record<DatabaseRole, string>>;

/** Addresses with user and password; `ownerUrl` is for migrations, the others are the services' `DATABASE_URL`. */
export interface DatabaseUrls {
  ownerUrl: string;
  recordsUrl: string;
  authzUrl: string;
  relayUrl: string;
  pushUrl: string;
}

/** Where `prepareDatabase` works and what it makes. */
export interface PrepareDatabaseOptions {
  /** An administrator's address; whatever database it names is only used to connect. */
  adminUrl: string;
  passwords: DatabasePasswords;
  /** Default `tidewire`. */
  database?: string;
}

const folder = join(import.meta.dirname, '..', '..', '..', 'postgres');
/** Two who change the same roles, or make the same database, at once would trip over each other: numbers nobody else locks. */
const rolesLock = 7_430_201;
const databaseLock = 7_430;

/** Calls `work` with an open connection and closes it, whatever happens. */
export async function withDatabase<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined); // the query that is under way fails with it; a second report helps nobody
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function onDatabase(url: string, database: string, role?: DatabaseRole, password?: string): string {
  const address = new URL(url);
  address.pathname = `/${encodeURIComponent(database)}`;
  if (role !== undefined && password !== undefined) {
    address.username = `tidewire_${role}`;
    address.password = encodeURIComponent(password);
  }
  return address.href;
}

/** The addresses of `database` on the server of `adminUrl`. */
export function databaseUrls(adminUrl: string, database: string, passwords: DatabasePasswords): DatabaseUrls {
  const of = (role: DatabaseRole): string => onDatabase(adminUrl, database, role, passwords[role]);
  return {
    ownerUrl: of('owner'),
    recordsUrl: of('records'),
    authzUrl: of('authz'),
    relayUrl: of('relay'),
    pushUrl: of('push'),
  };
}

/** Makes the roles, or brings them into the state of deploy/postgres/roles.sql, and sets their passwords. */
export async function prepareRoles(adminUrl: string, passwords: DatabasePasswords): Promise<void> {
  await withDatabase(adminUrl, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [rolesLock]);
    await client.query(readFileSync(join(folder, 'roles.sql'), 'utf8'));
    for (const role of DATABASE_ROLES) {
      await client.query(`ALTER ROLE tidewire_${role} PASSWORD ${client.escapeLiteral(passwords[role])}`);
    }
  });
}

/**
 * Makes `database`, owned by `tidewire_owner`, unless it exists, and closes it to everybody but the roles.
 *
 * @param template a database that nobody is connected to, to copy instead of starting empty.
 */
export async function createDatabase(adminUrl: string, database: string, template?: string): Promise<void> {
  await withDatabase(adminUrl, async (client) => {
    await client.query('SELECT pg_advisory_lock($1, hashtext($2))', [databaseLock, database]);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (rowCount === 0) {
      const from = template === undefined ? '' : ` TEMPLATE ${client.escapeIdentifier(template)}`;
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)} OWNER tidewire_owner${from}`);
    }
    const closing = readFileSync(join(folder, 'database.sql'), 'utf8');
    await withDatabase(onDatabase(adminUrl, database), (inside) => inside.query(closing));
  });
}

/**
 * Makes roles and database as the services expect them. Safe to repeat and to run twice at once: existing data is left alone,
 * passwords are set to the given ones.
 *
 * @throws what PostgreSQL says, for instance when `adminUrl` is not an administrator's.
 */
export async function prepareDatabase(options: PrepareDatabaseOptions): Promise<DatabaseUrls> {
  const { adminUrl, passwords, database = 'tidewire' } = options;
  await prepareRoles(adminUrl, passwords);
  await createDatabase(adminUrl, database);
  return databaseUrls(adminUrl, database, passwords);
}
