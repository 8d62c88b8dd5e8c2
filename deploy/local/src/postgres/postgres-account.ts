import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The operating system's user that PostgreSQL runs as when we are root, which it refuses to be. */
export interface PostgresAccount {
  name: string;
  uid: number;
  gid: number;
}

/** Tried in this order; the first is what a distribution's PostgreSQL uses, the second exists everywhere. */
const candidates = ['postgres', 'nobody'];

function askId(option: '-u' | '-g', user: string): number | undefined {
  try {
    const answer = execFileSync('id', [option, user], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const id = Number(answer.trim());
    return Number.isSafeInteger(id) && id > 0 ? id : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The user to run PostgreSQL as: undefined means ourselves, which is right for everybody but root.
 * Nothing is created: an existing unprivileged user is taken.
 *
 * @throws when we are root and there is no such user.
 */
export function choosePostgresAccount(): PostgresAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of candidates) {
    const [uid, gid] = [askId('-u', name), askId('-g', name)];
    if (uid !== undefined && gid !== undefined) return { name, uid, gid };
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and this system has neither a user "postgres" nor "nobody". ' +
      'Start as an ordinary user.',
  );
}

/** Whether `account` may pass through every folder on the way to `path`, and through `path` itself when it exists. */
export function canReach(account: PostgresAccount, path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(folder)) {
      const { mode, uid, gid } = statSync(folder);
      const bits = uid === account.uid ? mode >> 6 : gid === account.gid ? mode >> 3 : mode;
      if ((bits & 0o1) === 0) return false;
    }
    if (folder === dirname(folder)) return true;
  }
}

/** Where PostgreSQL's files are put when its user cannot reach the place that they belong in. */
const reachableBase = '/var/lib/tidewire';
const ourPlace = /^\/var\/lib\/tidewire\/postgres-[0-9a-f-]{36}$/;

function placeOutside(dataFolder: string): string | undefined {
  const pointer = join(dataFolder, 'postgres-location');
  const place = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : '';
  // What a file says is removed together with the data: only ever a folder of the very form that is made here.
  return ourPlace.test(place) ? place : undefined;
}

/**
 * A folder for PostgreSQL's data that `account` can reach: inside `dataFolder` when possible. A project below a closed
 * home folder (root's own, mode 0700) is not reachable for an unprivileged user; then the data lies in a folder of its
 * own below /var/lib/tidewire, and `dataFolder/postgres-location` says which. To start afresh, `removePostgresData`.
 *
 * `moved` tells that it lies outside.
 */
export function placePostgresData(
  dataFolder: string,
  account: PostgresAccount | undefined,
): { folder: string; moved: boolean } {
  const inside = join(dataFolder, 'cluster');
  if (account === undefined || existsSync(join(inside, 'PG_VERSION')))
    return { folder: inside, moved: false };
  mkdirSync(dataFolder, { recursive: true, mode: 0o711 });
  if (canReach(account, dirname(dataFolder))) return { folder: inside, moved: false };
  const place = placeOutside(dataFolder) ?? join(reachableBase, `postgres-${randomUUID()}`);
  mkdirSync(place, { recursive: true, mode: 0o711 });
  writeFileSync(join(dataFolder, 'postgres-location'), `${place}\n`);
  return { folder: join(place, 'cluster'), moved: true };
}

/** Hands `path` to `account`; nothing to do when we run as ourselves. */
export function handTo(account: PostgresAccount | undefined, path: string): void {
  if (account !== undefined) chownSync(path, account.uid, account.gid);
}

/** Removes a data folder and what of it lies outside. The server must have been stopped. */
export function removePostgresData(dataFolder: string): void {
  const outside = placeOutside(dataFolder);
  if (outside !== undefined) rmSync(outside, { recursive: true, force: true });
  rmSync(dataFolder, { recursive: true, force: true });
}
