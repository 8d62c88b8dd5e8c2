/** Makes the first administrator. Run by a person or a deployment, never by a service: see the README. */
import { readFile, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { TidewireError, isSlug } from '@tidewire/contract';
import {
  createLogger,
  createPool,
  databaseConfig,
  readConfigOrExit,
  systemClock,
} from '@tidewire/service-kit';
import { z } from 'zod';
import { configSchema } from './config.ts';
import { ensureAdministrator } from './first-administrator.ts';
import { createTokenSecret } from './token-secret.ts';

const USAGE = `Usage: node services/authz/src/bootstrap.ts [--name ID] [--token-file PATH]

Creates the administrator ID (default: admin) and a token for it.
  without --token-file  a new token is printed, once; it ends after 24 hours: make a lasting one with it
  with --token-file     the token is the content of the file, which only its owner may read (mode 0600);
                        running it again changes nothing
DATABASE_URL is that of authz.`;

const PRINTED_TOKEN_LIFE_MS = 24 * 60 * 60 * 1000;
const MIN_SECRET_LENGTH = 8;

// The environment of the service fits as it is; only the database is needed.
const schema = z.object({ ...configSchema.partial().shape, ...databaseConfig.shape });

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'name': { type: 'string', default: 'admin' },
      'token-file': { type: 'string' },
      'help': { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(USAGE);
  if (!isSlug(values.name))
    throw new TidewireError('BAD_REQUEST', 'The name has to be a slug, such as "admin".');
  const config = readConfigOrExit(schema);
  const file = values['token-file'];
  const secret = file === undefined ? createTokenSecret() : await readSecret(file);
  const now = systemClock.now();
  const pool = createPool({
    databaseUrl: config.DATABASE_URL,
    service: 'authz-bootstrap',
    logger: createLogger({ service: 'authz-bootstrap', level: 'silent' }),
    maxConnections: 1,
  });
  try {
    const result = await ensureAdministrator(pool, {
      id: values.name,
      name: values.name,
      secret,
      expiresAtMs: file === undefined ? now + PRINTED_TOKEN_LIFE_MS : null,
      nowMs: now,
    });
    if (file === undefined) print(secret);
    else if (result.tokenCreated) print(`${values.name} may use the token of ${file}`);
    else print(`nothing to do: ${values.name} may already use the token of ${file}`);
  } finally {
    await pool.end();
  }
}

async function readSecret(path: string): Promise<string> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    throw new TidewireError('BAD_REQUEST', `${path} can be read by others: chmod 600 ${path}`);
  }
  const secret = (await readFile(path, 'utf8')).trim();
  if (secret.length < MIN_SECRET_LENGTH || /\s/.test(secret)) {
    throw new TidewireError(
      'BAD_REQUEST',
      `${path} has to hold one token of at least ${MIN_SECRET_LENGTH} characters`,
    );
  }
  return secret;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : 'unknown error';
  process.stderr.write(`bootstrap: ${message}\n`);
  process.exitCode = 1;
}
