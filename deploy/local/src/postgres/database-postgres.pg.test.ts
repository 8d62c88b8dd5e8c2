import { expect, test } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { prepareDatabase, withDatabase } from './database-postgres.ts';
import { startPostgresServer } from './postgres-server.ts';

const passwords = { owner: 'o', records: 'r/+@:', authz: 'a', relay: "l'", push: 'p' };

test('can be prepared twice, and twice at once, without losing data', async () => {
  await using server = await startPostgresServer({ dataFolder: temporaryFolder() });
  const prepare = () => prepareDatabase({ adminUrl: server.url, passwords });
  const [urls] = await Promise.all([prepare(), prepare()]);
  await withDatabase(urls.ownerUrl, (client) => client.query('CREATE SCHEMA s; CREATE TABLE s.kept (n int)'));
  expect(await prepare()).toEqual(urls);
  const { rows } = await withDatabase(urls.ownerUrl, (client) =>
    client.query(
      "SELECT current_database() AS db, current_user AS me, to_regclass('s.kept') IS NOT NULL AS kept",
    ),
  );
  expect(rows).toEqual([{ db: 'tidewire', me: 'tidewire_owner', kept: true }]);
});

test('a new password replaces the old one', async () => {
  await using server = await startPostgresServer({ dataFolder: temporaryFolder() });
  const before = await prepareDatabase({ adminUrl: server.url, passwords });
  const after = await prepareDatabase({ adminUrl: server.url, passwords: { ...passwords, relay: 'new' } });
  const ask = (url: string) => withDatabase(url, (client) => client.query('SELECT 1'));
  await expect(ask(before.relayUrl)).rejects.toThrow(/password authentication failed/);
  await ask(after.relayUrl);
  await ask(after.recordsUrl);
});

test('the services can enter their database, but neither the others nor take rights for themselves', async () => {
  await using server = await startPostgresServer({ dataFolder: temporaryFolder() });
  const urls = await prepareDatabase({ adminUrl: server.url, passwords });
  await withDatabase(urls.ownerUrl, (client) => client.query('CREATE SCHEMA s; CREATE TABLE s.t (n int)'));
  const attempt = (sql: string) => withDatabase(urls.relayUrl, (client) => client.query(sql));
  for (const sql of [
    'SELECT * FROM s.t',
    'CREATE SCHEMA mine',
    'CREATE ROLE mine',
    'SET ROLE tidewire_owner',
  ]) {
    await expect(attempt(sql)).rejects.toThrow(/permission denied/);
  }
});
