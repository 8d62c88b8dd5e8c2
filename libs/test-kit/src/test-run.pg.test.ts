import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { waitFor } from './wait-for.ts';

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

const openOf = async (ports: number[]): Promise<number> =>
  (await Promise.all(ports.map(isOpen))).filter(Boolean).length;

// Two servers start in it, which takes long on a machine that is busy with the rest of the tests.
test('a run that is killed leaves no server and no folder behind', { timeout: 120_000 }, async () => {
  const script = join(import.meta.dirname, '..', 'test', 'start-everything.ts');
  // Without the test runner's variables it counts as a run of its own, with a keeper of its own.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')));
  const runner = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'ignore'], env });
  const [line] = (await once(createInterface(runner.stdout), 'line')) as [string];
  const { ports, folder } = JSON.parse(line) as { ports: number[]; folder: string };
  expect(await openOf(ports)).toBe(3);
  runner.kill('SIGKILL');
  const noneIsOpen = async () => (await openOf(ports)) === 0;
  await waitFor(noneIsOpen, { timeoutMs: 40_000, what: 'every server has ended' });
  await waitFor(() => !existsSync(folder), { timeoutMs: 40_000, what: 'the folder of the run is gone' });
});
