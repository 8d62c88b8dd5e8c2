import { randomUUID } from 'node:crypto';
import { createLogger, createPool } from '@tidewire/service-kit';
import type { Pool } from '@tidewire/service-kit';
import { startPostgres } from '@tidewire/test-kit';
import type { TestDatabase } from '@tidewire/test-kit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { findHeld, writeAttempt, writePlace } from './progress-repository-postgres.ts';
import { insertWebhook } from './webhook-repository-postgres.ts';
import type { NewWebhookRow } from './webhook-repository-postgres.ts';
import { claimWebhooks, keepAlive, leave, listHeld } from './worker-repository-postgres.ts';

const NOW = Date.parse('2026-01-01T00:00:00.000Z');
const LEASE = 15_000;

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await startPostgres({ services: ['push-notifier'] });
  const logger = createLogger({ service: 'push-notifier', level: 'silent' });
  pool = createPool({ databaseUrl: database.pushUrl, service: 'push-notifier', logger });
});
afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await pool.query('DELETE FROM push.webhooks');
  await pool.query('DELETE FROM push.webhook_workers');
});

const rowOf = (change: Partial<NewWebhookRow> = {}): NewWebhookRow => ({
  id: randomUUID(),
  principal: 'bob',
  credential: null,
  name: 'a',
  url: 'https://example.org/',
  topics: ['register/zaken'],
  filter: { status: 'open' },
  fields: ['titel'],
  mode: 'structured',
  headers: { 'x-key': 'a' },
  secret: 'whsec_',
  enabled: true,
  cursor: { epoch: 'aaaaaaaa', sequence: 7 },
  nowMs: NOW,
  ...change,
});

const claim = (instance: string, nowMs = NOW, held = 0, most = 10) =>
  claimWebhooks(pool, { instance, nowMs, held, most });

test('of ten who register at once beside forty-eight, two do', async () => {
  for (let number = 0; number < 48; number += 1) await insertWebhook(pool, rowOf());
  // All connections are open: whoever came first would be done before the last one began otherwise.
  await Promise.all(Array.from({ length: 10 }, () => pool.query('SELECT pg_sleep(0.01)')));
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => insertWebhook(pool, rowOf())));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual(Array(8).fill('CONFLICT'));
});

test('of several who claim at once each webhook goes to one', async () => {
  for (let number = 0; number < 20; number += 1) {
    await insertWebhook(pool, rowOf({ principal: `p${number}` }));
  }
  const instances = ['a', 'b', 'c', 'd'];
  for (const instance of instances) await keepAlive(pool, instance, NOW + LEASE);
  const claimed = await Promise.all(instances.map((instance) => claim(instance)));
  expect(claimed.map(({ ids, share }) => `${ids.length} of ${share}`)).toEqual(Array(4).fill('5 of 5'));
  expect(new Set(claimed.flatMap(({ ids }) => ids)).size).toBe(20);
});

test('nobody takes what is disabled, not due, or held by somebody alive', async () => {
  await insertWebhook(pool, rowOf({ enabled: false }));
  await insertWebhook(pool, rowOf({ nowMs: NOW + 1 }));
  const { view } = await insertWebhook(pool, rowOf());
  await keepAlive(pool, 'a', NOW + LEASE);
  await keepAlive(pool, 'b', NOW + LEASE * 3);
  expect((await claim('a')).ids).toEqual([view.id]);
  expect((await claim('b')).ids).toEqual([]);
  expect((await claim('b', NOW + LEASE - 1)).ids).toHaveLength(1);
  expect((await claim('b', NOW + LEASE, 1)).ids).toEqual([view.id]);
  expect(await listHeld(pool, 'a')).toEqual([]);
  expect(await listHeld(pool, 'b')).toHaveLength(2);
  await leave(pool, 'b');
  expect((await claim('c', NOW + LEASE)).ids).toHaveLength(2);
});

test('what is stored is what was given', async () => {
  const row = rowOf({ credential: randomUUID() });
  await insertWebhook(pool, row);
  await claim('a');
  const { nowMs: _nowMs, enabled: _enabled, ...given } = row;
  expect(await findHeld(pool, row.id, 'a')).toEqual({
    ...given,
    previousSecret: null,
    revision: 1,
    failing: null,
    failures: 0,
    settled: 0,
  });
  expect(await findHeld(pool, row.id, 'b')).toBeUndefined();
});

const line = {
  eventId: 'evt-aaaaaaaa-000000000009',
  type: 't',
  attempt: 1,
  atMs: NOW,
  durationMs: 5,
  outcome: 'delivered',
  status: 204,
  message: 'm',
  answer: null,
} as const;

test.each([
  ['is held by another process', { holder: 'b' }],
  ['is held by nobody', { holder: null }],
  ['has another place', { sequence: 8 }],
  ['is of another log', { epoch: 'bbbbbbbb' }],
])('nothing is written of a webhook that %s meanwhile', async (_what, change) => {
  const { webhook } = await insertWebhook(pool, rowOf());
  await claim('a');
  const hold = { webhook, instance: 'a' };
  const [[column, value]] = Object.entries(change) as [[string, unknown]];
  await pool.query(`UPDATE push.webhooks SET ${column} = $1`, [value]);
  const read = async (): Promise<unknown> => (await pool.query('SELECT * FROM push.webhooks')).rows;
  const before = await read();
  const standing = {
    cursor: { epoch: 'aaaaaaaa', sequence: 9 },
    failing: null,
    failures: 0,
    dueAtMs: NOW,
    release: false,
    disabled: null,
  };
  expect(await writeAttempt(pool, hold, standing, line)).toBe(false);
  expect(await writePlace(pool, hold, standing)).toBe(false);
  expect(await read()).toEqual(before);
  expect((await pool.query('SELECT FROM push.webhook_deliveries')).rowCount).toBe(0);
});

test('a webhook that is deleted takes its log along', async () => {
  const { webhook } = await insertWebhook(pool, rowOf());
  await claim('a');
  const standing = { ...webhook, failing: null, failures: 0, dueAtMs: NOW, release: true, disabled: null };
  expect(await writeAttempt(pool, { webhook, instance: 'a' }, standing, line)).toBe(true);
  await pool.query('DELETE FROM push.webhooks');
  expect((await pool.query('SELECT FROM push.webhook_deliveries')).rowCount).toBe(0);
});
