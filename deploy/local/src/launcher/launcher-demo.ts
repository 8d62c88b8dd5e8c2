import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LocalService } from './launcher-settings.ts';

const run = promisify(execFile);
const cli = join(import.meta.dirname, '..', '..', '..', '..', 'cli', 'src', 'main.ts');
const SEED_TIMEOUT_MS = 120_000;

/** The administrator's token in a demo: as public as the others. */
export const DEMO_ADMINISTRATOR_TOKEN = 'demo-admin';

/** Pages that somebody develops on this machine may use the demo, whatever port they are served from. */
const LOOPBACK_PAGES = Object.freeze({ TIDEWIRE_ALLOWED_ORIGINS: 'http://localhost:*,http://127.0.0.1:*' });

/** Its tokens and passwords are written in the README, which only a demo may allow. */
export const DEMO_SETTINGS = new Map<LocalService, Readonly<Record<string, string>>>([
  ['authz', { ...LOOPBACK_PAGES, TIDEWIRE_CHOSEN_TOKENS: 'true', TIDEWIRE_PASSWORD_MIN_LENGTH: '4' }],
  ['records', LOOPBACK_PAGES],
  ['fanout-gateway', LOOPBACK_PAGES],
  ['push-notifier', LOOPBACK_PAGES],
  ['pages', LOOPBACK_PAGES],
]);

/** What the demo can be tried with; `admin` may do everything, in both organisations. */
export const DEMO_ACCOUNTS = ['admin', 'alice', 'bob', 'carol'] as const;

/**
 * Writes the demo's organisations, people, registers and rows through the public API, as its administrator. What is
 * there already stays as it is, so it runs at every start.
 *
 * @throws Error with the last line that the command said.
 */
export async function seedDemo(origin: string): Promise<void> {
  try {
    await run(process.execPath, [cli, 'seed', '--url', origin], { timeout: SEED_TIMEOUT_MS });
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(`The demo could not be written: ${stderr.trim().split('\n').at(-1) || message}`, {
      cause: error,
    });
  }
}
