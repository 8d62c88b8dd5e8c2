import { withDatabase } from '@tidewire/local';
import { expect, test } from 'vitest';
import { startPostgres, startPostgresAlone } from './postgres.ts';

const askNumber = (url: string, sql: string): Promise<unknown> =>
  withDatabase(url, async (client) => (await client.query(sql)).rows[0]?.n);

test('every call gives an empty database of its own', async () => {
  await using one = await startPostgres();
  await using other = await startPostgres();
  await withDatabase(one.ownerUrl, (client) => client.query('CREATE SCHEMA s CREATE TABLE t (n int)'));
  expect(
    await askNumber(other.ownerUrl, "SELECT count(*)::int AS n FROM pg_namespace WHERE nspname = 's'"),
  ).toBe(0);
});

test('a service may connect to its database, and may not create anything in it', async () => {
  await using database = await startPostgres();
  for (const url of [database.recordsUrl, database.authzUrl, database.relayUrl]) {
    expect(await askNumber(url, 'SELECT 1 AS n')).toBe(1);
    for (const sql of [
      'CREATE SCHEMA mine',
      'CREATE TABLE public.mine (n int)',
      'CREATE TEMP TABLE mine (n int)',
    ]) {
      await expect(withDatabase(url, (client) => client.query(sql))).rejects.toThrow(/permission denied/);
    }
  }
});

test('keeps what was committed over a kill and a restart, at the same address', async () => {
  await using server = await startPostgresAlone();
  await withDatabase(server.ownerUrl, (client) =>
    client.query('CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 7 AS n'),
  );
  const killed = server.pid;
  await server.kill();
  await expect(askNumber(server.ownerUrl, 'SELECT n FROM s.t')).rejects.toThrow(/ECONNREFUSED/);
  await server.restart();
  expect(server.pid).not.toBe(killed);
  expect(await askNumber(server.ownerUrl, 'SELECT n FROM s.t')).toBe(7);
});
