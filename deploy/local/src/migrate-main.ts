import { DATABASE_ROLES } from './postgres/database-postgres.ts';
import type { DatabaseRole } from './postgres/database-postgres.ts';
import { applyAllMigrations } from './launcher/launcher-servers.ts';

/** Roles, database and tables as a process that ends: what the compose file runs before the services. */
async function main(): Promise<void> {
  const missing: string[] = [];
  const read = (name: string): string => {
    const value = process.env[name] ?? '';
    if (value === '') missing.push(name);
    return value;
  };
  const adminUrl = read('DATABASE_URL');
  const passwords = Object.fromEntries(
    DATABASE_ROLES.map((role) => [role, read(`TIDEWIRE_POSTGRES_${role.toUpperCase()}_PASSWORD`)]),
  ) as Record<DatabaseRole, string>;
  if (missing.length > 0) throw new Error(`these variables are missing: ${missing.join(', ')}`);
  const { applied } = await applyAllMigrations(adminUrl, passwords);
  process.stdout.write(applied.length === 0 ? 'tables are up to date\n' : `applied ${applied.join(', ')}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`migrate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
