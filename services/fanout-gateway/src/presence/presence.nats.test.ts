import { REALTIME_TRANSPORT_CONFIG, SOCKET_LIMITS } from '@tidewire/contract';
import { ANONYMOUS } from '@tidewire/rights';
import { waitFor } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { PresenceGateways } from '../../test/presence-gateways.ts';
import type { PresenceGateway, PresencePeer } from '../../test/presence-gateways.ts';
import { requirePage } from './page-access.ts';

const PAGE = '/dashboard';
const CAP = REALTIME_TRANSPORT_CONFIG.maxPresenceEntriesPerPage;

async function untilSees(peer: PresencePeer, users: readonly string[], path = PAGE): Promise<void> {
  const expected = users.join();
  await waitFor(() => peer.users(path).join() === expected, {
    what: `sees ${expected}, not ${peer.users(path).join()}`,
  });
}

function refused(code: string): unknown {
  return expect.objectContaining({ code });
}

test('who joins is told once who is there, and the others who comes and goes, over all gateways', async () => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [ada, bob] = [a.peer(world.ada), b.peer(world.bob)];
  await ada.join(`${PAGE}/?tab=1`);
  await bob.join(PAGE);
  expect(bob.messages).toMatchObject([
    {
      type: 'presence-sync',
      pagePath: PAGE,
      users: [
        { id: 'ada', name: 'ada', pagePath: PAGE },
        { id: 'bob', name: 'bob', pagePath: PAGE },
      ],
    },
  ]);
  await untilSees(ada, ['ada', 'bob']);
  expect(ada.types()).toEqual(['presence-sync', 'join']);
  bob.leave(PAGE);
  await untilSees(ada, ['ada']);
  expect(ada.messages.at(-1)).toEqual({ type: 'leave', userId: 'bob', pagePath: PAGE });
  expect(bob.types()).toEqual(['presence-sync']);
  expect([...ada.faults, ...bob.faults]).toEqual([]);
});

test('a user with two tabs is there until both are closed, wherever they are', async () => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [watcher, tab, otherTab] = [a.peer(world.bob), a.peer(world.ada), b.peer(world.ada)];
  await watcher.join(PAGE);
  await tab.join(PAGE);
  await otherTab.join(PAGE);
  expect(otherTab.users(PAGE)).toEqual(['ada', 'bob']);
  await world.heard(b, a);
  tab.close();
  await world.heard(a, b);
  for (const gateway of [a, b]) gateway.sweep();
  await otherTab.join(PAGE);
  expect(otherTab.users(PAGE)).toEqual(['ada', 'bob']);
  expect(watcher.types()).toEqual(['presence-sync', 'join']);
  otherTab.close();
  await untilSees(watcher, ['bob']);
  expect(watcher.types()).toEqual(['presence-sync', 'join', 'leave']);
  expect(tab.types()).toEqual(['presence-sync']);
  expect(otherTab.types()).toEqual(['presence-sync', 'presence-sync']);
});

test('of joins and departures that happen at once on three gateways none is lost and none is told twice', async () => {
  await using world = await PresenceGateways.start();
  const people = world.crowd(9);
  const gateways = await Promise.all(['a', 'b', 'c'].map((name) => world.gateway(`gateway-${name}`)));
  for (let round = 0; round < 40; round += 1) {
    const path = `/round/${round}`;
    const peers = people
      .map((who, index) => gateways[index % 3]?.peer(who))
      .filter((each) => each !== undefined);
    await Promise.all(peers.map((peer) => peer.join(path)));
    const everybody = people.map(({ principal }) => principal.id).toSorted();
    for (const peer of peers) await untilSees(peer, everybody, path);
    const leaving = peers.filter((_peer, index) => (index + round) % 2 === 0);
    const staying = peers.filter((peer) => !leaving.includes(peer));
    for (const peer of leaving) peer.close();
    const rest = staying.map(({ reader }) => reader.principalId ?? '').toSorted();
    for (const peer of staying) await untilSees(peer, rest, path);
    expect(peers.flatMap(({ faults }) => faults)).toEqual([]);
    for (const peer of staying) peer.close();
  }
  expect(gateways.map(({ presence }) => presence.size)).toEqual(gateways.map(() => ({ pages: 0, stays: 0 })));
});

