import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { orphanServer } from '../../test/orphan.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { withDatabase } from './database-postgres.ts';
import { removePostgresData } from './postgres-account.ts';
import { startPostgresServer } from './postgres-server.ts';
import { describeProcess } from '../process-identity.ts';

const ask = async (url: string, sql: string): Promise<Record<string, unknown>> =>
  withDatabase(url, async (client) => (await client.query(sql)).rows[0] as Record<string, unknown>);

test('is durable, checked, sorted by code point, and closed to whoever has no password', async () => {
  const dataFolder = temporaryFolder();
  await using server = await startPostgresServer({ dataFolder });
  const settings = await ask(
    server.url,
    `SELECT current_setting('fsync') AS fsync, current_setting('data_checksums') AS checksums,
       current_setting('listen_addresses') AS listens, current_setting('unix_socket_directories') AS sockets,
       (SELECT datcollate FROM pg_database WHERE datname = 'postgres') AS collation, 'a' > 'B' AS by_code_point,
       (SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = current_user) AS scram`,
  );
  expect(settings).toEqual({
    fsync: 'on',
    checksums: 'on',
    listens: '127.0.0.1',
    sockets: '',
    collation: 'C.UTF-8',
    by_code_point: true,
    scram: true,
  });
  const wrong = new URL(server.url);
  wrong.password = 'wrong';
  await expect(ask(wrong.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
  expect(statSync(join(dataFolder, 'postgres-password')).mode & 0o777).toBe(0o600);
});

test('a second start uses the same data and the same password', async () => {
  const dataFolder = temporaryFolder();
  const first = await startPostgresServer({ dataFolder });
  await withDatabase(first.url, (client) => client.query('CREATE TABLE kept (n int)'));
  await first.stop();
  await using second = await startPostgresServer({ dataFolder, port: first.port });
  expect(second.url).toBe(first.url);
  expect(await ask(second.url, 'SELECT count(*)::int AS n FROM kept')).toEqual({ n: 0 });
});

test('stops the server that a killed run left behind, and keeps what it had committed', async () => {
  const dataFolder = temporaryFolder();
  const orphan = await orphanServer('postgres', dataFolder);
  const password = readFileSync(join(dataFolder, 'postgres-password'), 'utf8').trim();
  await withDatabase(`postgres://postgres:${password}@127.0.0.1:${orphan.port}/postgres`, (client) =>
    client.query('CREATE TABLE kept (n int)'),
  );
  const lines: string[] = [];
  await using server = await startPostgresServer({ dataFolder, onProgress: (line) => lines.push(line) });
  expect(lines).toContain(`stopped a PostgreSQL (process ${orphan.pid}) that an earlier run had left behind`);
  expect(describeProcess(orphan.pid)).toBeUndefined();
  expect(await ask(server.url, 'SELECT count(*)::int AS n FROM kept')).toEqual({ n: 0 });
});

test('a first start that was interrupted does not spoil the next', async () => {
  const dataFolder = temporaryFolder();
  mkdirSync(join(dataFolder, 'cluster.new', 'base'), { recursive: true });
  writeFileSync(join(dataFolder, 'cluster.new', 'PG_VERSION'), '18\n');
  await using server = await startPostgresServer({ dataFolder });
  expect(await ask(server.url, 'SELECT 1 AS n')).toEqual({ n: 1 });
});

test('says which version wrote data that it cannot read', async () => {
  const dataFolder = temporaryFolder();
  mkdirSync(join(dataFolder, 'cluster'));
  writeFileSync(join(dataFolder, 'cluster', 'PG_VERSION'), '12\n');
  await expect(startPostgresServer({ dataFolder })).rejects.toThrow(
    /written by PostgreSQL 12; this is PostgreSQL \d+/,
  );
});

test.runIf(process.getuid?.() === 0)(
  'as root, in a folder that no other user can reach, keeps its data outside and says where',
  async () => {
    const closed = temporaryFolder();
    chmodSync(closed, 0o700);
    const dataFolder = join(closed, 'data');
    const lines: string[] = [];
    const first = await startPostgresServer({ dataFolder, onProgress: (line) => lines.push(line) });
    const place = readFileSync(join(dataFolder, 'postgres-location'), 'utf8').trim();
    onTestFinished(() => removePostgresData(dataFolder));
    expect(lines.join('\n')).toContain(`its data lies in ${join(place, 'cluster')}`);
    expect(dirname(place)).toBe('/var/lib/tidewire');
    await withDatabase(first.url, (client) => client.query('CREATE TABLE kept (n int)'));
    await first.stop();
    await using second = await startPostgresServer({ dataFolder });
    expect(await ask(second.url, 'SELECT count(*)::int AS n FROM kept')).toEqual({ n: 0 });
    expect(existsSync(join(dataFolder, 'cluster'))).toBe(false);
  },
);
