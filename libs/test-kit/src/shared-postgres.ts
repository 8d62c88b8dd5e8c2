import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DATABASE_ROLES, prepareRoles, startPostgresServer } from '@tidewire/local';
import type { DatabasePasswords } from '@tidewire/local';

/** What workers need to know of a PostgreSQL server to make databases on it. */
export interface PostgresAccess {
  adminUrl: string;
  passwords: DatabasePasswords;
  /** One line for people: what kind of server this is. */
  description: string;
}

/** Small, so that many fit on one machine; durability is as in `npm start`, because crashes are part of the tests. */
export const TEST_POSTGRES_SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: '32MB',
  max_connections: '300',
  autovacuum_naptime: '10s',
};

/** A password for every role, new each time. */
export function makePasswords(): DatabasePasswords {
  return Object.fromEntries(
    DATABASE_ROLES.map((role) => [role, randomBytes(12).toString('base64url')]),
  ) as unknown as DatabasePasswords;
}

/** Starts the server that a whole run of tests shares; called by the keeper. */
export async function startSharedPostgres(
  folder: string,
): Promise<{ answer: PostgresAccess; stop(): Promise<void> }> {
  const server = await startPostgresServer({
    dataFolder: join(folder, 'shared-postgres'),
    settings: TEST_POSTGRES_SETTINGS,
    onProgress: (line) => console.error(line),
  });
  const passwords = makePasswords();
  await prepareRoles(server.url, passwords);
  const description = 'the PostgreSQL that npm start uses (from npm)';
  return { answer: { adminUrl: server.url, passwords, description }, stop: () => server.stop() };
}
