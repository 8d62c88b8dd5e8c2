import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runMigrations } from '@tidewire/service-kit';
import { startPostgres } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { query } from '../test/owner.ts';

const services = join(import.meta.dirname, '..', '..');
const ofRelay = join(services, 'relay', 'migrations');
const ofAuthz = join(services, 'authz', 'migrations');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'migrations-test-'));
  await cp(ofAuthz, folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('applies each file once, however many start at the same time', async () => {
  await using database = await startPostgres();
  const databaseUrl = database.ownerUrl;
  await runMigrations({ databaseUrl, directory: ofRelay, schema: 'outbox' });
  const runs = await Promise.all(
    Array.from({ length: 4 }, () => runMigrations({ databaseUrl, directory: ofAuthz, schema: 'authz' })),
  );
  const files = (await readdir(ofAuthz)).map((file) => file.replace(/\.sql$/, '')).toSorted();
  expect(files.slice(0, 4)).toEqual(['0001-tables', '0002-shapes', '0003-log', '0004-invariants']);
  expect(runs.flat().toSorted()).toEqual(files);
  expect(await runMigrations({ databaseUrl, directory: ofAuthz, schema: 'authz' })).toEqual([]);
  expect(await query(databaseUrl, 'SELECT name FROM authz.schema_migrations ORDER BY id')).toHaveLength(
    files.length,
  );
});

test('leaves nothing of a file that fails, and goes on from there when it is mended', async () => {
  await using database = await startPostgres({ services: ['relay'] });
  const options = { databaseUrl: database.ownerUrl, directory: folder, schema: 'authz' };
  await writeFile(join(folder, '9999-broken.sql'), 'CREATE TABLE authz.half (n int); SELECT 1 / 0;');
  await expect(runMigrations(options)).rejects.toThrow(/division by zero/);
  expect(await query(database.ownerUrl, `SELECT to_regclass('authz.half') AS half`)).toEqual([
    { half: null },
  ]);
  await writeFile(join(folder, '9999-broken.sql'), 'CREATE TABLE authz.half (n int);');
  expect(await runMigrations(options)).toEqual(['9999-broken']);
});

test('refuses a file of another name, and one that was put before files that have run', async () => {
  await using database = await startPostgres({ services: ['relay'] });
  const options = { databaseUrl: database.ownerUrl, directory: folder, schema: 'authz' };
  await runMigrations(options);
  await writeFile(join(folder, '0003-another.sql'), 'SELECT 1;');
  await expect(runMigrations(options)).rejects.toThrow(/preceding already run/);
  await writeFile(join(folder, 'notes.txt'), '');
  await expect(runMigrations(options)).rejects.toThrow(/NNNN-name.sql: notes.txt/);
});

test('gives the service exactly what it needs when run as in production', async () => {
  await using database = await startPostgres();
  await runMigrations({ databaseUrl: database.ownerUrl, directory: ofRelay, schema: 'outbox' });
  await runMigrations({ databaseUrl: database.ownerUrl, directory: ofAuthz, schema: 'authz' });
  expect(await query(database.authzUrl, 'SELECT count(*)::int AS n FROM authz.principals')).toEqual([
    { n: 0 },
  ]);
  await expect(query(database.recordsUrl, 'SELECT FROM authz.principals')).rejects.toThrow(
    /permission denied/,
  );
  await expect(query(database.relayUrl, 'SELECT FROM authz.credentials')).rejects.toThrow(
    /permission denied/,
  );
});
