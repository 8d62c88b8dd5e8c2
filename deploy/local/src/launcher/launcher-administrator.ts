import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DataFolder } from '../data-folder.ts';
import { machineVariables } from './launcher-settings.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, '..', '..', '..', '..', 'services', 'authz', 'src', 'bootstrap.ts');
const TIMEOUT_MS = 30_000;

/** The account that may do everything, and where its token is kept for whoever started us. */
export interface Administrator {
  readonly token: string;
  /** Readable for its owner alone. */
  readonly tokenFile: string;
}

/**
 * Makes the first administrator with the given token, or with one made once for this data folder. What is there
 * already is left as it is.
 *
 * @throws Error with what the command of authz said.
 */
export async function ensureAdministrator(
  folder: DataFolder,
  authzUrl: string,
  environment: Readonly<Record<string, string | undefined>>,
  chosenToken?: string,
): Promise<Administrator> {
  const token = chosenToken ?? folder.secrets(['administrator-token'])['administrator-token'];
  const tokenFile = join(folder.path, 'administrator-token');
  rmSync(tokenFile, { force: true });
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  try {
    await run(process.execPath, [program, '--token-file', tokenFile], {
      timeout: TIMEOUT_MS,
      env: {
        ...machineVariables(environment, folder.path),
        DATABASE_URL: authzUrl,
      },
    });
  } catch (error) {
    const { stderr = '', message, killed } = error as Error & { stderr?: string; killed?: boolean };
    const reason = killed === true ? `nothing after ${TIMEOUT_MS / 1000} s` : stderr.trim() || message;
    throw new Error(`The first administrator could not be made: ${reason}`, {
      cause: error,
    });
  }
  return { token, tokenFile };
}
