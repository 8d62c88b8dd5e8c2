import { randomUUID } from 'node:crypto';
import { CONNECTIONS_BUCKET, REALTIME_TRANSPORT_CONFIG, formatTimestamp } from '@tidewire/contract';
import type { RightsState } from '@tidewire/contract';
import { openLeases, processClock } from '@tidewire/messaging';
import { waitFor } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { PresenceGateways } from '../../test/presence-gateways.ts';
import type { PresenceGateway, PresencePeer } from '../../test/presence-gateways.ts';
import { requirePage } from './page-access.ts';

const PAGE = '/dashboard';
const STALE_MS = REALTIME_TRANSPORT_CONFIG.presenceStaleTimeoutMs;

async function untilSees(peer: PresencePeer, users: readonly string[], path = PAGE): Promise<void> {
  await waitFor(() => peer.users(path).join() === users.join(), { what: `sees ${users.join()}` });
}

function refused(code: string): unknown {
  return expect.objectContaining({ code });
}

function change(gateway: PresenceGateway, state: RightsState): void {
  const { view, clock } = gateway;
  const time = formatTimestamp(clock.now());
  const message = {
    kind: 'rights',
    time,
    actor: null,
    correlationId: null,
    traceparent: null,
    state,
  } as const;
  view.apply(message, view.sequence + 1);
}

test('who was on a gateway that died is gone from all others, and is not shown to who comes later', async () => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [ada, bob] = [a.peer(world.ada), b.peer(world.bob)];
  await ada.join(PAGE);
  await bob.join(PAGE);
  await untilSees(ada, ['ada', 'bob']);
  await world.crash(b);
  await world.sweepUntil(() => ada.users(PAGE).join() === 'ada', 'bob is gone');
  expect(ada.messages.at(-1)).toEqual({ type: 'leave', userId: 'bob', pagePath: PAGE });
  const c = await world.gateway('gateway-c');
  const late = c.peer(world.ada);
  await late.join(PAGE);
  expect(late.users(PAGE)).toEqual(['ada']);
});

test('that a gateway died is known by its leases within seconds', async () => {
  await using world = await PresenceGateways.start();
  const busOf = new Map([
    ['gateway-a', await world.connect()],
    ['gateway-b', await world.connect()],
  ]);
  const open = async (instance: string): Promise<PresenceGateway> => {
    const bus = busOf.get(instance);
    if (bus === undefined) throw new Error(`no bus for ${instance}`);
    const leases = await openLeases(bus, { bucket: CONNECTIONS_BUCKET, instance, clock: processClock });
    return await world.gateway(instance, { leases: () => leases });
  };
  const [a, b] = [await open('gateway-a'), await open('gateway-b')];
  const [ada, bob] = [a.peer(world.ada), b.peer(world.bob)];
  await ada.join(PAGE);
  await bob.join(PAGE);
  await untilSees(ada, ['ada', 'bob']);
  await busOf.get('gateway-b')?.close();
  await world.crash(b);
  await waitFor(
    () => {
      a.sweep();
      return ada.users(PAGE).join() === 'ada';
    },
    { timeoutMs: 10_000, what: 'bob is gone' },
  );
  await busOf.get('gateway-a')?.close();
});

test('while NATS is away nobody joins, nobody is taken away, and afterwards all is as it should be', async () => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [ada, adaToo, bob, carl] = [
    a.peer(world.ada),
    b.peer(world.ada),
    b.peer(world.bob),
    a.peer(world.bob),
  ];
  await ada.join(PAGE);
  await bob.join(PAGE);
  await untilSees(ada, ['ada', 'bob']);
  await world.nats.kill();
  await waitFor(() => !a.bus.connected && !b.bus.connected, { what: 'both are cut off' });
  await expect(carl.join(PAGE)).rejects.toEqual(refused('SERVICE_UNAVAILABLE'));
  await expect(adaToo.join('/elsewhere')).rejects.toEqual(refused('SERVICE_UNAVAILABLE'));
  expect([ada.users(PAGE), bob.users(PAGE)]).toEqual([
    ['ada', 'bob'],
    ['ada', 'bob'],
  ]);
  await world.nats.restart();
  await waitFor(() => a.bus.connected && b.bus.connected, { what: 'both are back' });
  const newcomer = b.peer(world.ada);
  await waitFor(
    () =>
      newcomer.join('/other').then(
        () => true,
        () => false,
      ),
    { what: 'joins work again' },
  );
  const store = await world.store();
  const { key } = requirePage(a.view, ada.reader, PAGE).page;
  await world.sweepUntil(() => true, 'both have looked');
  await waitFor(async () => (await store.list(key).catch(() => [])).length === 2, {
    what: 'both are in the store',
  });
  expect([...ada.types(), ...bob.types()]).toEqual(['presence-sync', 'join', 'presence-sync']);
  expect([a, b].map(({ presence }) => presence.size.stays)).toEqual([1, 2]);
});

