import { randomBytes } from 'node:crypto';
import { DATABASE_ROLES, prepareRoles } from '@tidewire/local';
import type { DatabasePasswords } from '@tidewire/local';
import type { ServerKind } from './test-run.ts';
import { startPostgresProcess } from './test-server.ts';
import type { TestServer } from './test-server.ts';

/** What workers need to know of a PostgreSQL server to make databases on it. */
export interface PostgresAccess {
  adminUrl: string;
  passwords: DatabasePasswords;
}

/** A PostgreSQL server with the roles of production and no database yet. */
export interface PreparedPostgres extends PostgresAccess {
  server: TestServer;
}

function makePasswords(): DatabasePasswords {
  return Object.fromEntries(
    DATABASE_ROLES.map((role) => [role, randomBytes(12).toString('base64url')]),
  ) as unknown as DatabasePasswords;
}

async function startServer(kind: ServerKind, run: string): Promise<{ server: TestServer; adminUrl: string }> {
  if (!kind.containers) {
    const server = await startPostgresProcess();
    return { server, adminUrl: server.adminUrl };
  }
  const { startPostgresContainer } = await import('./container-servers.ts');
  const password = randomBytes(12).toString('base64url');
  const server = await startPostgresContainer(run, password);
  return { server, adminUrl: `postgres://postgres:${password}@127.0.0.1:${server.port}/postgres` };
}

/** Starts a PostgreSQL for the run whose folder is `run`. */
export async function startPreparedPostgres(kind: ServerKind, run: string): Promise<PreparedPostgres> {
  const { server, adminUrl } = await startServer(kind, run);
  try {
    const passwords = makePasswords();
    await prepareRoles(adminUrl, passwords);
    return { server, adminUrl, passwords };
  } catch (error) {
    await server.remove();
    throw error;
  }
}
