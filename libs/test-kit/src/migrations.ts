import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { withDatabase } from '@tidewire/local';

/** The services with tables of their own, in the order in which their migrations have to run. */
export const MIGRATED_SERVICES = ['relay', 'authz', 'records'] as const;
export type MigratedService = (typeof MIGRATED_SERVICES)[number];

const servicesFolder = join(import.meta.dirname, '..', '..', '..', 'services');

interface Migration {
  /** `relay/0001-outbox.sql` */
  name: string;
  sql: string;
}

function readMigrations(services: readonly MigratedService[]): Migration[] {
  return MIGRATED_SERVICES.filter((service) => services.includes(service)).flatMap((service) => {
    const folder = join(servicesFolder, service, 'migrations');
    if (!existsSync(folder))
      throw new Error(`The service ${service} has no migrations: there is no ${folder}`);
    return readdirSync(folder)
      .filter((file) => file.endsWith('.sql'))
      .toSorted()
      .map((file) => ({ name: `${service}/${file}`, sql: readFileSync(join(folder, file), 'utf8') }));
  });
}

/** A short name for exactly these migrations: another one as soon as a character of them changes. */
export function migrationsFingerprint(services: readonly MigratedService[]): string {
  const hash = createHash('sha256');
  for (const { name, sql } of readMigrations(services)) hash.update(`${name}\0${sql}\0`);
  return hash.digest('hex').slice(0, 24);
}

/**
 * Brings a database into the state that the given services expect: `services/<name>/migrations/*.sql` in the order of
 * their names, relay before authz before records, each file in one transaction, whatever order is asked for.
 *
 * @throws what PostgreSQL says, with the file's name in front; earlier files stay applied.
 */
export async function applyMigrations(ownerUrl: string, services: readonly MigratedService[]): Promise<void> {
  await withDatabase(ownerUrl, async (client) => {
    for (const { name, sql } of readMigrations(services)) {
      try {
        await client.query('BEGIN');
        await client.query(sql);
        await client.query('COMMIT');
      } catch (error) {
        throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
}
