import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { claimFolder } from './folder-claim.ts';
import { removePostgresData } from './postgres/postgres-account.ts';

const MARKER = 'tidewire.json';
const SECRETS = 'secrets.json';
/** Bytes of randomness in a password: 192 bits. */
const SECRET_BYTES = 24;
/** The claim's own files; they say nothing about whose folder it is. */
const isClaimFile = (name: string): boolean => name.startsWith('owner.json');

/** A folder that may not be used, or not be deleted; the message says what to do instead. */
export class DataFolderError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DataFolderError';
  }
}

/** The place of everything that survives a start: data, secrets, logs. Ours alone while we hold it. */
export interface DataFolder {
  readonly path: string;
  /** The folder `name` inside it, created when missing. */
  subfolder(name: string): string;
  /** Deletes everything that earlier starts have left. Only before anything is started. */
  clear(): void;
  /** A secret for each name, a random password unless `make` makes another: the one of the first time it was asked for. */
  secrets<Name extends string>(names: readonly Name[], make?: () => string): Record<Name, string>;
  release(): void;
}

/**
 * Opens `path` as a data folder for this process alone, and makes it one when it is empty or missing.
 * Only its owner can read it. As root others may pass through, because PostgreSQL refuses to run as root and has to
 * reach its files; every secret in it is closed to them.
 *
 * @throws DataFolderError when it holds somebody else's files; FolderInUseError when another process has it.
 */
export function openDataFolder(path: string): DataFolder {
  const folder = resolve(path);
  refuseForeignFolder(folder);
  const claim = claimFolder(folder);
  chmodSync(folder, process.getuid?.() === 0 ? 0o711 : 0o700);
  const writeMarker = (): void => {
    const marker = { product: 'tidewire', createdAt: new Date().toISOString() };
    writePrivateFile(join(folder, MARKER), marker);
  };
  if (!existsSync(join(folder, MARKER))) writeMarker();
  return {
    path: folder,
    subfolder: (name) => {
      mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
      return join(folder, name);
    },
    clear: () => {
      // The marker goes last: a deletion that is cut short leaves a folder that still says what it is.
      const names = readdirSync(folder).filter((name) => name !== MARKER && !isClaimFile(name));
      removePostgresData(join(folder, 'postgres')); // part of it can lie outside
      for (const name of names) rmSync(join(folder, name), { recursive: true, force: true });
      writeMarker();
    },
    secrets: (names, make = randomPassword) => readOrMakeSecrets(join(folder, SECRETS), names, make),
    release: () => claim.release(),
  };
}

function refuseForeignFolder(folder: string): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory())
    throw new DataFolderError(`${folder} is not a folder. Choose another with --data-dir.`);
  const names = readdirSync(folder).filter((name) => !isClaimFile(name));
  if (names.length === 0) return;
  if (readJson(join(folder, MARKER))?.['product'] === 'tidewire') return;
  throw new DataFolderError(
    `${folder} holds other files and is not a Tidewire data folder; nothing in it was touched. ` +
      'Choose another with --data-dir.',
  );
}

function randomPassword(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

function readOrMakeSecrets<Name extends string>(
  file: string,
  names: readonly Name[],
  make: () => string,
): Record<Name, string> {
  const known = new Map(Object.entries(readJson(file) ?? {}));
  const missing = names.filter((name) => typeof known.get(name) !== 'string');
  for (const name of missing) known.set(name, make());
  if (missing.length > 0) writePrivateFile(file, Object.fromEntries(known));
  chmodSync(file, 0o600);
  return Object.fromEntries(names.map((name) => [name, String(known.get(name))])) as Record<Name, string>;
}

function readJson(file: string): Record<string, unknown> | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    throw new DataFolderError(`${file} cannot be read as JSON. Restore it, or start afresh with --reset.`);
  }
}

/** In one step: a crash leaves the old file or the new one, never half of either. */
function writePrivateFile(file: string, content: unknown): void {
  const fresh = `${file}.new`;
  rmSync(fresh, { force: true });
  writeFileSync(fresh, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(fresh, file);
}
