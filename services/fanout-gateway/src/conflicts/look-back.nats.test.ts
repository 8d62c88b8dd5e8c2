import { randomUUID } from 'node:crypto';
import type { LogMessage, ObjectMessage, PendingEdit } from '@tidewire/contract';
import { Freshness, connectBus, silentLogger } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import { createLogger } from '@tidewire/service-kit';
import { objectMessage, waitFor } from '@tidewire/test-kit';
import type { Person } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { TestPeer } from '../../test/pending-edits-builder.ts';
import { World } from '../../test/world.ts';
import { processScheduler } from '../delivery/scheduler.ts';
import type { FanOutPort } from '../fanout/subscription.ts';
import { LogFeed } from '../log/log-feed.ts';
import { ReplayRing } from '../log/ring.ts';
import { RightsFeed } from '../rights/rights-feed.ts';
import { Streams } from '../transports/stream.ts';
import { PendingEdits } from './pending-edits.ts';

const ROUNDS = Number(process.env['TIDEWIRE_TEST_ROUNDS'] ?? 50);
const READ = Date.parse('2026-01-01T00:00:00.000Z');
const at = (ms: number): string => new Date(READ + ms).toISOString();

/** The reading half of a gateway: the log, rights and pending edits, and no sockets. */
class Reading implements AsyncDisposable {
  readonly world: World;
  readonly ring: ReplayRing;
  readonly feed: LogFeed;
  readonly rights: RightsFeed;
  readonly edits: PendingEdits;
  readonly #bus: MessageBus;

  private constructor(world: World, bus: MessageBus, maxEvents: number) {
    const fanOut = followingFanOut();
    const streams = new Streams();
    this.world = world;
    this.#bus = bus;
    this.ring = new ReplayRing({ maxEvents, maxBytes: 1 << 30 });
    this.rights = new RightsFeed(streams, NO_EFFECTS);
    this.feed = new LogFeed({
      bus,
      clock: processScheduler,
      logger: createLogger({ service: 'test', level: 'silent' }),
      freshness: new Freshness({ clock: processScheduler }),
      ring: this.ring,
      rights: this.rights,
      fanOut,
      streams,
      holdLimits: { maxEvents: 1000, maxBytes: 1 << 20 },
      restartStreams: () => undefined,
      follower: {
        onRights: () => undefined,
        onEvent: (entry) => this.edits.onEvent(entry),
        behind: () => this.edits.behind(),
      },
      onEvent: () => undefined,
    });
    this.edits = new PendingEdits({
      bus,
      ring: this.ring,
      feed: this.feed,
      view: () => this.rights.view,
      scheduler: processScheduler,
      logger: createLogger({ service: 'test', level: 'silent' }),
    });
  }

  static async start(world: World, maxEvents: number): Promise<Reading> {
    const url = world.platform.nats.urlFor('fanout-gateway');
    const bus = await connectBus({ url, user: 'fanout-gateway', logger: silentLogger });
    const reading = new Reading(world, bus, maxEvents);
    await reading.feed.start();
    await waitFor(() => reading.feed.fresh, { what: 'the reader is level with the log' });
    return reading;
  }

  peer({ principal, credential }: Person): TestPeer {
    const position = { sequence: this.feed.position.sequence };
    const held = this.rights.view.hold({ principal, credential, position }, Date.now());
    if (!held.ok) throw new Error(held.reason);
    return new TestPeer(randomUUID(), { principalId: principal.id, credentialId: credential.id });
  }