test('a page holds fifty connections: who was seen longest ago makes room, on all gateways the same', async () => {
  await using world = await PresenceGateways.start();
  const people = world.crowd(CAP + 2);
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const peers = people.map((who, index) => (index % 2 === 0 ? a : b).peer(who));
  for (const peer of peers.slice(0, CAP)) await peer.join(PAGE);
  const [first, second, third, fourth] = peers;
  if (first === undefined) throw new Error('nobody is there');
  // The first one is seen again, and its entry written again: the next two were seen longest ago now.
  a.clock.advance(16_000);
  a.presence.touch(first);
  const writtenAgain = await watchWrite(world, a, first);
  a.clock.advance(5000);
  await writtenAgain();
  for (const peer of peers.slice(CAP)) await peer.join(PAGE);
  const gone = new Set(['user-1', 'user-2']);
  const left = people.map(({ principal }) => principal.id).filter((id) => !gone.has(id));
  for (const peer of [first, fourth, ...peers.slice(CAP)]) {
    if (peer !== undefined) await untilSees(peer, left.toSorted());
  }
  for (const peer of [second, third]) {
    expect(peer?.messages.at(-1)).toEqual({ type: 'presence-sync', pagePath: PAGE, users: [] });
  }
  expect(peers.flatMap(({ faults }) => faults)).toEqual([]);
  await second?.join(PAGE);
  expect(second?.users(PAGE)).toHaveLength(CAP);
  expect(second?.users(PAGE)).toContain('user-1');
});

/** Waits until the first entry of the page that is the peer's is newer than all others. */
async function watchWrite(
  world: PresenceGateways,
  gateway: PresenceGateway,
  { reader }: PresencePeer,
): Promise<() => Promise<void>> {
  const store = await world.store();
  const { key } = requirePage(gateway.view, reader, PAGE).page;
  const newest = async (): Promise<string | undefined> => {
    const all = await Promise.all((await store.list(key)).map((each) => store.read(key, each)));
    return all
      .filter((each) => each !== undefined)
      .toSorted((one, other) => other.revision - one.revision)
      .at(0)?.entry.id;
  };
  expect(await newest()).not.toBe(reader.principalId);
  return async () => {
    await waitFor(async () => (await newest()) === reader.principalId, { what: 'it is written again' });
  };
}

test('of many that come to a full page at once the page keeps fifty, the same for all', async () => {
  await using world = await PresenceGateways.start();
  const people = world.crowd(CAP + 30);
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const peers = people.map((who, index) => (index % 2 === 0 ? a : b).peer(who));
  await Promise.all(peers.map((peer) => peer.join(PAGE)));
  const inside = (): PresencePeer[] => peers.filter((peer) => peer.users(PAGE).length > 0);
  await world.sweepUntil(() => {
    const seen = new Set(inside().map((peer) => peer.users(PAGE).join()));
    return inside().length === CAP && seen.size === 1 && [...seen][0]?.split(',').length === CAP;
  }, 'fifty are there, and see the same');
  expect(inside().flatMap(({ faults }) => faults)).toEqual([]);
});

test('an eviction takes no user away who has another connection there', async () => {
  await using world = await PresenceGateways.start();
  const people = world.crowd(CAP - 2);
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [tab, otherTab, last] = [a.peer(world.ada), b.peer(world.ada), b.peer(world.bob)];
  await tab.join(PAGE);
  const peers = people.map((who) => b.peer(who));
  for (const peer of [...peers, otherTab, last]) await peer.join(PAGE);
  await waitFor(() => tab.users(PAGE).length === 0, { what: 'the first tab is told that it is not there' });
  await untilSees(last, ['ada', 'bob', ...people.map(({ principal }) => principal.id)].toSorted());
  expect([last, ...peers].flatMap(({ faults }) => faults)).toEqual([]);
});

test('people of another organisation see nobody, and nobody sees them', async () => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [ada, eve] = [a.peer(world.ada), b.peer(world.eve)];
  for (const path of [PAGE, '/tables/shop-orders']) {
    await Promise.all([ada.join(path), eve.join(path)]);
    expect([ada.users(path), eve.users(path)]).toEqual([['ada'], ['eve']]);
  }
  ada.close();
  await world.heard(a, b);
  expect([...ada.types(), ...eve.types()]).toEqual(Array.from({ length: 4 }, () => 'presence-sync'));
});

test('nobody in particular, and whoever may not know a table, is refused', async () => {
  await using world = await PresenceGateways.start();
  const [stranger] = world.crowd(1);
  const a = await world.gateway('gateway-a');
  const [ada, outsider] = [a.peer(world.ada), a.peer(stranger ?? world.ada)];
  await ada.join('/tables/shop-salaries');
  await expect(outsider.join('/tables/shop-salaries')).rejects.toEqual(refused('NOT_FOUND'));
  await expect(outsider.join('/x/../tables//shop-salaries/')).rejects.toEqual(refused('NOT_FOUND'));
  await expect(outsider.join('/%74ables/shop-salaries/1')).rejects.toEqual(refused('NOT_FOUND'));
  outsider.reader = ANONYMOUS;
  await expect(outsider.join(PAGE)).rejects.toEqual(refused('FORBIDDEN'));
  expect(outsider.messages).toEqual([]);
  expect(ada.types()).toEqual(['presence-sync']);
});

