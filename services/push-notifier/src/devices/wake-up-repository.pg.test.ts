import { inTransaction } from '@tidewire/service-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeviceWorld, EPOCH } from '../../test/device-world.ts';
import { enqueueWakeUps, takeWakeUps } from './wake-up-repository-postgres.ts';

let world: DeviceWorld;
beforeEach(async () => {
  world = await DeviceWorld.start();
});
afterEach(() => world[Symbol.asyncDispose]());

const SCHEMA = 'register/zaken/schema/meldingen';
const OBJECT = 'object/550e8400-e29b-41d4-a716-446655440000';
const ORGANISATION = 'organisation/0b0f7c0e-5b7e-4f7c-9a59-1d9c3e5f0aaa';
const nobody = new Map<string, number>();
const take = (options: Partial<Parameters<typeof takeWakeUps>[1]> = {}) =>
  takeWakeUps(world.pool, {
    nowMs: world.clock.now(),
    limit: 64,
    leaseMs: 60_000,
    hosts: nobody,
    perHost: 4,
    principals: nobody,
    perPrincipal: 4,
    ...options,
  });

test('wakes the devices of whom it is for that have one of the topics, whatever its form', async () => {
  const woken = [];
  for (const topic of ['register/zaken', SCHEMA, OBJECT, ORGANISATION]) {
    woken.push(await world.device({ topics: ['register/other', topic] }));
  }
  await world.device({ topics: ['register/zaken/schema/other'] });
  await world.device({ principal: 'bob', topics: [SCHEMA] });
  await world.change(8, { topics: ['register/zaken', SCHEMA, OBJECT, ORGANISATION] });
  const waiting = await world.waiting();
  expect(waiting.map(({ device }) => device)).toEqual(woken.map(({ id }) => id).toSorted());
  for (const { topics } of waiting) expect(topics).toHaveLength(1);
  expect(new Set(waiting.map(({ since, dueInMs }) => `${since} ${dueInMs}`))).toEqual(
    new Set([`${EPOCH}/7 0`]),
  );
});

test('many changes for many are one statement, and each device gets what is its own', async () => {
  const [one, other] = [
    await world.device({ topics: [SCHEMA, OBJECT] }),
    await world.device({ principal: 'bob' }),
  ];
  await inTransaction(world.pool, {}, (client) =>
    enqueueWakeUps(
      client,
      [
        { principal: 'alice', topics: ['register/zaken', OBJECT], position: { epoch: EPOCH, sequence: 12 } },
        { principal: 'alice', topics: ['register/zaken', SCHEMA], position: { epoch: EPOCH, sequence: 9 } },
        { principal: 'alice', topics: ['register/zaken', SCHEMA], position: { epoch: EPOCH, sequence: 10 } },
        { principal: 'bob', topics: ['register/zaken'], position: { epoch: EPOCH, sequence: 11 } },
        { principal: 'carol', topics: ['register/zaken'], position: { epoch: EPOCH, sequence: 11 } },
      ],
      world.clock.now(),
    ),
  );
  const waiting = new Map((await world.waiting()).map((row) => [row.device, row]));
  expect(waiting.size).toBe(2);
  expect(waiting.get(one.id)).toMatchObject({ topics: [OBJECT, SCHEMA], since: `${EPOCH}/8` });
  expect(waiting.get(other.id)).toMatchObject({ topics: ['register/zaken'], since: `${EPOCH}/10` });
});

test('what comes while something waits goes with it, from the place of the first', async () => {
  await world.device({ topics: ['register/zaken', SCHEMA] });
  await world.change(20);
  await world.change(30, { topics: ['register/zaken', SCHEMA] });
  expect(await world.waiting()).toMatchObject([{ topics: ['register/zaken', SCHEMA], since: `${EPOCH}/19` }]);
  await world.change(10);
  expect(await world.waiting()).toMatchObject([{ since: `${EPOCH}/9` }]);
  // Positions of another log are not compared by their numbers: who comes back from the older one fetches everything.
  await world.change(1, { position: { epoch: 'm0000001', sequence: 1 } });
  expect(await world.waiting()).toMatchObject([{ since: `${EPOCH}/9` }]);
});

test('more than 20 topics are many', async () => {
  const topics = Array.from({ length: 21 }, (_, n) => `register/r${n}`);
  await world.device({ topics });
  await world.change(5, { topics: topics.slice(0, 20) });
  expect((await world.waiting())[0]?.topics).toHaveLength(20);
  await world.change(6, { topics: topics.slice(20) });
  expect((await world.waiting())[0]?.topics).toBeNull();
  await world.change(7, { topics: topics.slice(0, 1) });
  expect((await world.waiting())[0]?.topics).toBeNull();
  await world.device({ principal: 'bob', topics });
  await world.change(8, { principal: 'bob', topics });
  expect((await world.waiting()).map((row) => row.topics)).toEqual([null, null]);
});

