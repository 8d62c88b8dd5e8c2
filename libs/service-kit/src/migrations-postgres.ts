import { readdir } from 'node:fs/promises';
import { runner } from 'node-pg-migrate';
import { Client } from 'pg';
import type { Logger } from './logger.ts';

export interface MigrationOptions {
  /** As the role that will own everything the files create. */
  readonly databaseUrl: string;
  /** Folder with files `NNNN-name.sql`, and nothing else. */
  readonly directory: string;
  /** The service's schema; created when absent. Files name it in full: the search path is not theirs to rely on. */
  readonly schema: string;
  readonly logger?: Logger;
}

const FILE_NAME = /^\d{4}-[a-z0-9][a-z0-9-]*\.sql$/;
const SCHEMA_NAME = /^[a-z][a-z0-9_]*$/;
const MIGRATIONS_TABLE = 'schema_migrations';

/**
 * Runs the migrations that have not run yet, in order of their numbers, each in a transaction of its own, and returns
 * their names. What ran is kept in `{schema}.schema_migrations`. Concurrent runs wait for each other on an advisory
 * lock, and the later one finds nothing to do.
 *
 * @throws Error when a file has another name, when a file was inserted before one that has run, or when SQL fails;
 * the failed file leaves nothing behind, those before it stay.
 */
export async function runMigrations(options: MigrationOptions): Promise<string[]> {
  if (!SCHEMA_NAME.test(options.schema)) throw new RangeError('the schema must be a plain lower-case name');
  const wrong = (await readdir(options.directory)).filter((name) => !FILE_NAME.test(name));
  if (wrong.length > 0) throw new Error(`not a migration, which is named NNNN-name.sql: ${wrong.join(', ')}`);
  const applied = await withClient(options.databaseUrl, (dbClient) => migrate(dbClient, options));
  for (const { name } of applied) {
    options.logger?.info('migration applied', { schema: options.schema, migration: name });
  }
  return applied.map(({ name }) => name);
}

/** A connection of our own, which has ended when this has: that of the library may outlive a migration that failed. */
async function withClient<Result>(
  databaseUrl: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({ connectionString: databaseUrl });
  // What runs fails with the connection; a second report helps nobody.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function migrate(dbClient: Client, options: MigrationOptions): ReturnType<typeof runner> {
  return await runner({
    dbClient,
    dir: options.directory,
    direction: 'up',
    schema: options.schema,
    createSchema: true,
    migrationsTable: MIGRATIONS_TABLE,
    singleTransaction: false,
    advisoryLockMode: 'wait',
    // Its own texts repeat whole statements.
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  });
}
