import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../free-port.ts';
import { SupervisedProcess } from './launcher-process.ts';
import type { ProcessEvent } from './launcher-process.ts';
import { openProcessRecord } from './launcher-record.ts';
import { describeProcess } from '../process-identity.ts';

let folder: string;
let supervised: SupervisedProcess[] = [];
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tidewire-process-'))));
afterEach(async () => {
  await Promise.all(supervised.map((one) => one.kill()));
  supervised = [];
  rmSync(folder, { recursive: true, force: true });
});

const serving = `
  import { createServer } from 'node:http';
  createServer((request, response) => response.end('ok')).listen(Number(process.env.PORT), '127.0.0.1');
`;

async function supervise(
  program: string,
  options: { restart?: boolean; restartDelaysMs?: number[]; report?: (event: ProcessEvent) => void } = {},
): Promise<SupervisedProcess> {
  const port = await freePort();
  writeFileSync(join(folder, 'program.mjs'), program);
  const one = new SupervisedProcess(
    {
      name: 'thing',
      port,
      args: [join(folder, 'program.mjs')],
      env: { PORT: String(port) },
      logFile: join(folder, 'thing.log'),
    },
    {
      record: openProcessRecord(join(folder, 'processes.json')),
      restart: options.restart ?? true,
      restartDelaysMs: options.restartDelaysMs ?? [10],
      report: options.report ?? (() => {}),
    },
  );
  supervised.push(one);
  return one;
}

function requirePid(one: SupervisedProcess): number {
  if (one.pid === undefined) throw new Error('it does not run');
  return one.pid;
}

const lives = (pid: number | undefined): boolean => pid !== undefined && describeProcess(pid) !== undefined;

test('has started when it says that it is ready, and is gone after an orderly stop', async () => {
  const one = await supervise(
    `${serving} process.on('SIGTERM', () => { console.log('drained'); process.exit(0); });`,
  );
  await one.start();
  const pid = one.pid;
  expect(lives(pid)).toBe(true);
  await one.stop(2_000);
  expect(lives(pid)).toBe(false);
  expect(readFileSync(one.plan.logFile, 'utf8')).toBe('drained\n');
});

test('a program that ends before it is ready fails the start with the end of its log', async () => {
  const one = await supervise(
    `console.error('The settings are not valid:\\n  NATS_URL is required'); process.exit(78);`,
  );
  await expect(one.start()).rejects.toThrow(
    /thing did not start \(exit code 78\)[\s\S]*NATS_URL is required/,
  );
});

test('a program that ignores the signal is killed after its grace', async () => {
  const one = await supervise(`${serving} process.on('SIGTERM', () => {});`);
  await one.start();
  const pid = one.pid;
  await one.stop(100);
  expect(lives(pid)).toBe(false);
});

test('a crash is answered by a restart on the same port', async () => {
  const events: string[] = [];
  const one = await supervise(serving, { report: (event) => events.push(event.kind) });
  await one.start();
  const pid = requirePid(one);
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => events, { timeout: 5_000 }).toEqual(['crashed', 'restarted']);
  expect(one.pid).not.toBe(pid);
  expect((await fetch(`http://127.0.0.1:${one.plan.port}/`)).status).toBe(200);
});

test('what was killed or stopped on purpose stays down until it is started again', async () => {
  const events: string[] = [];
  const one = await supervise(serving, { report: (event) => events.push(event.kind) });
  await one.start();
  await one.kill();
  expect(one.pid).toBeUndefined();
  await one.start();
  expect(lives(one.pid)).toBe(true);
  await one.stop(1_000);
  expect(events).toEqual([]);
});

test('gives up on a program that keeps ending, after restarts further and further apart', async () => {
  const events: ProcessEvent[] = [];
  // the first run is ready; every later one ends with it
  const once = join(folder, 'once');
  const one = await supervise(
    `import { existsSync, writeFileSync } from 'node:fs';
     if (existsSync(${JSON.stringify(once)})) process.exit(9);
     writeFileSync(${JSON.stringify(once)}, ''); ${serving}`,
    { restartDelaysMs: [10, 20, 40], report: (event) => events.push(event) },
  );
  await one.start();
  process.kill(requirePid(one), 'SIGKILL');
  await expect.poll(() => events.at(-1)?.kind, { timeout: 4_000 }).toBe('given-up');
  const delays = events.flatMap((event) => (event.kind === 'crashed' ? [event.restartInMs] : []));
  expect(delays).toEqual([10, 20, 40]);
  expect(events.at(-1)).toMatchObject({ name: 'thing', how: 'exit code 9', logFile: one.plan.logFile });
});

test('wrong settings are not tried again', async () => {
  const events: string[] = [];
  const once = join(folder, 'once');
  const one = await supervise(
    `import { existsSync, writeFileSync } from 'node:fs';
     if (existsSync(${JSON.stringify(once)})) process.exit(78);
     writeFileSync(${JSON.stringify(once)}, ''); ${serving}`,
    { report: (event) => events.push(event.kind) },
  );
  await one.start();
  process.kill(requirePid(one), 'SIGKILL');
  await expect.poll(() => events, { timeout: 5_000 }).toEqual(['crashed', 'given-up']);
});

test('the record of a killed launcher finds what it left, and no stranger with the same number', async () => {
  const one = await supervise(serving, { restart: false });
  await one.start();
  const pid = requirePid(one);
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const file = join(folder, 'processes.json');
  const entries = JSON.parse(readFileSync(file, 'utf8')) as {
    name: string;
    pid: number;
    startMark: string;
  }[];
  expect(entries).toMatchObject([{ name: 'thing', pid }]);
  writeFileSync(file, JSON.stringify([...entries, { name: 'stranger', pid: stranger.pid, startMark: '1' }]));
  expect(await openProcessRecord(file).stopLeftovers()).toEqual(['thing']);
  expect(lives(stranger.pid)).toBe(true);
  stranger.kill('SIGKILL');
  expect(lives(pid)).toBe(false);
  expect(existsSync(file)).toBe(false);
});
