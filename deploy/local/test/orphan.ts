import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Lets another process start a server on `dataFolder`, kills that process with SIGKILL, and answers what it left behind. */
export async function orphanServer(
  kind: 'nats' | 'postgres',
  dataFolder: string,
): Promise<{ pid: number; port: number }> {
  const script = join(import.meta.dirname, 'start-and-stay.ts');
  const parent = spawn(process.execPath, [script, kind, dataFolder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  const gone = once(parent, 'exit');
  parent.kill('SIGKILL');
  await gone;
  return JSON.parse(line) as { pid: number; port: number };
}
