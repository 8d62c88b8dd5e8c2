import { setTimeout as delay } from 'node:timers/promises';
import { isReady } from '../edge/edge-upstreams.ts';
import type { ProcessRecord } from './launcher-record.ts';
import { startServerProcess } from '../server-process.ts';
import type { ServerProcess } from '../server-process.ts';
import { waitUntil } from '../wait-until.ts';

const READY_TIMEOUT_MS = 30_000;
const REASON_LINES = 4;
const PROBE_INTERVAL_MS = 40;
/** A crash is answered by a restart after the next of these; who crashes more often within the window is given up. */
const RESTART_DELAYS_MS = [250, 500, 1_000, 2_000, 4_000];
const CRASH_WINDOW_MS = 60_000;
/** Exit code of a service whose settings are wrong (sysexits `EX_CONFIG`): starting it again changes nothing. */
const EXIT_CONFIG = 'exit code 78';

/** What happens to a process that is supervised. */
export type ProcessEvent =
  | { readonly kind: 'crashed'; readonly name: string; readonly how: string; readonly restartInMs: number }
  | { readonly kind: 'restarted'; readonly name: string }
  | { readonly kind: 'given-up'; readonly name: string; readonly how: string; readonly logFile: string };

export interface ProcessPlan {
  /** Unique among the processes of this data folder: `records`, `fanout-gateway-1`. */
  readonly name: string;
  /** What Node is called with: flags, the program and its arguments. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Where it answers `/readyz`. */
  readonly port: number;
}

interface SupervisionOptions {
  readonly record: ProcessRecord;
  /** Whether a crash is answered by a restart. */
  readonly restart: boolean;
  readonly restartDelaysMs?: readonly number[];
  readonly report: (event: ProcessEvent) => void;
}

/** The lines of a log that most likely say why: from the last mention of an error, or simply the last ones. */
function lastReason(log: string): string {
  const lines = log.split('\n');
  const error = lines.findLastIndex(
    (line) => /error|not valid/i.test(line) && !/^\s+at |^\s+code:/.test(line),
  );
  return (error === -1 ? lines.slice(-REASON_LINES) : lines.slice(error, error + REASON_LINES)).join('\n');
}

/** One process of ours: started, watched, restarted when it crashes, stopped when it is told to. */
export class SupervisedProcess {
  readonly plan: ProcessPlan;
  readonly #options: SupervisionOptions;
  #server: ServerProcess | undefined;
  /** Whether it is meant to run: an end is a crash only then. */
  #wanted = false;
  #crashes: number[] = [];

  constructor(plan: ProcessPlan, options: SupervisionOptions) {
    this.plan = plan;
    this.#options = options;
  }

  /** The process that runs now, if one does. */
  get pid(): number | undefined {
    return this.#server?.ended() === undefined ? this.#server?.pid : undefined;
  }

  /** @throws Error with the last lines of its log when it ends or is not ready within 30 s; it is not running then. */
  async start(): Promise<void> {
    const server = await this.#spawn();
    const outcome = await this.#becomesReady(server);
    if (outcome === 'ready') {
      this.#wanted = true;
      const ended = server.ended();
      if (ended !== undefined) this.#crashed(ended); // between its answer and now
      return;
    }
    await server.kill();
    const { name, logFile } = this.plan;
    const reason = lastReason(server.logTail());
    throw new Error(`${name} did not start (${outcome}). Its log is ${logFile}, and says:\n${reason}`);
  }

  /** Asks for an orderly end and kills what is left after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#wanted = false;
    const server = this.#server;
    if (server === undefined) return;
    const cancel = new AbortController();
    const stopped = server.stop().then(() => true);
    const late = delay(graceMs, false, { signal: cancel.signal }).catch(() => true);
    if (!(await Promise.race([stopped, late]))) await server.kill();
    cancel.abort();
  }

  /** SIGKILL; it stays down until it is started again. */
  async kill(): Promise<void> {
    this.#wanted = false;
    await this.#server?.kill();
  }

  async #spawn(): Promise<ServerProcess> {
    const { plan } = this;
    let pid = 0;
    const server: ServerProcess = await startServerProcess({
      name: plan.name,
      file: process.execPath,
      args: [...plan.args],
      env: plan.env,
      logFile: plan.logFile,
      stopSignal: 'SIGTERM',
      onEnd: (how) => {
        this.#options.record.remove(pid);
        if (this.#wanted && this.#server === server) this.#crashed(how);
      },
    });
    pid = server.pid;
    this.#server = server;
    this.#options.record.add(plan.name, pid);
    return server;
  }

  async #becomesReady(server: ServerProcess): Promise<string> {
    const address = { host: '127.0.0.1', port: this.plan.port };
    const outcome = await waitUntil(async () => {
      const ended = server.ended();
      if (ended !== undefined) return ended;
      await delay(PROBE_INTERVAL_MS); // a start has better things to do with two cores than to answer probes
      return (await isReady(address)) ? 'ready' : undefined;
    }, READY_TIMEOUT_MS);
    return outcome ?? `not ready after ${READY_TIMEOUT_MS / 1000} s`;
  }

  #crashed(how: string): void {
    if (!this.#options.restart) return;
    const { name, logFile } = this.plan;
    const now = performance.now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < CRASH_WINDOW_MS), now];
    const delays = this.#options.restartDelaysMs ?? RESTART_DELAYS_MS;
    const restartInMs = delays[this.#crashes.length - 1];
    if (restartInMs === undefined || how === EXIT_CONFIG) {
      this.#wanted = false;
      this.#options.report({ kind: 'given-up', name, how, logFile });
      return;
    }
    this.#options.report({ kind: 'crashed', name, how, restartInMs });
    setTimeout(() => void this.#restart(), restartInMs);
  }

  async #restart(): Promise<void> {
    if (!this.#wanted) return;
    try {
      const server = await this.#spawn();
      if (!this.#wanted) return await server.kill();
      const outcome = await this.#becomesReady(server);
      // Not ready is no crash: what it waits for may be away, and the origin says so. An end was reported by itself.
      if (outcome === 'ready' && this.#wanted)
        this.#options.report({ kind: 'restarted', name: this.plan.name });
    } catch (error) {
      this.#crashed(error instanceof Error ? error.message : String(error));
    }
  }
}
