import { EVENTS_STREAM_SUBJECTS } from '@tidewire/contract';
import { startPostgres } from '@tidewire/test-kit';
import type { TestDatabase } from '@tidewire/test-kit';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

let database: TestDatabase;
let owner: Client;
let records: Client;

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}

beforeAll(async () => {
  database = await startPostgres({ services: ['relay'] });
  owner = await connect(database.ownerUrl);
  records = await connect(database.recordsUrl);
});

afterAll(async () => {
  await Promise.all([owner.end(), records.end()]);
  await database[Symbol.asyncDispose]();
});

const enqueue = (subject: string): Promise<unknown> =>
  owner.query('SELECT outbox.enqueue($1, \'k\', \'{"kind": "rights"}\', null, null)', [subject]);

test('the outbox takes every subject of the stream and refuses those that the log would not', async () => {
  for (const pattern of EVENTS_STREAM_SUBJECTS) {
    const subject = pattern.replace('events.>', 'events.none.hr.people.0a.created').replace('*', 'some-id');
    await enqueue(subject);
  }
  for (const subject of [
    'events.a.b.c.d.burnt',
    'events.*.b.c.d.created',
    'authz.v1.state',
    'authz.policy.a b',
    '',
  ]) {
    await expect(enqueue(subject), subject).rejects.toThrow(/check constraint/);
  }
});

test('a writing service can neither read, change nor fill the outbox except through its triggers', async () => {
  for (const statement of [
    'SELECT 1 FROM outbox.rows',
    'DELETE FROM outbox.rows',
    'UPDATE outbox.relay_state SET sequence = 7',
    'TRUNCATE outbox.rows',
    "SELECT outbox.enqueue('authz.policy.x', 'x', '{}', null, null)",
  ]) {
    await expect(records.query(statement), statement).rejects.toThrow(/permission denied/);
  }
});

test('position and size can be read by a writing service', async () => {
  const { rows } = await records.query(
    'SELECT epoch, sequence::int, outbox.size_bytes()::int AS size FROM outbox.position()',
  );
  expect(rows).toEqual([{ epoch: '00000000', sequence: 0, size: expect.any(Number) as number }]);
});

test.each([
  [
    '{"id":"ada","name":"Ada","organisation":"00000000-0000-4000-8000-000000000001"}',
    'ada',
    'Ada',
    '00000000-0000-4000-8000-000000000001',
  ],
  ['{"id":"ada","organisation":"elsewhere"}', 'ada', 'ada', null],
  ['ada', 'ada', 'ada', null],
  ['{"id":7}', '{"id":7}', '{"id":7}', null],
  ['{broken', '{broken', '{broken', null],
  ['', 'sql:tidewire_owner', 'sql:tidewire_owner', null],
])('the setting %s names the actor', async (setting, id, name, organisation) => {
  await owner.query('BEGIN');
  await owner.query(
    "SELECT set_config('tidewire.actor', $1, true), set_config('tidewire.correlation_id', 'c1', true)",
    [setting],
  );
  const { rows } = await owner.query<{ value: Record<string, unknown> }>(
    'SELECT outbox.provenance() AS value',
  );
  await owner.query('ROLLBACK');
  expect(rows[0]?.value).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    actor: { id, name, organisation },
    correlationId: 'c1',
    traceparent: null,
  });
});

test('the size follows a large backlog, of few large rows too, and falls as soon as it is gone', async () => {
  const size = async (): Promise<number> => {
    const { rows } = await records.query<{ size: string }>('SELECT outbox.size_bytes() AS size');
    return Number(rows[0]?.size);
  };
  // Uncompressed, so that the files grow as the rows do.
  await owner.query('ALTER TABLE outbox.rows ALTER message SET STORAGE EXTERNAL');
  await owner.query(
    `INSERT INTO outbox.rows (subject, key, bytes, message)
     SELECT 'authz.policy.x', 'x', 1000000, repeat('x', 1000000) FROM generate_series(1, 70)`,
  );
  const full = await size();
  expect(full).toBeGreaterThan(64 * 1024 * 1024);
  await owner.query('DELETE FROM outbox.rows');
  expect(await size()).toBeLessThan(full / 10);
});
