import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The oldest server that knows atomic batches, which the relay publishes with. */
export const LOWEST_NATS_SERVER_VERSION = '2.12.0';

function numbers(version: string): number[] {
  return version.split('-')[0]?.split('.').map(Number) ?? [];
}

/** Whether `version` (`2.15.1`, `2.12.0-RC.4`) is at least `lowest`; what follows a hyphen does not count. */
export function isAtLeast(version: string, lowest: string): boolean {
  const [a, b] = [numbers(version), numbers(lowest)];
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * Asks a nats-server program for its version.
 *
 * @throws an Error that says why `path` cannot be used: it does not run, or is something else.
 */
export async function askNatsServerVersion(path: string): Promise<string> {
  let answer: string;
  try {
    answer = (await run(path, ['--version'], { timeout: 10_000, maxBuffer: 64 * 1024 })).stdout;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? `there is no ${path}` : `${path} does not run: ${message.split('\n')[0]}`;
    throw new Error(reason, { cause: error });
  }
  const version = /^nats-server: v(\d+\.\d+\.\d+\S*)/m.exec(answer)?.[1];
  if (version === undefined) throw new Error(`${path} is not a nats-server`);
  return version;
}
