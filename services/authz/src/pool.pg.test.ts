import { createLogger, createPool } from '@tidewire/service-kit';
import { startPostgres, waitFor } from '@tidewire/test-kit';
import { expect, test } from 'vitest';

test('a connection that breaks while it is lent out does not end the process', async () => {
  await using postgres = await startPostgres();
  const logger = createLogger({ service: 'authz', level: 'silent' });
  const pool = createPool({ databaseUrl: postgres.ownerUrl, service: 'authz', logger });
  const lent = await pool.connect();
  let broke = false;
  lent.once('error', () => (broke = true));
  const { rows } = await lent.query<{ pid: number }>('select pg_backend_pid() as pid');
  // The listener above is this test's own: without one of the pool's, removing it again would end the process.
  await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
  await waitFor(() => broke, { what: 'the connection is gone' });
  expect(lent.listenerCount('error')).toBeGreaterThan(0);
  lent.release(true);
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await pool.end();
});
