import { randomUUID } from 'node:crypto';
import { applyMigrations, createDatabase, databaseUrls, withDatabase } from '@tidewire/local';
import type { MigratedService } from '@tidewire/local';
import { migrationsFingerprint } from './migrations-fingerprint.ts';
import type { PostgresAccess } from './shared-postgres.ts';

/** Any number that nobody else locks in the administrator's database. */
const templateLock = 7_430_202;

/**
 * The name of a database with the migrations of `services` applied, to copy from; made by the first caller of a run
 * while the others wait. Migrations thus cost their time once and a copy afterwards.
 */
export async function migratedTemplate(
  { adminUrl, passwords }: PostgresAccess,
  services: readonly MigratedService[],
): Promise<string> {
  const template = `template_${migrationsFingerprint(services)}`;
  await withDatabase(adminUrl, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [templateLock]);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [template]);
    if (rowCount !== 0) return;
    // Under another name until it is complete: a run that breaks off leaves no half template behind.
    const building = `building_${randomUUID().replaceAll('-', '')}`;
    await createDatabase(adminUrl, building);
    await applyMigrations(databaseUrls(adminUrl, building, passwords).ownerUrl, services);
    await client.query(`ALTER DATABASE ${building} RENAME TO ${template}`);
  });
  return template;
}
