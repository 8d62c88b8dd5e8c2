import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { describeProcess, freePort, removePostgresData } from '@tidewire/local';
import { compileCache, runFolder, waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const STOP_LIMIT_MS = 5_000;
const START_LIMIT_MS = 90_000;

let dataFolder: string;
let starts: Start[] = [];

beforeEach(() => {
  dataFolder = join(runFolder('npm-start'), 'data');
});
afterEach(async () => {
  for (const start of starts) await start.end();
  starts = [];
  removePostgresData(join(dataFolder, 'postgres'));
  rmSync(dirname(dataFolder), { recursive: true, force: true });
});

/** One `npm start` with all that it prints. */
class Start {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly ended: Promise<number | null>;
  output = '';

  constructor(args: readonly string[]) {
    this.child = spawn('npm', ['start', '--silent', '--', ...args], {
      cwd: root,
      detached: true, // a process group of its own, as a shell makes one
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LOG_LEVEL: 'warn', NODE_COMPILE_CACHE: compileCache() },
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (data) => (this.output += String(data)));
    }
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
    starts.push(this);
  }

  async ready(): Promise<string> {
    const origin = await waitFor(() => /ready at (http:\/\/localhost:\d+)/.exec(this.output)?.[1], {
      timeoutMs: START_LIMIT_MS,
      what: 'the address of the origin',
    });
    return origin;
  }

  /** What a terminal does at Ctrl-C: everybody in the foreground hears it. */
  interrupt(): void {
    process.kill(-(this.child.pid ?? Number.NaN), 'SIGINT');
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.interrupt();
    await this.ended;
  }
}

const start = (port: number, folder = dataFolder): Start =>
  new Start(['--port', String(port), '--data-dir', folder, '--no-demo']);

const readJson = (name: string): unknown => JSON.parse(readFileSync(join(dataFolder, name), 'utf8'));
const launcherPid = (): number => (readJson('owner.json') as { pid: number }).pid;

/** Everything that runs on the data folder, the launcher first. */
function runningPids(): number[] {
  const services = (readJson('processes.json') as { pid: number }[]).map((entry) => entry.pid);
  const nats = Number(readFileSync(join(dataFolder, 'nats', 'nats-server.pid'), 'utf8'));
  return [launcherPid(), nats, ...services];
}

const pidOf = (name: string): number => {
  const entries = readJson('processes.json') as { name: string; pid: number }[];
  return entries.find((entry) => entry.name === name)?.pid ?? Number.NaN;
};

const living = (pids: readonly number[]): number[] =>
  pids.filter((pid) => describeProcess(pid) !== undefined);

test('starts everything behind one address, alone on its data folder and port, and Ctrl-C leaves nothing', async () => {
  const port = await freePort();
  const first = start(port);
  const origin = await first.ready();
  expect(origin).toBe(`http://localhost:${port}`);
  const readiness = await fetch(`${origin}/readyz`);
  expect(readiness.status).toBe(200);
  expect(await readiness.json()).toMatchObject({ status: 'ready' });
  const token = readFileSync(join(dataFolder, 'administrator-token'), 'utf8').trim();
  const me = await fetch(`${origin}/api/auth/me`, { headers: { authorization: `Bearer ${token}` } });
  expect(me.status).toBe(200);
  expect(first.output).not.toContain(token);

  const second = start(await freePort());
  expect(await second.ended).toBe(1);
  expect(second.output).toContain(`already runs on ${dataFolder} (process ${launcherPid()})`);

  const elsewhere = start(port, `${dataFolder}-other`);
  expect(await elsewhere.ended).toBe(1);
  expect(elsewhere.output).toMatch(new RegExp(`Port ${port} is in use.*--port \\d+`));
  expect(elsewhere.output).not.toContain('NATS');
  rmSync(`${dataFolder}-other`, { recursive: true, force: true });

  const pids = runningPids();
  expect(living(pids)).toEqual(pids);
  const stopped = performance.now();
  first.interrupt();
  await first.ended;
  expect(performance.now() - stopped).toBeLessThan(STOP_LIMIT_MS);
  expect(living(pids)).toEqual([]);
  expect(first.output).toMatch(/stopped\s*$/);
});

test('a start after a launcher that was killed stops what it left and goes on with its data', async () => {
  const port = await freePort();
  const first = start(port);
  await first.ready();
  const token = readFileSync(join(dataFolder, 'administrator-token'), 'utf8');
  const left = runningPids().slice(1);
  process.kill(launcherPid(), 'SIGKILL');
  await first.ended;
  expect(living(left)).toEqual(left);

  const second = start(port);
  const origin = await second.ready();
  expect(second.output).toContain('left behind');
  expect(living(left)).toEqual([]);
  expect(readFileSync(join(dataFolder, 'administrator-token'), 'utf8')).toBe(token);
  const me = await fetch(`${origin}/api/auth/me`, { headers: { authorization: `Bearer ${token.trim()}` } });
  expect(me.status).toBe(200);

  // a service that is killed comes back by itself
  process.kill(pidOf('records'), 'SIGKILL');
  await waitFor(() => (second.output.includes('records runs again') ? true : undefined), {
    timeoutMs: 30_000,
    what: 'the service to run again',
  });
  expect((await fetch(`${origin}/readyz`)).status).toBe(200);

  // a supervisor knows npm only, which does not pass its signal on to us
  const pids = runningPids();
  second.child.kill('SIGTERM');
  await waitFor(() => living(pids).length === 0, { timeoutMs: STOP_LIMIT_MS, what: 'nothing runs any more' });
});
