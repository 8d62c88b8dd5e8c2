import { randomUUID } from 'node:crypto';
import { PRE_AUTH_BUCKET, SERVICE_PERMISSIONS } from '@tidewire/contract';
import { startNats } from '@tidewire/test-kit';
import type { TestNats } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openExpiringBucket } from './expiring-bucket.ts';
import { silentLogger } from './logger.ts';
import { connectBus } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import { openPreAuthStore } from './pre-auth-store.ts';
import type { PreAuthStore } from './pre-auth-store.ts';

let nats: TestNats;
let buses: readonly [MessageBus, MessageBus];
let one: PreAuthStore;
let two: PreAuthStore;

beforeAll(async () => {
  nats = await startNats({ users: SERVICE_PERMISSIONS });
  const connect = (): Promise<MessageBus> =>
    connectBus({ url: nats.urlFor('push-notifier'), user: 'push-notifier', logger: silentLogger });
  buses = await Promise.all([connect(), connect()]);
  one = openPreAuthStore(buses[0], { bucket: PRE_AUTH_BUCKET });
  two = openPreAuthStore(buses[1], { bucket: PRE_AUTH_BUCKET });
  await Promise.all([one.ensure(), two.ensure()]);
});

afterAll(async () => {
  for (const bus of buses) await bus.close();
  await nats[Symbol.asyncDispose]();
});

const stored = { principal: 'alice', credential: randomUUID(), issuedAt: '2026-01-01T00:00:00.000Z' };

test('of many replicas that take one token at once exactly one gets it, and nobody after that', async () => {
  for (let round = 0; round < 20; round += 1) {
    const token = `token-${round}`;
    await one.put(token, stored);
    const taken = await Promise.all([one, two, one, two, two].map((store) => store.take(token)));
    expect(taken.filter((found) => found !== undefined)).toEqual([stored]);
    expect(await two.take(token)).toBeUndefined();
  }
});

test('what never was a token, or stands for nobody, is none', async () => {
  expect(await one.take('never')).toBeUndefined();
  expect(await one.take('of any form.* > at all')).toBeUndefined();
  await one.put('broken', { ...stored, principal: 'Not An Id' });
  expect(await two.take('broken')).toBeUndefined();
});

test('no token is in a subject or in the store', async () => {
  await one.put('a-secret-token', stored);
  const bucket = openExpiringBucket(buses[0], PRE_AUTH_BUCKET, { replicas: 1 });
  const keys = await bucket.list('>');
  const values = await Promise.all(keys.map((key) => bucket.read(key)));
  expect(keys).not.toEqual([]);
  expect(JSON.stringify([keys, values])).not.toContain('a-secret-token');
});
