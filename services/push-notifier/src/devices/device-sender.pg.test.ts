import type { ServerResponse } from 'node:http';
import { importJWK, jwtVerify } from 'jose';
import { createLogger } from '@tidewire/service-kit';
import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeviceWorld, runAsOwner } from '../../test/device-world.ts';
import { findDevice } from './device-repository-postgres.ts';

const MINUTE = 60_000;
let world: DeviceWorld;
beforeEach(async () => {
  world = await DeviceWorld.start();
});
afterEach(() => world[Symbol.asyncDispose]());

const answering =
  (status: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, headers).end();

test('tells a device that something changed, encrypted for it and signed, and never what', async () => {
  const device = await world.device({ topics: ['register/zaken'] });
  await world.change(42);
  await using sender = world.sender();
  await world.until(sender, 1);
  expect(world.endpoint.json()).toEqual([
    {
      type: 'changed',
      since: 'evt-m0000000-000000000041',
      topics: ['register/zaken'],
      changes: '/api/push/changes?since=evt-m0000000-000000000041',
    },
  ]);
  const [message] = world.endpoint.messages;
  expect(message?.headers).toMatchObject({
    'ttl': '86400',
    'urgency': 'normal',
    'topic': 'tidewire-changed',
    'content-encoding': 'aes128gcm',
  });
  const token = /^vapid t=([^,]+), k=/.exec(message?.headers.authorization ?? '')?.[1] ?? '';
  const point = Buffer.from(world.vapid.publicKey, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  const key = await importJWK({ kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' }, 'ES256');
  await jwtVerify(token, key, { audience: `http://127.0.0.1:${world.endpoint.port}` });
  expect(await world.waiting()).toEqual([]);
  expect(await findDevice(world.pool, 'alice', device.id)).toMatchObject({
    lastDeliveredAtMs: world.clock.now(),
    failures: 0,
  });
});

test('an app by UnifiedPush gets the same', async () => {
  await world.device({ kind: 'unified-push' });
  await world.change(42);
  await using sender = world.sender();
  await world.until(sender, 1);
  expect(world.endpoint.json()).toMatchObject([{ type: 'changed', since: 'evt-m0000000-000000000041' }]);
});

test('many changes are one message', async () => {
  await world.device();
  for (const sequence of [5, 6, 7]) await world.change(sequence);
  await using sender = world.sender();
  await world.until(sender, 1);
  expect(world.endpoint.json()).toMatchObject([{ since: 'evt-m0000000-000000000004' }]);
});

test('what comes while a message is under way is told by another, when it is time for that', async () => {
  await world.device({ maxPerHour: 6 });
  await world.change(5);
  let held: ServerResponse | undefined;
  world.endpoint.answer = (response) => {
    held = response;
  };
  await using sender = world.sender();
  await waitFor(() => held !== undefined, { what: 'a message is under way' });
  await world.change(9);
  held?.writeHead(201).end();
  await world.until(sender, 1);
  expect(await world.waiting()).toMatchObject([{ dueInMs: 10 * MINUTE, attempt: 0 }]);
  world.endpoint.answer = answering(201);
  await world.until(sender, 2, 10 * MINUTE);
  expect(world.endpoint.messages).toHaveLength(2);
  expect(await world.waiting()).toEqual([]);
});

test.each([404, 410])('a device of which its push service answers %i is removed', async (status) => {
  const device = await world.device();
  const other = await world.device({ topics: ['register/other'] });
  await world.change(5);
  world.endpoint.answer = answering(status);
  await using sender = world.sender();
  await world.until(sender, 1);
  expect(sender.sent).toEqual(['gone']);
  expect(await world.devices()).toEqual([other.id]);
  expect(device.id).not.toBe(other.id);
});

test('unless its owner registered it anew meanwhile', async () => {
  const device = await world.device();
  await world.change(5);
  let held: ServerResponse | undefined;
  world.endpoint.answer = (response) => {
    held = response;
  };
  await using sender = world.sender();
  await waitFor(() => held !== undefined, { what: 'a message is under way' });
  await world.register({ ...device });
  world.endpoint.answer = answering(201);
  held?.writeHead(410).end();
  // It was registered by the database's clock, which is ahead of the test's.
  await world.pool.query('UPDATE push.device_wakeups SET due_at = to_timestamp(0)');
  await world.until(sender, 1, 1000);
  expect([sender.sent, await world.devices()]).toEqual([['delivered'], [device.id]]);
});

test.each([400, 413, 403])(
  'what is refused with %i is given up, and counts against the device',
  async (status) => {
    const device = await world.device();
    await world.change(5);
    world.endpoint.answer = answering(status);
    await using sender = world.sender();
    await world.until(sender, 1);
    expect(sender.sent).toEqual(['dead']);
    expect(await findDevice(world.pool, 'alice', device.id)).toMatchObject({ failures: 1 });
    expect(await world.waiting()).toEqual([]);
    expect(sender.letters).toEqual([
      {
        deviceId: device.id,
        principal: 'alice',
        reason: `status-${status}`,
        attempts: 1,
        firstAt: world.clock.now(),
      },
    ]);
    const { rows } = await world.pool.query(
      'SELECT device, principal, reason, attempts FROM push.dead_letters',
    );
    expect(rows).toEqual([
      { device: device.id, principal: 'alice', reason: `status-${status}`, attempts: 1 },
    ]);
  },
);

test('fifty in a row that are given up are the end of a device, and one that comes through is not', async () => {
  const device = await world.device();
  await world.pool.query('UPDATE push.devices SET failures = 48');
  world.endpoint.answer = answering(400);
  await using sender = world.sender();
  await world.change(5);
  await world.until(sender, 1);
  world.endpoint.answer = answering(201);
  world.clock.advance(2 * MINUTE);
  await world.change(6);
  await world.until(sender, 2);
  expect(await findDevice(world.pool, 'alice', device.id)).toMatchObject({ failures: 0 });
  await world.pool.query('UPDATE push.devices SET failures = 49');
  world.endpoint.answer = answering(400);
  world.clock.advance(2 * MINUTE);
  await world.change(7);
  await world.until(sender, 3);
  expect(await world.devices()).toEqual([]);
  expect(sender.letters).toHaveLength(2);
});

test('what is not taken now is tried again later each time, and is as new as can be', async () => {
  await world.device();
  await world.change(5);
  world.endpoint.answer = answering(503);
  await using sender = world.sender();
  await world.until(sender, 1);
  expect(await world.waiting()).toMatchObject([{ dueInMs: 40_000, attempt: 1 }]);
  await world.change(3);
  await world.until(sender, 2, 40_000);
  expect(await world.waiting()).toMatchObject([{ dueInMs: 80_000, attempt: 2 }]);
  world.endpoint.answer = answering(201);
  await world.until(sender, 3, 80_000);
  expect(sender.sent).toEqual(['retried', 'retried', 'delivered']);
  expect(world.endpoint.json().at(-1)).toMatchObject({ since: 'evt-m0000000-000000000002' });
  expect(await world.waiting()).toEqual([]);
});

test('a push service that says when is asked then', async () => {
  await world.device();
  await world.change(5);
  world.endpoint.answer = answering(429, { 'Retry-After': '7200' });
  await using sender = world.sender();
  await world.until(sender, 1);
  expect(await world.waiting()).toMatchObject([{ dueInMs: 120 * MINUTE }]);
});

test('nor is it tried again in quiet hours', async () => {
  await world.device({ quietHours: { from: '00:00', until: '07:00', timeZone: 'UTC' } });
  await world.change(5);
  expect(await world.waiting()).toMatchObject([{ dueInMs: 420 * MINUTE }]);
  world.clock.advance(420 * MINUTE);
  await world.pool.query(`UPDATE push.devices SET quiet_from = '07:00', quiet_until = '08:00'`);
  world.endpoint.answer = answering(500);
  await using sender = world.sender();
  await world.until(sender, 1);
  expect(await world.waiting()).toMatchObject([{ dueInMs: 60 * MINUTE }]);
});

test('after a day of trying it is given up, and told of once', async () => {
  const device = await world.device();
  await world.change(5);
  world.endpoint.answer = answering(503, { 'Retry-After': '43200' });
  await using sender = world.sender();
  const firstAt = world.clock.now();
  await world.until(sender, 1);
  await world.until(sender, 2, 720 * MINUTE);
  expect(sender.letters).toEqual([]);
  await world.until(sender, 3, 720 * MINUTE);
  expect(sender.sent).toEqual(['retried', 'retried', 'dead']);
  expect(sender.letters).toEqual([
    { deviceId: device.id, principal: 'alice', reason: 'status-503', attempts: 3, firstAt },
  ]);
  expect(await world.waiting()).toEqual([]);
  expect(await world.devices()).toEqual([device.id]);
});

test('a fault of whoever is told of it changes nothing', async () => {
  await world.device();
  await world.change(5);
  world.endpoint.answer = answering(400);
  await using sender = world.sender({ onDeadLetter: () => Promise.reject(new Error('no stream')) });
  await world.until(sender, 1);
  expect([sender.sent, await world.waiting()]).toEqual([['dead'], []]);
});

test('a device that may not be told is sent nothing, nor kept waiting', async () => {
  await world.device();
  await world.change(5);
  await using sender = world.sender({ mayTell: async () => 'no' });
  await world.until(sender, 1);
  expect([sender.sent, world.endpoint.messages, await world.waiting()]).toEqual([['dropped'], [], []]);
});

test('is judged anew at each attempt', async () => {
  await world.device();
  await world.change(5);
  world.endpoint.answer = answering(503);
  let telling: 'yes' | 'no' = 'yes';
  await using sender = world.sender({ mayTell: async () => telling });
  await world.until(sender, 1);
  telling = 'no';
  await world.until(sender, 2, 40_000);
  expect(sender.sent).toEqual(['retried', 'dropped']);
  expect(world.endpoint.messages).toHaveLength(1);
});

test('a device goes with the credential that registered it, and is sent nothing', async () => {
  await world.device({ credential: '5c0de000-0000-4000-8000-000000000001' });
  const kept = await world.device({ credential: '5c0de000-0000-4000-8000-000000000002' });
  await world.change(5);
  await using sender = world.sender({
    mayTell: async ({ credential }) =>
      credential === '5c0de000-0000-4000-8000-000000000001' ? 'gone' : 'yes',
  });
  await world.until(sender, 2);
  expect(await world.devices()).toEqual([kept.id]);
  expect(world.endpoint.messages).toHaveLength(1);
});

test('while nobody can say whether it may be told, it waits, and no attempt is counted', async () => {
  await world.device();
  await world.change(5);
  let asked = 0;
  await using sender = world.sender({
    mayTell: async () => {
      asked += 1;
      if (asked === 1) throw new Error('rights are behind');
      return 'yes';
    },
  });
  await waitFor(async () => (await world.waiting())[0]?.attempt === 0 && asked === 1, {
    what: 'it is given back',
  });
  expect(await world.waiting()).toMatchObject([{ dueInMs: 5000 }]);
  await world.until(sender, 1, 5000);
  expect(sender.sent).toEqual(['delivered']);
});

test('several senders tell each device once', async () => {
  for (let n = 0; n < 20; n += 1) await world.device();
  await world.change(5);
  await using one = world.sender({ perHost: 50, perPrincipal: 50, total: 3 });
  await using other = world.sender({ perHost: 50, perPrincipal: 50, total: 3 });
  await waitFor(() => one.sent.length + other.sent.length === 20, { what: 'all are told' });
  expect(new Set(world.endpoint.messages.map(({ path }) => path)).size).toBe(20);
  expect(world.endpoint.messages).toHaveLength(20);
});

test('a push service that does not answer keeps nobody else waiting, and is given time', async () => {
  for (let n = 0; n < 6; n += 1) await world.device({ host: 'slow.example' });
  for (let n = 0; n < 6; n += 1) await world.device({ host: 'quick.example', principal: 'bob' });
  world.endpoint.answer = (response) => {
    if (response.req.headers.host?.startsWith('slow') !== true) response.writeHead(201).end();
  };
  await world.change(5);
  await world.change(6, { principal: 'bob' });
  await using sender = world.sender({ total: 5 });
  const from = (host: string): number =>
    world.endpoint.messages.filter(({ headers }) => headers.host?.startsWith(host) === true).length;
  // Until the answers are dealt with: time that moves before that ends the wait for them.
  await world.until(sender, 6);
  expect(from('quick')).toBe(6);
  await waitFor(() => from('slow') === 4, { what: 'four are under way' });
  await world.until(sender, 10, 10_000);
  expect(sender.sent.filter((one) => one === 'retried')).toHaveLength(4);
});

test('what is under way when a sender stops is told by another at once', async () => {
  const device = await world.device();
  await world.change(5);
  world.endpoint.answer = () => undefined;
  const first = world.sender();
  await waitFor(() => world.endpoint.messages.length === 1, { what: 'a message is under way' });
  await first.sender.stop();
  expect(await world.waiting()).toMatchObject([{ device: device.id, dueInMs: 0, attempt: 0 }]);
  world.endpoint.answer = answering(201);
  await using second = world.sender();
  await world.until(second, 1);
  expect(second.sent).toEqual(['delivered']);
});

test('looks for what is due every second', async () => {
  await world.device();
  await using sender = world.sender();
  await world.until(sender, 0);
  await world.change(5);
  await waitFor(
    () => {
      world.clock.advance(1000);
      return sender.sent.length === 1;
    },
    { what: 'it is told' },
  );
});

test('goes on when the database was away', async () => {
  await world.device();
  await world.change(5);
  await runAsOwner(world, 'ALTER TABLE push.device_wakeups RENAME TO away');
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  await using sender = world.sender({
    logger: createLogger({ service: 'test', level: 'warn', destination }),
  });
  await waitFor(() => lines.length > 0, { what: 'the sender has noticed' });
  await runAsOwner(world, 'ALTER TABLE push.away RENAME TO device_wakeups');
  await world.until(sender, 1, 1000);
  expect(sender.sent).toEqual(['delivered']);
  expect(lines.join('')).toContain('devices could not be looked for');
});
