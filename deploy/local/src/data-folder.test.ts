import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataFolderError, openDataFolder } from './data-folder.ts';
import { FolderInUseError } from './folder-claim.ts';

let base: string;
let path: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'tidewire-data-folder-'));
  path = join(base, 'data');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const mode = (file: string): number => statSync(file).mode & 0o777;

test('secrets are made once, kept over starts, and readable for their owner alone', () => {
  const first = openDataFolder(path);
  const secrets = first.secrets(['nats-relay', 'nats-records']);
  expect(secrets['nats-relay']).toMatch(/^[\w-]{32}$/);
  expect(secrets['nats-relay']).not.toBe(secrets['nats-records']);
  first.release();
  const second = openDataFolder(path);
  expect(second.secrets(['nats-relay', 'new'])).toMatchObject({ 'nats-relay': secrets['nats-relay'] });
  expect(second.secrets(['nats-records'])).toEqual({ 'nats-records': secrets['nats-records'] });
  expect(second.secrets(['key'], () => 'of another kind')).toEqual({ key: 'of another kind' });
  expect(second.secrets(['key'], () => 'made again')).toEqual({ key: 'of another kind' });
  second.release();
  expect(mode(join(path, 'secrets.json'))).toBe(0o600);
  // as root PostgreSQL's unprivileged user has to pass through, not to look around
  expect(mode(path)).toBe(process.getuid?.() === 0 ? 0o711 : 0o700);
});

test('a folder whose rights were opened is closed again', () => {
  const folder = openDataFolder(path);
  folder.secrets(['x']);
  folder.release();
  writeFileSync(join(path, 'secrets.json'), readFileSync(join(path, 'secrets.json')), { mode: 0o644 });
  const again = openDataFolder(path);
  again.secrets(['x']);
  again.release();
  expect(mode(join(path, 'secrets.json'))).toBe(0o600);
});

test('a second start is refused while the first one runs, in this process and in another', async () => {
  const folder = openDataFolder(path);
  expect(() => openDataFolder(path)).toThrow(FolderInUseError);
  const other = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `const { openDataFolder } = await import(${JSON.stringify(join(import.meta.dirname, 'data-folder.ts'))});
     try { openDataFolder(${JSON.stringify(path)}); } catch (error) { process.exit(error.ownerPid === ${process.pid} ? 7 : 8); }`,
  ]);
  expect(await once(other, 'exit')).toEqual([7, null]);
  folder.release();
  openDataFolder(path).release();
});

test('the claim of a process that was killed is taken over', async () => {
  const other = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { openDataFolder } = await import(${JSON.stringify(join(import.meta.dirname, 'data-folder.ts'))});
       openDataFolder(${JSON.stringify(path)}); console.log('has it'); setInterval(() => {}, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(other.stdout, 'data');
  expect(() => openDataFolder(path)).toThrow(FolderInUseError);
  other.kill('SIGKILL');
  await once(other, 'exit');
  openDataFolder(path).release();
});

test('a folder with other files is refused and left as it is', () => {
  mkdirSync(path);
  writeFileSync(join(path, 'thesis.txt'), 'years of work');
  expect(() => openDataFolder(path)).toThrow(DataFolderError);
  expect(readdirSync(path)).toEqual(['thesis.txt']);
  writeFileSync(join(path, 'tidewire.json'), '{"product":"something else"}');
  expect(() => openDataFolder(path)).toThrow('is not a Tidewire data folder');
  writeFileSync(join(base, 'file'), '');
  expect(() => openDataFolder(join(base, 'file'))).toThrow('is not a folder');
});

test('clearing deletes what earlier starts left, and the folder stays a data folder that we hold', () => {
  const folder = openDataFolder(path);
  const { x } = folder.secrets(['x']);
  writeFileSync(join(folder.subfolder('nats'), 'store'), 'data');
  folder.clear();
  expect(existsSync(join(path, 'nats'))).toBe(false);
  expect(folder.secrets(['x']).x).not.toBe(x);
  expect(() => openDataFolder(path)).toThrow(FolderInUseError);
  folder.release();
  openDataFolder(path).release();
});

test('clearing follows no link out of the folder', () => {
  const folder = openDataFolder(path);
  mkdirSync(join(base, 'elsewhere'));
  writeFileSync(join(base, 'elsewhere', 'kept'), '');
  mkdirSync(join(path, 'postgres'));
  writeFileSync(join(path, 'postgres', 'postgres-location'), `${join(base, 'elsewhere')}\n`);
  folder.clear();
  expect(existsSync(join(base, 'elsewhere', 'kept'))).toBe(true);
  folder.release();
});

test('secrets that cannot be read are not silently made anew', () => {
  const folder = openDataFolder(path);
  writeFileSync(join(path, 'secrets.json'), '{"x":');
  expect(() => folder.secrets(['x'])).toThrow('start afresh with --reset');
  folder.release();
});