test('a NATS that lost everything is told of all pages at once, however many they are', async () => {
  await using world = await PresenceGateways.start();
  const people = world.crowd(15);
  const a = await world.gateway('gateway-a');
  const peers = people.map((who) => a.peer(who));
  const paths = peers.flatMap((peer, index) =>
    Array.from({ length: 10 }, (_each, page) => [peer, `/${index}/${page}`] as const),
  );
  await Promise.all(paths.map(([peer, path]) => peer.join(path)));
  await world.nats.kill();
  await waitFor(() => !a.bus.connected, { what: 'the gateway is cut off' });
  await world.nats.restart();
  await waitFor(() => a.bus.connected, { what: 'it is back' });
  const store = await world.store();
  const keys = paths.map(([peer, path]) => requirePage(a.view, peer.reader, path).page.key);
  const countWritten = async (): Promise<number> => {
    const lists = await Promise.all(keys.map((key) => store.list(key).catch(() => [])));
    return lists.flat().length;
  };
  await waitFor(async () => (await countWritten()) === paths.length, { what: 'all are written again' });
});

test('who leaves while NATS is away is taken away everywhere when it is back', async () => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [ada, bob] = [a.peer(world.ada), b.peer(world.bob)];
  await ada.join(PAGE);
  await bob.join(PAGE);
  await untilSees(ada, ['ada', 'bob']);
  await world.nats.kill();
  await waitFor(() => !a.bus.connected && !b.bus.connected, { what: 'both are cut off' });
  bob.close();
  expect(ada.users(PAGE)).toEqual(['ada', 'bob']);
  await world.nats.restart();
  await waitFor(() => a.bus.connected && b.bus.connected, { what: 'both are back' });
  await world.sweepUntil(() => ada.users(PAGE).join() === 'ada', 'bob is gone');
  expect(ada.faults).toEqual([]);
});

test('what signals do not tell, the store does', async () => {
  await using world = await PresenceGateways.start();
  const [a] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const ada = a.peer(world.ada);
  await ada.join(PAGE);
  const store = await world.store();
  const { key } = requirePage(a.view, ada.reader, PAGE).page;
  const silent = {
    id: 'bob',
    name: 'Bob',
    pagePath: PAGE,
    joinedAt: '2026-01-01T00:00:00.000Z',
    connection: randomUUID(),
    gateway: 'gateway-b',
  };
  const leftBehind = { ...silent, id: 'ghost', connection: randomUUID(), gateway: 'gateway-a' };
  const ofTheDead = { ...silent, id: 'ghost', connection: randomUUID(), gateway: 'gateway-dead' };
  for (const entry of [silent, leftBehind, ofTheDead]) await store.put(key, entry);
  await world.sweepUntil(() => ada.users(PAGE).join() === 'ada,bob', 'bob is there');
  await waitFor(async () => !(await store.list(key)).includes(leftBehind.connection), {
    what: 'what this gateway left behind is taken away',
  });
  await store.remove(key, silent.connection);
  await world.sweepUntil(() => ada.users(PAGE).join() === 'ada', 'bob is gone');
  expect(ada.types()).toEqual(['presence-sync', 'join', 'leave']);
});

test('an entry that was lost is written again, and meanwhile nobody is taken away', async () => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [ada, bob] = [a.peer(world.ada), b.peer(world.bob)];
  await ada.join(PAGE);
  await bob.join(PAGE);
  await untilSees(ada, ['ada', 'bob']);
  const store = await world.store();
  const { key } = requirePage(a.view, ada.reader, PAGE).page;
  for (const connection of await store.list(key)) await store.remove(key, connection);
  await waitFor(async () => (await store.list(key)).length === 0, { what: 'the store has lost them' });
  a.sweep();
  await waitFor(async () => (await store.list(key)).length === 1, { what: 'ada is in it again' });
  b.sweep();
  await waitFor(async () => (await store.list(key)).length === 2, { what: 'bob is in it again' });
  expect([...ada.types(), ...bob.types()]).toEqual(['presence-sync', 'join', 'presence-sync']);
});

test('a connection from which nothing comes for a minute is not there any more', async () => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [ada, bob] = [a.peer(world.ada), b.peer(world.bob)];
  await ada.join(PAGE);
  await bob.join(PAGE);
  await untilSees(ada, ['ada', 'bob']);
  b.clock.advance(STALE_MS - 5000);
  b.presence.touch(bob);
  b.clock.advance(STALE_MS - 5000);
  expect(bob.users(PAGE)).toEqual(['ada', 'bob']);
  b.clock.advance(5000);
  await untilSees(ada, ['ada']);
  expect(bob.messages.at(-1)).toEqual({ type: 'presence-sync', pagePath: PAGE, users: [] });
  await bob.join(PAGE);
  await untilSees(ada, ['ada', 'bob']);
});