  async reached(sequence: number): Promise<void> {
    await waitFor(() => this.feed.position.sequence >= sequence, { what: `event ${sequence} was applied` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.edits.stop();
    await this.feed.stop();
    await this.#bus.close();
  }
}

const NO_EFFECTS = {
  changed: () => undefined,
  reread: () => undefined,
  credentialEnded: () => undefined,
  credentialExpires: () => undefined,
  gone: () => undefined,
};

/** A fan-out without subscribers, which follows the log. */
function followingFanOut(): FanOutPort {
  let position = { epoch: '00000000', sequence: 0 };
  const advance: FanOutPort['advance'] = (to) => void (position = { epoch: to.epoch, sequence: to.sequence });
  const parts: Partial<FanOutPort> = {
    advance,
    reset: advance,
    evaluatedPosition: () => position,
    publish: advance,
  };
  return parts as FanOutPort;
}

/** A record's life: version n has the values of `states[n]` and was written n milliseconds after the first. */
function updates(
  world: World,
  uuid: string,
  states: readonly Record<string, unknown>[],
  actor: ObjectMessage['actor'] = { id: 'bob', name: 'bob', organisation: world.organisation.id },
): ObjectMessage[] {
  return states.slice(1).map((state, index) => {
    const before = world.row(states[index], { uuid, version: index + 1 });
    const message = objectMessage('updated', before, { ...before, properties: state, version: index + 2 });
    if (message.before === null || message.after === null) throw new TypeError('an update has two images');
    return {
      ...message,
      actor,
      before: { ...message.before, _updated: at(index) },
      after: { ...message.after, _updated: at(index + 1) },
    };
  });
}

function noise(world: World, count: number): LogMessage[] {
  return Array.from({ length: count }, () => objectMessage('created', null, world.row({ titel: 'x' })));
}

function pending(world: World, recordId: string, spec: Partial<PendingEdit> = {}): PendingEdit {
  const { table } = world.schema;
  return { type: 'pending', table, recordId, fields: ['titel', 'status'], updatedAt: at(0), ...spec };
}

test('finds what was written before the ring begins, up to where the live path goes on', async () => {
  await using world = await World.start();
  const { platform } = world;
  await using reading = await Reading.start(world, 3);
  const uuid = randomUUID();
  const states = [
    { titel: 'a', status: 'x' },
    { titel: 'b', status: 'x' },
    { titel: 'b', status: 'y' },
    { titel: 'c', status: 'y' },
  ];
  const [first, second, third] = updates(world, uuid, states);
  if (first === undefined || second === undefined || third === undefined) throw new TypeError('three');
  const sequence = await platform.append([first, second, ...noise(world, 10)]);
  await reading.reached(sequence);
  const [one, other, later, hidden] = [
    reading.peer(world.alice),
    reading.peer(world.alice),
    reading.peer(world.alice),
    reading.peer(world.bob),
  ];
  reading.edits.announce(one, pending(world, uuid));
  reading.edits.announce(other, pending(world, uuid, { updatedAt: at(1) }));
  reading.edits.announce(later, pending(world, uuid, { updatedAt: at(2) }));
  reading.edits.announce(hidden, pending(world, uuid));
  await waitFor(() => one.told.length > 0 && other.told.length > 0, { what: 'the past was told' });
  await reading.reached(await platform.append([third]));
  const told = (): number[] => [one, other, later].map((peer) => peer.told.length);
  await waitFor(() => told().join() === '2,2,1', { what: 'the third write was told' });
  const seen = (peer: TestPeer) => peer.conflicts.map((c) => [c.overwrittenFields, c.updatedAt]);
  expect(seen(one)).toEqual([
    [['titel', 'status'], at(2)],
    [['titel'], at(3)],
  ]);
  expect(seen(other)).toEqual([
    [['status'], at(2)],
    [['titel'], at(3)],
  ]);
  expect(seen(later)).toEqual([[['titel'], at(3)]]);
  // Its own writes.
  expect(hidden.told).toEqual([]);
});

test('where the log does not reach back to what was read, everything that is being edited counts', async () => {
  await using world = await World.start();
  const { platform } = world;
  await using reading = await Reading.start(world, 3);
  const uuid = randomUUID();
  const states = Array.from({ length: 6 }, (_, n) => ({ titel: 'a', status: `${n}` }));
  await platform.append(noise(world, 5));
  await platform.append(updates(world, uuid, states));
  await reading.reached(await platform.append(noise(world, 5)));
  // Of the five writes the newest two are kept.
  await platform.forget(7);
  const peer = reading.peer(world.alice);
  const known = reading.peer(world.alice);
  reading.edits.announce(peer, pending(world, uuid));
  reading.edits.announce(known, pending(world, uuid, { updatedAt: at(3), fields: ['titel'] }));
  await waitFor(() => peer.told.length > 0, { what: 'the conflict was told' });
  expect(peer.conflicts).toMatchObject([
    { overwrittenFields: ['titel', 'status'], updatedAt: at(5), overwrittenBy: { id: 'bob' } },
  ]);
  const later = updates(world, uuid, [...states, { titel: 'z', status: '5' }]).slice(-1);
  await platform.append(later);
  await waitFor(() => known.told.length > 0, { what: 'the live write was told' });
  expect(known.conflicts.map(({ updatedAt }) => updatedAt)).toEqual([at(6)]);
});

test.each([
  ['in the ring', 100_000],
  ['in the stored log', 2],
])('a write that races its announcement is told exactly once, found %s', async (_, maxEvents) => {
  await using world = await World.start();
  const { platform } = world;
  await using reading = await Reading.start(world, maxEvents);
  await reading.reached(await platform.append(noise(world, 20)));
  let seed = 7;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const race = async (): Promise<TestPeer> => {
    const uuid = randomUUID();
    const peer = reading.peer(world.alice);
    const [first, second] = updates(world, uuid, [
      { titel: 'a', status: 'x' },
      { titel: 'b', status: 'x' },
      { titel: 'b', status: 'y' },
    ]);
    if (first === undefined || second === undefined) throw new TypeError('two');
    const write = (async () => {
      await platform.append([first, ...noise(world, Math.floor(random() * 4))]);
      await platform.append([...noise(world, Math.floor(random() * 4)), second]);
    })();
    const announce = (async () => {
      // Turns of the event loop, not time: somewhere around the writes.
      for (let turns = Math.floor(random() * 60); turns > 0; turns -= 1) {
        await new Promise((resolve) => void setImmediate(resolve));
      }
      reading.edits.announce(peer, pending(world, uuid));
    })();
    await Promise.all([write, announce]);
    return peer;
  };
  const peers: TestPeer[] = [];
  for (let round = 0; round < ROUNDS; round += 5) {
    peers.push(...(await Promise.all(Array.from({ length: 5 }, race))));
  }
  const fieldsOf = (peer: TestPeer): string[] => peer.conflicts.flatMap((told) => told.overwrittenFields);
  await waitFor(() => peers.every((peer) => fieldsOf(peer).length >= 2), { what: 'every race was told' });
  await reading.reached(await platform.append(noise(world, 1)));
  for (const peer of peers) {
    expect(fieldsOf(peer).toSorted()).toEqual(['status', 'titel']);
    expect(peer.conflicts.at(-1)).toMatchObject({
      authoritativeRecord: { fields: { titel: 'b', status: 'y' } },
      updatedAt: at(2),
    });
  }
});

test('an announcement that is replaced while it is looked up tells nothing of its own', async () => {
  await using world = await World.start();
  const { platform } = world;
  await using reading = await Reading.start(world, 2);
  const uuid = randomUUID();
  const states = [
    { titel: 'a', status: 'x' },
    { titel: 'b', status: 'y' },
  ];
  await reading.reached(await platform.append([...updates(world, uuid, states), ...noise(world, 5)]));
  const [replaced, settled] = [reading.peer(world.alice), reading.peer(world.alice)];
  reading.edits.announce(settled, pending(world, uuid));
  reading.edits.announce(replaced, pending(world, uuid));
  reading.edits.settle(settled, world.schema.table, uuid);
  reading.edits.announce(replaced, pending(world, uuid, { fields: ['status'] }));
  await waitFor(() => replaced.told.length > 0, { what: 'the past was told' });
  // Another look that began later has ended: so have those before it.
  const last = reading.peer(world.alice);
  reading.edits.announce(last, pending(world, uuid));
  await waitFor(() => last.told.length > 0, { what: 'the last look ended' });
  expect(replaced.conflicts.map(({ overwrittenFields }) => overwrittenFields)).toEqual([['status']]);
  expect(settled.told).toEqual([]);
});

test('a reader that is cut off from the log tells nothing, and everything once it is back', async () => {
  await using world = await World.start();
  const { platform } = world;
  await using reading = await Reading.start(world, 2);
  const uuid = randomUUID();
  const [first] = updates(world, uuid, [{ titel: 'a' }, { titel: 'b' }]);
  if (first === undefined) throw new TypeError('one');
  await reading.reached(await platform.append([first, ...noise(world, 5)]));
  const peer = reading.peer(world.alice);
  await platform.nats.kill();
  reading.edits.announce(peer, pending(world, uuid));
  await platform.nats.restart();
  await waitFor(() => peer.told.length > 0, { what: 'the conflict was told', timeoutMs: 20_000 });
  expect(peer.told).toMatchObject([{ type: 'conflict', overwrittenFields: ['titel'] }]);
});
