import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runMigrations } from '@tidewire/service-kit';

/** The services with tables of their own, in the order in which their migrations have to run, and their schemas. */
const schemas = { relay: 'outbox', authz: 'authz', records: 'records' } as const;
export type MigratedService = keyof typeof schemas;
export const MIGRATED_SERVICES = Object.freeze(Object.keys(schemas) as MigratedService[]);

const servicesFolder = join(import.meta.dirname, '..', '..', '..', 'services');

function migrationsFolder(service: MigratedService): string {
  const folder = join(servicesFolder, service, 'migrations');
  if (!existsSync(folder)) throw new Error(`The service ${service} has no migrations: there is no ${folder}`);
  return folder;
}

function inOrder(services: readonly MigratedService[]): MigratedService[] {
  return MIGRATED_SERVICES.filter((service) => services.includes(service));
}

/** A short name for exactly these migrations: another one as soon as a character of them changes. */
export function migrationsFingerprint(services: readonly MigratedService[]): string {
  const hash = createHash('sha256');
  for (const service of inOrder(services)) {
    const folder = migrationsFolder(service);
    for (const file of readdirSync(folder).toSorted()) {
      hash.update(`${service}/${file}\0${readFileSync(join(folder, file), 'utf8')}\0`);
    }
  }
  return hash.digest('hex').slice(0, 24);
}

/**
 * Brings a database into the state that the given services expect, as they do it themselves in production: relay before
 * authz before records, whatever order is asked for. Repeating it changes nothing.
 *
 * @throws what PostgreSQL says, with the service's name in front; earlier services stay applied.
 */
export async function applyMigrations(ownerUrl: string, services: readonly MigratedService[]): Promise<void> {
  for (const service of inOrder(services)) {
    const directory = migrationsFolder(service);
    try {
      await runMigrations({ databaseUrl: ownerUrl, directory, schema: schemas[service] });
    } catch (error) {
      throw new Error(`migrations of ${service}: ${(error as Error).message}`, { cause: error });
    }
  }
}