test.each([
  ['/__proto__', '/__proto__'],
  ['/a//b/../c', '/a/c'],
  ['/a/%2e%2e/b', '/b'],
  ['/\u{1f30a}', '/%F0%9F%8C%8A'],
  ['/constructor/toString', '/constructor/toString'],
])('%j is a page like any other', async (text, path) => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const [ada, bob] = [a.peer(world.ada), b.peer(world.bob)];
  await ada.join(text);
  await bob.join(path);
  expect(bob.users(path)).toEqual(['ada', 'bob']);
  ada.leave(text);
  await untilSees(bob, ['bob'], path);
});

test('what is no path is refused and leaves nothing behind', async () => {
  await using world = await PresenceGateways.start();
  const a = await world.gateway('gateway-a');
  const ada = a.peer(world.ada);
  for (const path of ['', 'a', '/\0', '/%00', '/%', `/${'a'.repeat(10_000)}`]) {
    await expect(ada.join(path), path).rejects.toEqual(refused('VALIDATION_ERROR'));
    expect(() => ada.leave(path)).not.toThrow(TypeError);
  }
  expect(a.presence.size).toEqual({ pages: 0, stays: 0 });
});

test('a connection is on a bounded number of pages, and a process keeps a bounded number of stays', async () => {
  await using world = await PresenceGateways.start();
  const a = await world.gateway('gateway-a', { maxStays: SOCKET_LIMITS.maxPages + 1 });
  const [ada, bob] = [a.peer(world.ada), a.peer(world.bob)];
  for (let page = 0; page < SOCKET_LIMITS.maxPages; page += 1) await ada.join(`/${page}`);
  await ada.join('/0');
  await expect(ada.join('/one-more')).rejects.toEqual(refused('TOO_MANY_SUBSCRIPTIONS'));
  await bob.join('/0');
  await expect(bob.join('/1')).rejects.toEqual(refused('SERVICE_UNAVAILABLE'));
  ada.close();
  await waitFor(
    () =>
      bob.join('/1').then(
        () => true,
        () => false,
      ),
    { what: 'there is room again' },
  );
});

test('who joins and leaves faster than the store writes is slowed down, and is not there in the end', async () => {
  await using world = await PresenceGateways.start();
  const a = await world.gateway('gateway-a');
  const [ada, bob] = [a.peer(world.ada), a.peer(world.bob)];
  await bob.join(PAGE);
  const outcomes = Array.from({ length: 200 }, () => {
    const joined = ada.join(PAGE).then(
      () => 'joined',
      (error: unknown) => (error as { code: string }).code,
    );
    ada.leave(PAGE);
    return joined;
  });
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['joined', 'RATE_LIMITED']));
  expect(bob.faults).toEqual([]);
  await world.sweepUntil(() => bob.users(PAGE).join() === 'bob', 'bob is alone');
  expect(a.presence.size).toEqual({ pages: 1, stays: 1 });
  const store = await world.store();
  const { key } = requirePage(a.view, bob.reader, PAGE).page;
  await waitFor(async () => (await store.list(key)).length === 1, { what: 'nothing is left in the store' });
});

test('who leaves before it was told who is there is not told any more', async () => {
  await using world = await PresenceGateways.start();
  const [a, b] = [await world.gateway('gateway-a'), await world.gateway('gateway-b')];
  const bob = b.peer(world.bob);
  await bob.join(PAGE);
  let early = 0;
  for (let round = 0; round < 60; round += 1) {
    const ada = a.peer(world.ada);
    const joined = ada.join(PAGE);
    for (let turn = 0; turn < round; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const told = ada.messages.length;
    if (told === 0) early += 1;
    ada.leave(PAGE);
    await joined;
    expect(ada.messages).toHaveLength(told);
  }
  expect(early).toBeGreaterThan(0);
  await untilSees(bob, ['bob']);
  expect(bob.faults).toEqual([]);
});

test('joining again tells again who is there, and tells the others nothing', async () => {
  await using world = await PresenceGateways.start();
  const a = await world.gateway('gateway-a');
  const [ada, bob] = [a.peer(world.ada), a.peer(world.bob)];
  await ada.join(PAGE);
  await bob.join(PAGE);
  await bob.join(`${PAGE}/`);
  expect(bob.types()).toEqual(['presence-sync', 'presence-sync']);
  expect(ada.types()).toEqual(['presence-sync', 'join']);
});
