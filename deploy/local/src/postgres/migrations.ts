import { join } from 'node:path';

/**
 * The services with tables of their own, each in a schema of its own, so that none has to know the others'. The order
 * counts: authz and records hang their triggers on the relay's outbox.
 */
const SCHEMAS = {
  'relay': 'outbox',
  'authz': 'authz',
  'records': 'records',
  'push-notifier': 'push',
} as const;

export type MigratedService = keyof typeof SCHEMAS;

/** In the order in which their migrations have to run. */
export const MIGRATED_SERVICES = Object.freeze(Object.keys(SCHEMAS) as MigratedService[]);

/** Where the migrations of a service lie. */
export function migrationFolder(service: MigratedService): string {
  return join(import.meta.dirname, '..', '..', '..', '..', 'services', service, 'migrations');
}

/**
 * Brings a database into the state that the given services expect, in the right order whatever order is asked for, and
 * names the migrations that had not run yet. What is in that state already is left alone; two at once wait for each other.
 *
 * @throws Error naming the service whose tables could not be prepared; those before it stay as they are then.
 */
export async function applyMigrations(
  ownerUrl: string,
  services: readonly MigratedService[] = MIGRATED_SERVICES,
): Promise<string[]> {
  // Late, because it brings the whole service kit with it, which a start can load while the servers start.
  const { runMigrations } = await import('@tidewire/service-kit');
  const applied: string[] = [];
  for (const service of MIGRATED_SERVICES.filter((one) => services.includes(one))) {
    const directory = migrationFolder(service);
    try {
      const names = await runMigrations({ databaseUrl: ownerUrl, directory, schema: SCHEMAS[service] });
      applied.push(...names.map((name) => `${service}/${name}`));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`The tables of ${service} could not be prepared: ${reason}`, { cause: error });
    }
  }
  return applied;
}
