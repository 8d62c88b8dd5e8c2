import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { canReach, handTo } from './postgres-account.ts';
import type { PostgresAccount } from './postgres-account.ts';
import type { PostgresBinaries } from './postgres-binary.ts';

const run = promisify(execFile);

/** The database's first user; its password lies beside the cluster, readable for us alone. */
export const POSTGRES_ADMIN = 'postgres';

/** The only way in: over loopback, with a password. */
const hostRules = 'host all all 127.0.0.1/32 scram-sha-256\n';

function readOrMakePassword(dataFolder: string): string {
  const file = join(dataFolder, 'postgres-password');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const password = randomBytes(24).toString('base64url');
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return password;
}

function checkVersion(cluster: string, binaries: PostgresBinaries): void {
  const has = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim();
  const runs = binaries.version.split('.')[0] ?? '';
  if (has === runs) return;
  throw new Error(
    `The data in ${cluster} was written by PostgreSQL ${has}; this is PostgreSQL ${runs}, which cannot read it. ` +
      `Move the folder away to start afresh, or dump and restore it with PostgreSQL ${has}.`,
  );
}

async function initialise(
  cluster: string,
  binaries: PostgresBinaries,
  account: PostgresAccount | undefined,
  password: string,
): Promise<void> {
  // In one step at the end: a start that was interrupted leaves nothing that looks like a database.
  const fresh = `${cluster}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  handTo(account, fresh);
  const base = account === undefined || canReach(account, tmpdir()) ? tmpdir() : dirname(cluster);
  const secrets = mkdtempSync(join(base, 'tidewire-initdb-'));
  try {
    const passwordFile = join(secrets, 'password');
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    handTo(account, passwordFile);
    handTo(account, secrets);
    const args = [
      `--pgdata=${fresh}`,
      `--username=${POSTGRES_ADMIN}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--data-checksums',
      '--no-instructions',
    ];
    await run(binaries.initdb, args, {
      cwd: fresh,
      timeout: 120_000,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    });
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(`PostgreSQL's data folder ${cluster} could not be made: ${stderr.trim() || message}`, {
      cause: error,
    });
  } finally {
    rmSync(secrets, { recursive: true, force: true });
  }
  writeFileSync(join(fresh, 'pg_hba.conf'), hostRules);
  renameSync(fresh, cluster);
}

/**
 * Makes the database cluster when there is none yet: UTF-8, locale C.UTF-8 (strings compare by code point), checksums,
 * passwords by SCRAM. Answers the password of `POSTGRES_ADMIN`.
 *
 * @throws when there is one of another major version.
 */
export async function prepareCluster(
  dataFolder: string,
  cluster: string,
  binaries: PostgresBinaries,
  account: PostgresAccount | undefined,
): Promise<string> {
  const password = readOrMakePassword(dataFolder);
  if (existsSync(join(cluster, 'PG_VERSION'))) checkVersion(cluster, binaries);
  else await initialise(cluster, binaries, account, password);
  return password;
}
