import { inTransaction } from '@tidewire/service-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeviceWorld } from '../../test/device-world.ts';
import {
  findDevice,
  listDevices,
  recordTest,
  removeDevice,
  updateDevice,
} from './device-repository-postgres.ts';
import { checkSubscription } from './subscription.ts';

let world: DeviceWorld;
beforeEach(async () => {
  world = await DeviceWorld.start();
});
afterEach(() => world[Symbol.asyncDispose]());

const everything = { limit: 100, offset: 0 };
const newSubscription = () => checkSubscription(world.endpoint.subscribe(), { allowPrivate: true });

test('gives back what was registered', async () => {
  const subscription = newSubscription();
  const quietHours = { from: '22:30', until: '07:00', timeZone: 'Europe/Amsterdam' };
  const { device, isNew } = await world.register({
    ...subscription,
    kind: 'unified-push',
    name: 'phone',
    topics: ['register/zaken', 'register/b/schema/c'],
    quietHours,
    maxPerHour: 6,
    credential: '5c0de000-0000-4000-8000-000000000001',
  });
  expect(isNew).toBe(true);
  expect(device).toMatchObject({
    ...subscription,
    principal: 'alice',
    credential: '5c0de000-0000-4000-8000-000000000001',
    kind: 'unified-push',
    name: 'phone',
    topics: ['register/zaken', 'register/b/schema/c'],
    quietHours,
    maxPerHour: 6,
    lastDeliveredAtMs: null,
    failures: 0,
  });
  expect(await findDevice(world.pool, 'alice', device.id)).toEqual(device);
});

test('registering the same endpoint again replaces what was there', async () => {
  const subscription = newSubscription();
  const { device } = await world.register({
    ...subscription,
    credential: '5c0de000-0000-4000-8000-000000000002',
  });
  await world.pool.query('UPDATE push.devices SET failures = 7');
  const { keys } = newSubscription();
  const again = await world.register({
    ...subscription,
    keys,
    topics: ['register/b'],
    credential: '5c0de000-0000-4000-8000-000000000003',
  });
  expect(again).toMatchObject({
    isNew: false,
    device: {
      id: device.id,
      keys,
      topics: ['register/b'],
      credential: '5c0de000-0000-4000-8000-000000000003',
      failures: 0,
    },
  });
  expect(await world.devices()).toEqual([device.id]);
});

test('an endpoint of somebody else is refused, and stays as it is', async () => {
  const subscription = newSubscription();
  const { device } = await world.register(subscription);
  await expect(
    world.register({ ...subscription, principal: 'bob', topics: ['register/b'] }),
  ).rejects.toMatchObject({ code: 'CONFLICT', message: expect.not.stringContaining('alice') });
  expect(await findDevice(world.pool, 'alice', device.id)).toEqual(device);
  expect(await listDevices(world.pool, 'bob', everything)).toEqual({ results: [], total: 0 });
});

test('a principal has at most 50 devices, however many register at once', async () => {
  for (let n = 0; n < 45; n += 1) await world.device();
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => world.device()));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
  const refused = results.find((result) => result.status === 'rejected');
  expect(refused).toMatchObject({ reason: { code: 'CONFLICT', message: expect.stringContaining('50') } });
  // Whoever has them all may still renew one, and others have their own.
  const {
    results: [first],
  } = await listDevices(world.pool, 'alice', everything);
  if (first !== undefined) expect(await world.register({ ...first })).toMatchObject({ isNew: false });
  expect(await world.device({ principal: 'bob' })).toMatchObject({ principal: 'bob' });
});

test('a device of another is as one that is not there', async () => {
  const { id } = await world.device();
  const key = { principal: 'bob', id };
  expect(await findDevice(world.pool, 'bob', id)).toBeUndefined();
  expect(
    await inTransaction(world.pool, {}, (client) => updateDevice(client, key, { name: 'mine' })),
  ).toBeUndefined();
  expect(await removeDevice(world.pool, 'bob', id)).toBe(false);
  expect(await removeDevice(world.pool, 'alice', id)).toBe(true);
  expect(await removeDevice(world.pool, 'alice', id)).toBe(false);
});

test('changes what is named, and what waits goes by that', async () => {
  const { clock, pool } = world;
  const quietHours = { from: '00:00', until: '23:59', timeZone: 'UTC' };
  const device = await world.device({ name: 'phone', quietHours });
  await world.change(5);
  expect((await world.waiting())[0]?.dueInMs).toBeGreaterThan(0);
  const patch = (change: Parameters<typeof updateDevice>[2]) =>
    inTransaction(pool, {}, (client) => updateDevice(client, { principal: 'alice', id: device.id }, change));
  expect(await patch({ maxPerHour: 1 })).toEqual({ ...device, maxPerHour: 1, version: 2 });
  expect(await patch({ name: null, topics: ['register/b'] })).toMatchObject({
    name: null,
    topics: ['register/b'],
    quietHours,
  });
  expect(await patch({ quietHours: null })).toMatchObject({ quietHours: null, maxPerHour: 1 });
  const { rows } = await pool.query('SELECT due_at <= clock_timestamp() AS due FROM push.device_wakeups');
  expect(rows).toEqual([{ due: true }]);
  expect(clock.now()).toBe(Date.parse('2026-01-01T00:00:00Z'));
});

test('refuses a time zone that the database does not know', async () => {
  const quietHours = { from: '22:00', until: '07:00', timeZone: 'Mars/Olympus' };
  await expect(world.device({ quietHours })).rejects.toMatchObject({
    code: 'VALIDATION_ERROR',
    errors: [{ field: '/quietHours/timeZone' }],
  });
  expect(await world.devices()).toEqual([]);
});

test('lists a part of them, the oldest first', async () => {
  const ids = [];
  for (let n = 0; n < 4; n += 1) ids.push((await world.device()).id);
  await world.device({ principal: 'bob' });
  const { results, total } = await listDevices(world.pool, 'alice', { limit: 2, offset: 1 });
  expect([results.map(({ id }) => id), total]).toEqual([ids.slice(1, 3), 4]);
});

test('a device is tested once in a while', async () => {
  const { id } = await world.device();
  const tested = async (atMs: number) => await recordTest(world.pool, id, atMs, 10_000);
  expect([await tested(0), await tested(9_999), await tested(10_000)]).toEqual([true, false, true]);
});

test('goes with the follower that it belongs to', async () => {
  await world.device();
  await world.change(5);
  await world.pool.query(`DELETE FROM push.followers WHERE principal = 'alice'`);
  expect([await world.devices(), await world.waiting()]).toEqual([[], []]);
});