test('a device is told so many times an hour', async () => {
  await world.device({ maxPerHour: 6 });
  await world.change(5);
  expect(await world.waiting()).toMatchObject([{ dueInMs: 0 }]);
  await take();
  await world.pool.query('DELETE FROM push.device_wakeups');
  world.clock.advance(60_000);
  await world.change(6);
  expect(await world.waiting()).toMatchObject([{ dueInMs: 9 * 60_000 }]);
});

test.each([
  ['2026-01-15T12:00:00Z', '22:00', '07:00', 'Europe/Amsterdam', '2026-01-15T12:00:00Z'],
  ['2026-01-15T20:59:59Z', '22:00', '07:00', 'Europe/Amsterdam', '2026-01-15T20:59:59Z'],
  ['2026-01-15T21:00:00Z', '22:00', '07:00', 'Europe/Amsterdam', '2026-01-16T06:00:00Z'],
  ['2026-01-16T05:59:59Z', '22:00', '07:00', 'Europe/Amsterdam', '2026-01-16T06:00:00Z'],
  ['2026-01-16T06:00:00Z', '22:00', '07:00', 'Europe/Amsterdam', '2026-01-16T06:00:00Z'],
  ['2026-07-15T20:00:00Z', '22:00', '07:00', 'Europe/Amsterdam', '2026-07-16T05:00:00Z'],
  ['2026-01-15T12:30:00Z', '12:00', '13:00', 'UTC', '2026-01-15T13:00:00Z'],
  ['2026-01-15T13:00:00Z', '12:00', '13:00', 'UTC', '2026-01-15T13:00:00Z'],
  // Clocks are put forward at two, and half past two is half past three.
  ['2026-03-29T00:30:00Z', '23:00', '02:30', 'Europe/Amsterdam', '2026-03-29T01:30:00Z'],
  // They are put back at three: half past two comes twice, and it is quiet until the second time.
  ['2026-10-25T00:10:00Z', '23:00', '02:30', 'Europe/Amsterdam', '2026-10-25T01:30:00Z'],
  ['2026-10-25T01:10:00Z', '23:00', '02:30', 'Europe/Amsterdam', '2026-10-25T01:30:00Z'],
  ['2026-01-15T12:00:00Z', '00:00', '23:59', 'Gone/With_The_Update', '2026-01-15T12:00:00Z'],
])('at %s, quiet from %s until %s in %s, it is told at %s', async (at, from, until, zone, expected) => {
  const { rows } = await world.pool.query<{ due: Date }>('SELECT push.after_quiet($1, $2, $3, $4) AS due', [
    at,
    from,
    until,
    zone,
  ]);
  expect(rows[0]?.due.toISOString()).toBe(new Date(expected).toISOString());
});

test('the hour is waited for first, and then for the end of the quiet hours', async () => {
  // The clock stands at midnight.
  const quietHours = { from: '00:05', until: '07:00', timeZone: 'UTC' };
  await world.device({ maxPerHour: 6, quietHours });
  await world.change(5);
  await take();
  await world.pool.query('DELETE FROM push.device_wakeups');
  await world.change(6);
  expect(await world.waiting()).toMatchObject([{ dueInMs: 7 * 3_600_000 }]);
});

test('is taken by one, and again when that one is lost', async () => {
  for (let n = 0; n < 4; n += 1) await world.device();
  await world.change(5);
  const [one, other] = await Promise.all([take({ limit: 2 }), take({ limit: 2 })]);
  const ids = [...one, ...other].map(({ device }) => device.id);
  expect(new Set(ids).size).toBe(ids.length);
  await take();
  expect(await take()).toEqual([]);
  world.clock.advance(59_999);
  expect(await take()).toEqual([]);
  world.clock.advance(1);
  const again = await take();
  expect(again.map(({ attempt }) => attempt)).toEqual([2, 2, 2, 2]);
  expect(again[0]).toMatchObject({ firstAtMs: Date.parse('2026-01-01T00:00:00Z') });
});

test('no host and no principal takes more than its share, whatever else waits before', async () => {
  for (let n = 0; n < 6; n += 1) await world.device({ host: 'slow.example' });
  const quick = await world.device({ host: 'quick.example', principal: 'bob' });
  await world.change(5);
  world.clock.advance(10);
  await world.change(6, { principal: 'bob' });
  const shares = { perHost: 2, perPrincipal: 3 };
  const taken = await take(shares);
  const hosts = taken.map(({ device }) => device.host).toSorted();
  expect(hosts).toEqual(['quick.example', 'slow.example', 'slow.example']);
  expect(await take({ ...shares, hosts: new Map([['slow.example', 2]]) })).toEqual([]);
  expect(await take({ ...shares, hosts: new Map([['slow.example', 1]]) })).toHaveLength(1);
  const principals = new Map([['alice', 3]]);
  await world.device({ host: 'another.example' });
  await world.change(7);
  expect(await take({ ...shares, principals })).toEqual([]);
  expect(await take({ perHost: 9, perPrincipal: 3, principals: new Map([['alice', 1]]) })).toHaveLength(2);
  expect(quick.host).toBe('quick.example');
});
