import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LoadReport } from './load-tally.ts';
import type { LoadPlan } from './loader.ts';

/** A loader that has all of its streams open. */
export interface LoadProcess {
  /** Its findings, once every event arrived or nothing did for the plan's patience. */
  readonly report: Promise<LoadReport>;
  readonly stop: () => void;
}

/** Starts a loader and resolves when its streams are open. Throws when it could not open them. */
export async function startLoad(plan: LoadPlan): Promise<LoadProcess> {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'loader.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin?.end(JSON.stringify(plan));
  const { stdout } = child;
  if (stdout === null) throw new Error('the loader has no output');
  const lines = createInterface({ input: stdout });
  let tellReport: (report: LoadReport) => void = () => undefined;
  const report = new Promise<LoadReport>((resolve) => {
    tellReport = resolve;
  });
  await new Promise<void>((ready, failed) => {
    child.once('exit', (code) => failed(new Error(`the loader ended with ${code}`)));
    lines.on('line', (line) => {
      if (line === 'ready') ready();
      else tellReport(JSON.parse(line) as LoadReport);
    });
  });
  return { report, stop: () => child.kill('SIGTERM') };
}
