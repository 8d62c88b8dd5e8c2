import { createLogger, createManualClock, createPool } from '@tidewire/service-kit';
import type { ManualClock, Pool } from '@tidewire/service-kit';
import { startPostgres } from '@tidewire/test-kit';
import type { TestDatabase } from '@tidewire/test-kit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { query } from '../../test/owner.ts';
import { RefusalLog } from './refusal-log.ts';

const logger = createLogger({ service: 'authz', level: 'silent' });
let database: TestDatabase;
let pool: Pool;
let clock: ManualClock;
let signals: number;
let log: RefusalLog;
/** The newest entry from before the test. */
let before: number;
beforeAll(async () => {
  database = await startPostgres({ services: ['relay', 'authz'] });
  pool = createPool({ databaseUrl: database.authzUrl, service: 'test', logger });
});
afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  clock = createManualClock(Date.parse('2026-03-01T00:00:00.000Z'));
  signals = 0;
  log = new RefusalLog({ pool, bus: { signal: () => (signals += 1) }, clock, logger });
  before = (await entries(0)).length;
});

interface Entry {
  readonly number: number;
  readonly subject: string;
  readonly principal: string | null;
  readonly after: { readonly reason: string; readonly count: number };
}

async function entries(from = before): Promise<Entry[]> {
  return await query<Entry & Record<string, unknown>>(
    database.ownerUrl,
    'SELECT number::int, subject, principal, after FROM authz.audit WHERE number > $1 ORDER BY number',
    [from],
  );
}

test('a refusal is an entry, the newest, and tells those who follow the log', async () => {
  log.note({ address: '192.0.2.1', reason: 'ended', principal: 'alice' });
  log.note({ address: '192.0.2.1', reason: 'unknown' });
  await log.flush();
  expect(await entries()).toEqual([
    {
      number: before + 1,
      subject: '192.0.2.1',
      principal: 'alice',
      after: { reason: 'ended', principal: 'alice', count: 1 },
    },
    {
      number: before + 2,
      subject: '192.0.2.1',
      principal: null,
      after: { reason: 'unknown', principal: null, count: 1 },
    },
  ]);
  expect(signals).toBe(1);
  await log.flush();
  expect(await entries()).toHaveLength(2);
});

test('what is limited is counted, one entry for a network and a minute', async () => {
  for (let index = 0; index < 1000; index += 1) {
    log.note({ address: `2001:db8:0:1::${index.toString(16)}`, reason: 'limited' });
  }
  await log.flush();
  expect(await entries()).toEqual([]);
  clock.advance(60_000);
  log.note({ address: '2001:db8:0:1::1', reason: 'limited' });
  await log.stop();
  expect((await entries()).map(({ subject, after }) => [subject, after.count])).toEqual([
    ['2001:db8:0:1::/64', 1000],
    ['2001:db8:0:1::/64', 1],
  ]);
});

test('a flood from many addresses fills neither the table nor the memory, and is counted in full', async () => {
  for (let index = 0; index < 50_000; index += 1) {
    log.note({ address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, reason: 'unknown' });
  }
  await log.stop();
  const written = await entries();
  expect(written.length).toBeLessThanOrEqual(601);
  expect(written.reduce((sum, { after }) => sum + after.count, 0)).toBe(50_000);
  expect(written.at(-1)?.subject).toBe('elsewhere');
});

test('what cannot be written now is written later', async () => {
  log.note({ address: '192.0.2.1', reason: 'unknown' });
  await query(
    database.ownerUrl,
    'REVOKE EXECUTE ON FUNCTION authz.audit_refusals(jsonb) FROM tidewire_authz',
  );
  await log.flush();
  expect(await entries()).toEqual([]);
  await query(database.ownerUrl, 'GRANT EXECUTE ON FUNCTION authz.audit_refusals(jsonb) TO tidewire_authz');
  log.note({ address: '192.0.2.2', reason: 'unknown' });
  await log.flush();
  expect((await entries()).map(({ subject }) => subject)).toEqual(['192.0.2.1', '192.0.2.2']);
});

test('entries of refusals and of changes are numbered together without gaps', async () => {
  await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const one = new RefusalLog({ pool, bus: { signal: () => undefined }, clock, logger });
      one.note({ address: `192.0.2.${index}`, reason: 'unknown' });
      await one.flush();
      await pool.query('INSERT INTO authz.principals (id, name) VALUES ($1, $1)', [`numbered-${index}`]);
    }),
  );
  const numbers = (await entries()).map(({ number }) => number);
  expect(numbers).toEqual(Array.from({ length: 40 }, (_, index) => before + 1 + index));
});

test('nobody but the owner can write an entry as it likes', async () => {
  const insert = `INSERT INTO authz.audit (number, time, kind, subject, action)
    VALUES (100000, now(), 'connection', 'x', 'refused')`;
  await expect(pool.query(insert)).rejects.toThrow(/permission denied/);
  await expect(query(database.recordsUrl, `SELECT authz.audit_refusals('[]')`)).rejects.toThrow(
    /permission denied/,
  );
});
