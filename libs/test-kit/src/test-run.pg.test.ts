import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describeProcess } from '@tidewire/local';
import { expect, test } from 'vitest';
import { waitFor } from './wait-for.ts';

test('a run that is killed leaves no server and no folder behind', async () => {
  const script = join(import.meta.dirname, '..', 'test', 'start-everything.ts');
  // Without the variable it counts as a runner of its own, with a keeper of its own.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')));
  const runner = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'ignore'], env });
  const [line] = (await once(createInterface(runner.stdout), 'line')) as [string];
  const { pids, folder } = JSON.parse(line) as { pids: number[]; folder: string };
  expect(pids.every((pid) => describeProcess(pid) !== undefined)).toBe(true);
  expect(dirname(folder)).not.toBe('/');
  runner.kill('SIGKILL');
  await waitFor(() => pids.every((pid) => describeProcess(pid) === undefined), {
    timeoutMs: 20_000,
    what: 'every server has ended',
  });
  await waitFor(() => !existsSync(folder), { what: 'the folder of the run is gone' });
});
