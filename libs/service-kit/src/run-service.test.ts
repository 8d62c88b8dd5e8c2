import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';

// Each test starts processes; on a busy machine one takes seconds.
vi.setConfig({ testTimeout: 60_000 });

const MAIN = join(import.meta.dirname, '..', 'test', 'sample-main.ts');
/** What the first process compiled, the others use again. */
const compiled = mkdtempSync(join(tmpdir(), 'tidewire-compiled-'));
afterAll(() => rmSync(compiled, { recursive: true, force: true }));
const NATS_URL = 'nats://sample:marker-password@127.0.0.1:4222';

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the sample service; `whileRunning` is called once it has started. */
async function run(
  options: {
    env?: Record<string, string>;
    args?: string[];
    whileRunning?: (child: ChildProcess) => void;
  } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...(options.args ?? [])], {
    env: { NATS_URL, NODE_COMPILE_CACHE: compiled, ...options.env },
  });
  let out = '';
  let err = '';
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  child.stdout.on('data', (chunk) => {
    const started = out.includes('service started');
    out += String(chunk);
    if (!started && out.includes('service started')) options.whileRunning?.(child);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

test('answers --version, --help and --print-config and ends, without a secret', async () => {
  const [version, help, config] = await Promise.all(
    ['--version', '--help', '--print-config'].map((flag) => run({ args: [flag] })),
  );
  expect(version).toEqual({ code: 0, out: 'service-kit 0.1.0\n', err: '' });
  expect(help?.out).toContain('TIDEWIRE_FAULT  (none | start | drain | later | stuck; default none)');
  expect(JSON.parse(config?.out ?? '')).toMatchObject({ NATS_URL: '***', TIDEWIRE_PORT: 0 });
  expect(`${help?.out}${config?.out}`).not.toContain('marker');
});

test('refuses wrong settings all at once, with a code that means it', async () => {
  const ended = await run({ env: { NATS_URL: 'marker', TIDEWIRE_PORT: '70000', TIDEWIRE_FALT: 'none' } });
  expect([ended.code, ended.out]).toEqual([78, '']);
  expect(ended.err).toContain('TIDEWIRE_FALT is not a setting of this service; did you mean TIDEWIRE_FAULT?');
  expect(ended.err).toContain('NATS_URL');
  expect(ended.err).toContain('TIDEWIRE_PORT');
  expect(ended.err).not.toContain('marker');
});

test.each(['SIGTERM', 'SIGINT'] as const)('drains, then stops, on %s', async (signal) => {
  const { code, out } = await run({ whileRunning: (child) => child.kill(signal) });
  const phases = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { message: string; reason?: string });
  expect([code, phases.map((line) => line.reason ?? line.message)]).toEqual([
    0,
    ['service started', 'service stopping', 'drain', 'stop', 'service stopped'],
  ]);
});

test('stops although draining failed, and its exit code tells', async () => {
  const { code, out } = await run({
    env: { TIDEWIRE_FAULT: 'drain' },
    whileRunning: (child) => child.kill('SIGTERM'),
  });
  expect(code).toBe(1);
  expect(out).toContain('"reason":"stop"');
});

test('ends at once on a second signal', async () => {
  const { code } = await run({
    env: { TIDEWIRE_FAULT: 'stuck' },
    whileRunning: (child) => {
      child.stdout?.on('data', (chunk) => {
        if (String(chunk).includes('drain')) child.kill('SIGTERM');
      });
      child.kill('SIGTERM');
    },
  });
  expect(code).toBe(1);
});

test.each([
  ['start', 'service could not start'],
  ['later', 'uncaught error'],
])('ends with an error in the log when something fails: %s', async (fault, message) => {
  const { code, out } = await run({ env: { TIDEWIRE_FAULT: fault } });
  expect([code, out]).toEqual([1, expect.stringContaining(message)]);
});
