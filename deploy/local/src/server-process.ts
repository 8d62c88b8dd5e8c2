import { spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** How to run one server program. */
export interface ServerCommand {
  /** Shown in errors: `nats-server`, `PostgreSQL`. */
  name: string;
  file: string;
  args: string[];
  /** Standard output and error are appended here; a log above 8 MiB is moved to `<logFile>.1` first. */
  logFile: string;
  /** The signal that asks this program for an orderly end. */
  stopSignal: 'SIGTERM' | 'SIGINT';
  cwd?: string;
  /** Run as this user; only root can. */
  account?: { uid: number; gid: number } | undefined;
  /** Its whole environment. When missing, as little as a server of somebody else's making needs. */
  env?: Readonly<Record<string, string>>;
  /** Hears once how it ended, whoever ended it. */
  onEnd?: (how: string) => void;
}

/** A server program that runs, or ran. */
export interface ServerProcess {
  readonly pid: number;
  /** How it ended (`exit code 1`, `signal SIGKILL`), or undefined while it lives. */
  ended(): string | undefined;
  /** What it has logged since this start, the last 20 lines. */
  logTail(): string;
  /** Asks for an orderly end and waits for it; after 15 s it is killed. Harmless when it has ended. */
  stop(): Promise<void>;
  /** Ends it the hard way (SIGKILL) and waits until it is gone. Harmless when it has ended. */
  kill(): Promise<void>;
}

const logRotationBytes = 8 * 1024 * 1024;
const orderlyEndMs = 15_000;
const logTailLines = 20;

/** Everything this process started and that still runs: ended with it, also when it leaves by process.exit(). */
const endWithUs = new Map<number, NodeJS.Signals>();
let hooked = false;

function endWithThisProcess(pid: number, signal: NodeJS.Signals): void {
  endWithUs.set(pid, signal);
  if (hooked) return;
  hooked = true;
  process.once('exit', () => {
    for (const [server, stopSignal] of endWithUs) {
      try {
        process.kill(server, stopSignal);
      } catch {
        // ended by itself in the same moment
      }
    }
  });
}

function openLog(path: string): { descriptor: number; from: number } {
  if (existsSync(path) && statSync(path).size > logRotationBytes) renameSync(path, `${path}.1`);
  const descriptor = openSync(path, 'a', 0o600);
  return { descriptor, from: fstatSync(descriptor).size };
}

function readTail(path: string, from: number): string {
  try {
    const lines = readFileSync(path).subarray(from).toString('utf8').trimEnd().split('\n');
    return lines.slice(-logTailLines).join('\n');
  } catch {
    return '';
  }
}

/**
 * Starts a server in a process group of its own, so that Ctrl-C in a terminal reaches the program that supervises
 * it and not the server under its feet; it logs to a file, so it also survives being orphaned without a broken pipe.
 *
 * @throws when the program cannot be started at all (missing, not executable).
 */
export async function startServerProcess(command: ServerCommand): Promise<ServerProcess> {
  const log = openLog(command.logFile);
  const child = spawn(command.file, command.args, {
    detached: true,
    stdio: ['ignore', log.descriptor, log.descriptor],
    // No variable of ours (passwords, proxies, PG*) is any business of the server's.
    env: command.env ?? { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', ...windowsEssentials() },
    windowsHide: true,
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    ...(command.account === undefined ? {} : command.account),
  });
  closeSync(log.descriptor);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(new Error(`${command.name} could not be started: ${error.message}`)),
    );
  });
  const pid = child.pid as number;
  let ended: string | undefined;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = signal === null ? `exit code ${code}` : `signal ${signal}`;
      endWithUs.delete(pid);
      resolve();
      command.onEnd?.(ended);
    });
  });
  endWithThisProcess(pid, command.stopSignal);
  child.unref();

  const signalAndWait = async (signal: NodeJS.Signals, timeoutMs: number): Promise<boolean> => {
    if (ended !== undefined) return true;
    child.kill(signal);
    // The reference keeps this process alive until the server is gone: an awaited stop() must not be cut short.
    child.ref();
    const cancel = new AbortController();
    const outcome = await Promise.race([
      gone.then(() => true),
      delay(timeoutMs, false, { signal: cancel.signal }).catch(() => false),
    ]);
    cancel.abort();
    return outcome;
  };
  return {
    pid,
    ended: () => ended,
    logTail: () => readTail(command.logFile, log.from),
    stop: async () => {
      if (!(await signalAndWait(command.stopSignal, orderlyEndMs)))
        await signalAndWait('SIGKILL', orderlyEndMs);
    },
    kill: async () => {
      await signalAndWait('SIGKILL', orderlyEndMs);
    },
  };
}

function windowsEssentials(): Record<string, string> {
  const root = process.env['SystemRoot'];
  return process.platform === 'win32' && root !== undefined
    ? { SystemRoot: root, PATH: process.env['PATH'] ?? '' }
    : {};
}
