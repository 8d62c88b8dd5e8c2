import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeProcess } from './process-identity.ts';
import { waitUntil } from './wait-until.ts';

/** Thrown when a data folder is used by another living process; `ownerPid` is that process. */
export class FolderInUseError extends Error {
  readonly ownerPid: number;
  constructor(folder: string, ownerPid: number) {
    super(
      `The data folder ${folder} is in use by process ${ownerPid}. ` +
        'End that one first, or choose another data folder.',
    );
    this.name = 'FolderInUseError';
    this.ownerPid = ownerPid;
  }
}

/** The right to run a server on a data folder; held until released or until this process ends. */
export interface FolderClaim {
  release(): void;
}

interface Owner {
  pid: number;
  startMark: string;
}

function readOwner(path: string): Owner | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, startMark } = value as Partial<Owner>;
    return typeof pid === 'number' && typeof startMark === 'string' ? { pid, startMark } : undefined;
  } catch {
    return undefined;
  }
}

function lives(owner: Owner): boolean {
  return describeProcess(owner.pid)?.startMark === owner.startMark;
}

/**
 * Claims `folder` (created when missing, mode 0700) for this process. A claim left by a process that has died is taken over.
 *
 * @throws FolderInUseError when another living process, or this one, holds it.
 */
export function claimFolder(folder: string): FolderClaim {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'owner.json');
  const mine = `${path}.${process.pid}`;
  writeFileSync(
    mine,
    JSON.stringify({ pid: process.pid, startMark: describeProcess(process.pid)?.startMark ?? '' }),
    {
      mode: 0o600,
    },
  );
  try {
    for (;;) {
      try {
        // A link either appears whole or not at all, and never replaces another's claim.
        linkSync(mine, path);
        return { release: () => rmSync(path, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const owner = readOwner(path);
      if (owner !== undefined && lives(owner)) throw new FolderInUseError(folder, owner.pid);
      // Of two processes that find the same dead claim only one can rename it away; the other tries again.
      const stale = `${path}.stale.${process.pid}`;
      try {
        renameSync(path, stale);
        const moved = readOwner(stale);
        if (moved !== undefined && lives(moved)) renameSync(stale, path);
        else rmSync(stale, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/**
 * Stops the server `pid` when it still runs and its command line holds `mark` (a path that only a server of this
 * data folder has among its arguments): what is left after the program that supervised it was killed.
 * Answers whether there was one. A stranger under the same number is left alone.
 *
 * @throws when it does not end within 15 s, not even killed.
 */
export async function stopLeftover(
  pid: number,
  mark: string,
  stopSignal: 'SIGTERM' | 'SIGINT',
): Promise<boolean> {
  const isOurs = (): boolean => describeProcess(pid)?.commandLine.includes(mark) === true;
  const gone = (): true | undefined => (isOurs() ? undefined : true);
  if (!isOurs()) return false;
  for (const [signal, timeoutMs] of [
    [stopSignal, 10_000],
    ['SIGKILL', 5_000],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      // ended in the same moment
    }
    if ((await waitUntil(gone, timeoutMs)) === true) return true;
  }
  throw new Error(
    `Process ${pid}, a server left over from an earlier run (${mark}), does not end. End it by hand.`,
  );
}
