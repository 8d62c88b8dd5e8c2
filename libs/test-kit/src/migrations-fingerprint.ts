import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MIGRATED_SERVICES, migrationFolder } from '@tidewire/local';
import type { MigratedService } from '@tidewire/local';

/** A short name for exactly these migrations: another one as soon as a character of them changes. */
export function migrationsFingerprint(services: readonly MigratedService[]): string {
  const hash = createHash('sha256');
  for (const service of MIGRATED_SERVICES.filter((one) => services.includes(one))) {
    const folder = migrationFolder(service);
    for (const file of readdirSync(folder).toSorted()) {
      hash.update(`${service}/${file}\0${readFileSync(join(folder, file), 'utf8')}\0`);
    }
  }
  return hash.digest('hex').slice(0, 24);
}
