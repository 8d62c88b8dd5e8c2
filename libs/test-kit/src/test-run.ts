import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { describeProcess } from '@tidewire/local';
import { chooseRunFolderPlace } from './run-folder-place.ts';
import { waitFor } from './wait-for.ts';

/** One run of tests: all its workers share a folder and a keeper, which cleans up when the run is over, however it ends. */
export interface TestRun {
  /** In memory or below the system's temporary folder; removed at the end. */
  folder: string;
}

/** What the servers of a whole run are: the same for all of its tests. */
export interface ServerKind {
  containers: boolean;
  /** For people: why so. */
  reason: string;
}

/** What a whole run shares; the keeper provides it when a worker first asks for it. */
export type SharedThing = 'kind' | 'postgres' | 'platform';

const keeperTimeoutMs = 120_000;
/** Set for the keeper itself, which starts servers with the same code as the workers. */
const runFolderVariable = 'TIDEWIRE_TEST_RUN_FOLDER';
const keeperFailed = 'keeper.failed';
let current: TestRun | undefined;

/** The process whose end is the end of the run: the test runner, not the worker of one file. */
function runnerPid(): number {
  const inWorkerProcess = isMainThread && process.env['VITEST_WORKER_ID'] !== undefined;
  return inWorkerProcess ? process.ppid : process.pid;
}

function startKeeper(folder: string, watchedPid: number): void {
  const log = openSync(join(folder, 'keeper.log'), 'a');
  const keeper = spawn(
    process.execPath,
    [join(import.meta.dirname, 'keeper.ts'), folder, String(watchedPid)],
    {
      detached: true, // it has to outlive a run that is killed together with its process group
      stdio: ['ignore', log, log],
      env: { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: '', [runFolderVariable]: folder },
    },
  );
  closeSync(log);
  // Without its keeper a run would wait for shared servers until it times out: let it fail at once, with the reason.
  keeper.once('exit', (code, signal) => {
    if (!existsSync(folder)) return; // it ended as it should, after a runner that was killed before its workers
    const lastWords = readFileSync(join(folder, 'keeper.log'), 'utf8').trim();
    writeFileSync(
      join(folder, keeperFailed),
      `The keeper of the test run ended (${signal ?? code}):\n${lastWords}`,
    );
  });
  keeper.unref();
}

/** The run that this process belongs to; the first worker that asks starts its keeper. */
export function testRun(): TestRun {
  if (current !== undefined) return current;
  const given = process.env[runFolderVariable];
  if (given !== undefined) return (current = { folder: given });
  const pid = runnerPid();
  const mark = describeProcess(pid)?.startMark.replaceAll(/\W/g, '') ?? '0';
  const folder = join(chooseRunFolderPlace(), `tidewire-test-${pid}-${mark}`);
  try {
    // Who makes the folder starts the keeper; PostgreSQL's unprivileged user has to pass through it.
    mkdirSync(folder, { mode: 0o711 });
    startKeeper(folder, pid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  current = { folder };
  return current;
}

/** A new folder of this run for one server; `stem` is what its name begins with. Others may pass through it. */
export function runFolder(stem: string): string {
  const folder = mkdtempSync(join(testRun().folder, `${stem}-`));
  chmodSync(folder, 0o711);
  return folder;
}

/** Where Node keeps what it compiled for all platforms of the run: each but the first starts with half the work. */
export function compileCache(): string {
  return join(testRun().folder, 'compile-cache');
}

/** Asks the keeper for something that the whole run shares, and answers what it wrote about it. */
export async function sharedServer<T>(thing: SharedThing): Promise<T> {
  const { folder } = testRun();
  const answer = join(folder, `${thing}.json`);
  if (!existsSync(answer)) writeFileSync(join(folder, `${thing}.wanted`), '');
  const failures = [`${thing}.failed`, keeperFailed].map((name) => join(folder, name));
  await waitFor(
    () => {
      const failed = failures.find(existsSync);
      if (failed !== undefined) throw new Error(readFileSync(failed, 'utf8'));
      return existsSync(answer);
    },
    {
      timeoutMs: keeperTimeoutMs,
      what: `the keeper of the run provides ${thing} (see ${folder}/keeper.log)`,
    },
  );
  return JSON.parse(readFileSync(answer, 'utf8')) as T;
}

/** Whether the servers of this run are processes or containers. */
export function serverKind(): Promise<ServerKind> {
  return sharedServer<ServerKind>('kind');
}

/** Prints once in the whole run what `server` is, past the test runner's own grouping of output. */
export async function announceOnce(server: string, use: string): Promise<void> {
  const { containers, reason } = await serverKind();
  const what = containers ? 'in containers' : 'as npm start runs it';
  const line = `${server} ${what} (${reason}), ${use}`;
  try {
    writeFileSync(join(testRun().folder, `${server}.announced`), line, { flag: 'wx' });
  } catch {
    return;
  }
  process.stderr.write(`tidewire tests: ${line}\n`);
}
