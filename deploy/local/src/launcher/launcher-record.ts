import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describeProcess } from '../process-identity.ts';
import { waitUntil } from '../wait-until.ts';

/** How long a leftover may take to drain before it is killed. */
const ORDERLY_END_MS = 1_500;
const KILLED_END_MS = 3_000;

interface Entry {
  readonly name: string;
  readonly pid: number;
  readonly startMark: string;
}

/**
 * Which processes belong to this data folder, written down while they run. After the launcher was killed with -9
 * they go on without it; the next start finds them here.
 */
export interface ProcessRecord {
  add(name: string, pid: number): void;
  remove(pid: number): void;
  /**
   * Stops what an earlier launcher left running and returns the names. A process is ours only when it also started
   * at the recorded moment: numbers are given out again.
   *
   * @throws Error naming a process that does not end, not even killed.
   */
  stopLeftovers(): Promise<string[]>;
}

export function openProcessRecord(file: string): ProcessRecord {
  let entries = readEntries(file);
  const save = (): void => {
    writeFileSync(`${file}.new`, JSON.stringify(entries), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  return {
    add(name, pid) {
      const startMark = describeProcess(pid)?.startMark;
      if (startMark === undefined) return; // ended already, or a system that cannot tell
      entries = [...entries, { name, pid, startMark }];
      save();
    },
    remove(pid) {
      entries = entries.filter((entry) => entry.pid !== pid);
      save();
    },
    async stopLeftovers() {
      const left = entries.filter(lives);
      await Promise.all(left.map(stop));
      entries = [];
      rmSync(file, { force: true });
      return left.map((entry) => entry.name);
    },
  };
}

function lives(entry: Entry): boolean {
  return describeProcess(entry.pid)?.startMark === entry.startMark;
}

async function stop(entry: Entry): Promise<void> {
  const gone = (): true | undefined => (lives(entry) ? undefined : true);
  for (const [signal, timeoutMs] of [
    ['SIGTERM', ORDERLY_END_MS],
    ['SIGKILL', KILLED_END_MS],
  ] as const) {
    try {
      process.kill(entry.pid, signal);
    } catch {
      // ended in the same moment
    }
    if ((await waitUntil(gone, timeoutMs)) === true) return;
  }
  throw new Error(
    `${entry.name}, left by an earlier start (process ${entry.pid}), does not end. End it by hand.`,
  );
}

function readEntries(file: string): Entry[] {
  if (!existsSync(file)) return [];
  try {
    const entries: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(entries) ? entries.filter(isEntry) : [];
  } catch {
    return []; // replaced in one step, so this is somebody's edit; leftovers then show by the ports they hold
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { name, pid, startMark } = value as Partial<Entry>;
  return typeof name === 'string' && typeof startMark === 'string' && Number.isSafeInteger(pid);
}