test('a connection whose end nobody told of is not there any more', async () => {
  await using world = await PresenceGateways.start();
  const a = await world.gateway('gateway-a');
  const [ada, bob] = [a.peer(world.ada), a.peer(world.bob)];
  await ada.join(PAGE);
  await bob.join(PAGE);
  bob.open = false;
  a.sweep();
  expect(ada.users(PAGE)).toEqual(['ada']);
});

test('who acts for another organisation now is on its page and sees nobody of the one before', async () => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [ada, bob, eve] = [a.peer(world.ada), b.peer(world.bob), b.peer(world.eve)];
  for (const peer of [ada, bob, eve]) await peer.join(PAGE);
  await untilSees(ada, ['ada', 'bob']);
  const moved = { ...world.bob.principal, activeOrganisation: world.elsewhere.id, version: 2 };
  change(b, moved);
  b.presence.rightsChanged(new Set(['bob']));
  expect(bob.users(PAGE)).toEqual([]);
  await untilSees(ada, ['ada']);
  await untilSees(bob, ['bob', 'eve']);
  await untilSees(eve, ['bob', 'eve']);
  expect([ada, bob, eve].flatMap(({ faults }) => faults)).toEqual([]);
});

test('who is of another organisation already is told nothing more, even before anybody says so', async () => {
  await using world = await PresenceGateways.start();
  const [newcomer] = world.crowd(1);
  const a = await world.gateway('gateway-a');
  const [ada, bob] = [a.peer(world.ada), a.peer(world.bob)];
  await ada.join(PAGE);
  await bob.join(PAGE);
  change(a, { ...world.bob.principal, activeOrganisation: world.elsewhere.id, version: 2 });
  await a.peer(newcomer ?? world.ada).join(PAGE);
  expect(ada.users(PAGE)).toContain('user-0');
  expect(JSON.stringify(bob.messages)).not.toContain('user-0');
});

test('who loses a table leaves its page', async () => {
  await using world = await PresenceGateways.start();
  const a = await world.gateway('gateway-a');
  const [ada, bob] = [a.peer(world.ada), a.peer(world.bob)];
  const path = '/tables/shop-salaries';
  for (const peer of [ada, bob]) {
    await peer.join(path);
    await peer.join(PAGE);
  }
  change(a, { ...world.bob.principal, groups: [], version: 2 });
  a.presence.rightsChanged('all');
  expect(ada.users(path)).toEqual(['ada']);
  expect(bob.messages.at(-1)).toEqual({ type: 'presence-sync', pagePath: path, users: [] });
  expect(ada.users(PAGE)).toEqual(['ada', 'bob']);
  await expect(bob.join(path)).rejects.toEqual(refused('NOT_FOUND'));
});

test('nobody is told of anybody while rights are not those of now; afterwards everybody is told anew', async () => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [ada, bob] = [a.peer(world.ada), b.peer(world.bob)];
  await ada.join(PAGE);
  a.delivering = false;
  await expect(a.peer(world.ada).join(PAGE)).rejects.toEqual(refused('SERVICE_UNAVAILABLE'));
  await bob.join(PAGE);
  await world.heard(b, a);
  expect(ada.types()).toEqual(['presence-sync']);
  a.delivering = true;
  await world.sweepUntil(() => ada.users(PAGE).join() === 'ada,bob', 'ada is told');
  expect(ada.types()).toEqual(['presence-sync', 'presence-sync']);
});

test('nobody is left in the store when a gateway stops', async () => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [ada, bob] = [a.peer(world.ada), b.peer(world.bob)];
  await ada.join(PAGE);
  await bob.join(PAGE);
  await a.presence.stop();
  await untilSees(bob, ['bob']);
  expect(a.presence.size).toEqual({ pages: 0, stays: 0 });
});

test('while it is not known which gateways live, nobody joins whom another gateway would have to be asked for', async () => {
  await using world = await PresenceGateways.start();
  const a = await world.gateway('gateway-a');
  const b = await world.gateway('gateway-b', { leases: () => undefined });
  await a.peer(world.ada).join(PAGE);
  const bob = b.peer(world.bob);
  await expect(bob.join(PAGE)).rejects.toEqual(refused('SERVICE_UNAVAILABLE'));
  expect(bob.messages).toEqual([]);
  expect(b.presence.size).toEqual({ pages: 0, stays: 0 });
});
