import { accessSync, constants, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** A file system in memory on Linux. Containers often give it 64 MB only. */
const MEMORY_FOLDER = '/dev/shm';
/** What a whole run of tests stays far below. */
const ENOUGH_BYTES = 4 << 30;

/**
 * Where the servers of a test run keep their data: in memory where there is plenty of it, else in the system's temporary
 * folder. A server killed with -9 finds the same data either way, only the power may not fail; and a test no longer
 * waits for a disk that others keep busy. `TMPDIR`, when set, decides.
 */
export function chooseRunFolderPlace(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment['TMPDIR'] !== undefined) return tmpdir();
  return hasRoom(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir();
}

function hasRoom(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= ENOUGH_BYTES;
  } catch {
    return false;
  }
}
