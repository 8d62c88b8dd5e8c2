import { CONNECTIONS_BUCKET, SERVICE_PERMISSIONS } from '@tidewire/contract';
import { startNats, waitFor } from '@tidewire/test-kit';
import type { TestNats } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processClock } from './clock.ts';
import { openLeases } from './leases.ts';
import type { Leases } from './leases.ts';
import { silentLogger } from './logger.ts';
import { connectBus } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';

const USER = 'fanout-gateway';
let nats: TestNats;
let buses: MessageBus[];

beforeEach(async () => {
  const { publish, subscribe } = SERVICE_PERMISSIONS[USER];
  nats = await startNats({ users: { [USER]: { publish: [...publish], subscribe: [...subscribe] } } });
  buses = [];
});

afterEach(async () => {
  await Promise.all(buses.map((bus) => bus.close()));
  await nats[Symbol.asyncDispose]();
});

async function open(instance: string): Promise<{ leases: Leases; bus: MessageBus }> {
  const bus = await connectBus({ url: nats.url, user: USER, logger: silentLogger });
  buses.push(bus);
  return {
    bus,
    leases: await openLeases(bus, { bucket: CONNECTIONS_BUCKET, instance, clock: processClock }),
  };
}

test('the limit holds over all processes and what is given back can be taken again', async () => {
  const { leases: a } = await open('gateway-a');
  const { leases: b } = await open('gateway-b');
  expect([await a.acquire('ada', 3), await b.acquire('ada', 3), await a.acquire('ada', 3)]).toEqual([
    true,
    true,
    true,
  ]);
  expect([await a.acquire('ada', 3), await b.acquire('ada', 3)]).toEqual([false, false]);
  expect([a.held('ada'), b.held('ada')]).toEqual([2, 1]);
  expect(await b.acquire('bob', 3)).toBe(true);
  a.release('ada');
  await waitFor(() => b.acquire('ada', 3), { what: 'the lease that was given back' });
  await Promise.all([a.close(), b.close()]);
});

test('of processes that race for the last lease never two get it', async () => {
  const gateways = await Promise.all(['a', 'b', 'c'].map((name) => open(name)));
  for (let round = 0; round < 20; round += 1) {
    const name = `user-${round}`;
    const got = await Promise.all(gateways.map(({ leases }) => leases.acquire(name, 1)));
    expect(got.filter(Boolean).length).toBeLessThanOrEqual(1);
  }
  await Promise.all(gateways.map(({ leases }) => leases.close()));
});

test('what a dead process held does not count after five seconds', async () => {
  const { leases: dead, bus } = await open('gateway-dead');
  const { leases: living } = await open('gateway-living');
  expect(await dead.acquire('ada', 1)).toBe(true);
  expect(await living.acquire('ada', 1)).toBe(false);
  await bus.close();
  await waitFor(() => living.acquire('ada', 1), { timeoutMs: 12_000, what: 'the dead one does not count' });
  await living.close();
});

test('a process that ends in order frees what it held at once', async () => {
  const { leases: leaving } = await open('gateway-leaving');
  const { leases: staying } = await open('gateway-staying');
  await leaving.acquire('ada', 1);
  await leaving.close();
  await waitFor(() => staying.acquire('ada', 1), { timeoutMs: 4000, what: 'the lease' });
  await staying.close();
});

test('counts survive a NATS server that lost them, and without a server each process limits alone', async () => {
  const { leases: a, bus } = await open('gateway-a');
  await a.acquire('ada', 2);
  await nats.kill();
  expect([await a.acquire('ada', 2), await a.acquire('ada', 2)]).toEqual([true, false]);
  await nats.restart();
  await waitFor(() => bus.connected, { what: 'the bus is connected again' });
  const { leases: b } = await open('gateway-b');
  await waitFor(async () => !(await takeAndGiveBack(b)), { what: 'the counts are written again' });
  await Promise.all([a.close(), b.close()]);
});

async function takeAndGiveBack(leases: Leases): Promise<boolean> {
  const taken = await leases.acquire('ada', 2);
  if (taken) leases.release('ada');
  return taken;
}

test('a principal that is not a slug never reaches a subject', async () => {
  const { leases } = await open('gateway-a');
  for (const name of ['', 'a.b', '*', '>', 'a b', '_alive']) {
    await expect(leases.acquire(name, 1), name).rejects.toThrow(RangeError);
  }
  await leases.close();
});
