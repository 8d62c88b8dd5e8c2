import { GRAPHQL_STREAMS_BUCKET, SERVICE_PERMISSIONS } from '@tidewire/contract';
import { startNats, waitFor } from '@tidewire/test-kit';
import type { TestNats } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from './logger.ts';
import { connectBus } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import { openReservationStore } from './reservation-store.ts';
import type { ReservationStore } from './reservation-store.ts';

let nats: TestNats;
let buses: readonly MessageBus[];
let one: ReservationStore;
let two: ReservationStore;

beforeAll(async () => {
  nats = await startNats({ users: SERVICE_PERMISSIONS });
  const connect = (): Promise<MessageBus> =>
    connectBus({ url: nats.urlFor('fanout-gateway'), user: 'fanout-gateway', logger: silentLogger });
  buses = await Promise.all([connect(), connect()]);
  [one, two] = buses.map((bus) => openReservationStore(bus, { bucket: GRAPHQL_STREAMS_BUCKET })) as [
    ReservationStore,
    ReservationStore,
  ];
  await Promise.all([one.ensure(), two.ensure()]);
});

afterAll(async () => {
  for (const bus of buses) await bus.close();
  await nats[Symbol.asyncDispose]();
});

const reserved = { principal: 'alice', gateway: null };

test('of many that take one reservation at once exactly one gets it', async () => {
  await one.put('token-1', reserved, 60_000);
  const seen = await two.read('token-1');
  expect(seen?.reservation).toEqual(reserved);
  const { revision = 0 } = seen ?? {};
  const taken = await Promise.all(
    [one, two, one, two, one].map((store, index) =>
      store.replace(
        'token-1',
        { reservation: { principal: 'alice', gateway: `gateway-${index}` }, revision },
        60_000,
      ),
    ),
  );
  expect(taken.filter(Boolean)).toHaveLength(1);
  expect((await one.read('token-1'))?.reservation.gateway).toBe(`gateway-${taken.indexOf(true)}`);
});

test('what was removed, has expired or never was is not there, and cannot be taken', async () => {
  await one.put('token-2', reserved, 1000);
  const { revision = 0 } = (await one.read('token-2')) ?? {};
  await waitFor(async () => (await two.read('token-2')) === undefined, { what: 'it has expired' });
  expect(await two.replace('token-2', { reservation: reserved, revision }, 60_000)).toBe(false);
  await one.put('token-3', reserved, 60_000);
  const old = (await one.read('token-3'))?.revision ?? 0;
  await two.remove('token-3');
  expect(await one.read('token-3')).toBeUndefined();
  expect(await one.replace('token-3', { reservation: reserved, revision: old }, 60_000)).toBe(false);
  expect(await one.read('never')).toBeUndefined();
});
