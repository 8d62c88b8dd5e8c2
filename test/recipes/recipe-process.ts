import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFolder, waitFor } from '@tidewire/test-kit';

const code = join(import.meta.dirname, '../../docs/recipes/code');
const GO = 'go';
/** Where Debian puts Go packages. */
const GO_PATH = '/usr/share/gocode';

/** A program of the recipes, and what runs it. */
export interface Recipe {
  readonly name: string;
  /** Why it cannot be run on this machine; undefined: it can. */
  readonly missing: () => string | undefined;
  /** What to run; may prepare it first. */
  readonly command: () => readonly [string, ...string[]];
}

const works = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args).status === 0;

function buildGo(): string {
  const program = join(mkdtempSync(join(runFolder('recipes'), 'go-')), 'subscriber');
  const { status, stderr } = spawnSync(GO, ['build', '-o', program, join(code, 'subscriber.go')], {
    env: { ...process.env, GO111MODULE: 'off', GOPATH: GO_PATH },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`subscriber.go does not build: ${stderr}`);
  return program;
}

/** The subscribers, in every language. */
export const SUBSCRIBERS: readonly Recipe[] = [
  {
    name: 'subscriber.mjs',
    missing: () => undefined,
    command: () => [process.execPath, join(code, 'subscriber.mjs')],
  },
  {
    name: 'subscriber.go',
    missing: () => {
      if (!works(GO, 'version')) return 'there is no go here (apt-get install golang-go)';
      if (existsSync(join(GO_PATH, 'src/github.com/nats-io/nats.go'))) return undefined;
      return 'there is no nats.go here (apt-get install golang-github-nats-io-go-nats-dev)';
    },
    command: () => [buildGo()],
  },
  {
    name: 'subscriber.py',
    missing: () =>
      works('python3', '-c', 'import nats') ? undefined : 'there is no nats-py here (pip install nats-py)',
    command: () => ['python3', join(code, 'subscriber.py')],
  },
  {
    name: 'subscriber.sh',
    missing: () =>
      works('nats', '--version') && works('jq', '--version') ? undefined : 'there is no nats, or no jq, here',
    command: () => ['sh', join(code, 'subscriber.sh')],
  },
];

export const WORKER: Recipe['command'] = () => [process.execPath, join(code, 'worker.mjs')];
export const LIST: Recipe['command'] = () => [process.execPath, join(code, 'list.mjs')];

/** What a recipe prints of an event. */
export interface PrintedEvent {
  readonly id: string;
  readonly subject: string;
}

/** One program that runs, killed and started again with the same environment. What it printed is kept over all of its runs. */
export class RecipeProcess implements AsyncDisposable {
  readonly #command: readonly [string, ...string[]];
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #finished = '';
  #output = '';
  #errors = '';

  constructor(command: readonly [string, ...string[]], environment: Readonly<Record<string, string>>) {
    this.#command = command;
    this.#environment = environment;
  }

  /** Everything that was said on standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Whole lines. A line that a kill cut off was not printed. */
  get lines(): readonly string[] {
    const text = this.#finished + this.#output.slice(0, this.#output.lastIndexOf('\n') + 1);
    return text.split('\n').filter((line) => line !== '');
  }

  /** Events in the order of their first arrival: what comes again has the same id. */
  get events(): readonly PrintedEvent[] {
    const events = this.lines.map((line) => JSON.parse(line) as PrintedEvent);
    return [...new Map(events.map((event) => [event.id, event])).values()];
  }

  start(): void {
    const [program, ...args] = this.#command;
    const child = spawn(program, args, {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    child.stdout.on('data', (bytes) => (this.#output += String(bytes)));
    child.stderr.on('data', (bytes) => (this.#errors += String(bytes)));
    this.#child = child;
  }

  /** SIGKILL of it and of what it has started. Resolves when everything that it printed is known. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const ended = new Promise((resolve) => {
      child.once('close', resolve);
    });
    if (child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, 'SIGKILL');
      await ended;
    }
    this.#child = undefined;
    this.#finished = this.lines.map((line) => `${line}\n`).join('');
    this.#output = '';
  }

  /** Waits for a program that ends by itself, and gives its exit code. */
  async ended(): Promise<number> {
    await waitFor(() => this.#child?.exitCode !== null, { what: 'the program ends' });
    return this.#child?.exitCode ?? -1;
  }

  /** Waits until so many different events were printed. */
  async until(count: number, what: string): Promise<void> {
    await waitFor(() => this.events.length >= count, { what, timeoutMs: 60_000 }).catch((error: unknown) => {
      throw new Error(`${what}: ${this.events.length} of ${count} events; it says: ${this.#errors}`, {
        cause: error,
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** The place that a program has kept; undefined: none yet. */
export function keptCursor(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
