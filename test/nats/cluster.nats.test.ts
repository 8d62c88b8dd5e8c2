import { EVENTS_STREAM } from '@tidewire/contract';
import type { NatsSocket } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSubscriberTown } from './subscriber-town.ts';
import type { SubscriberTown } from './subscriber-town.ts';

let town: SubscriberTown;

beforeAll(async () => {
  town = await startSubscriberTown({ nodes: 3, gatewayAt: 1, calloutAt: 2 });
});
afterAll(() => town[Symbol.asyncDispose]());

interface Connections {
  readonly server: { readonly id: string; readonly name: string };
  readonly data: {
    readonly connections: readonly { readonly cid: number; readonly authorized_user: string }[];
  };
}

/** The subscribers' connections at every server, as authz asks for them. */
async function listConnections(authz: NatsSocket): Promise<Connections[]> {
  const inbox = `_INBOX_authz-callout.${Math.random().toString(36).slice(2)}`;
  const answers = authz.subscribe(inbox);
  authz.publish('$SYS.REQ.SERVER.PING.CONNZ', JSON.stringify({ auth: true, acc: 'CLIENTS' }), inbox);
  return (await answers.until(3)).map(({ data }) => JSON.parse(data) as Connections);
}

test('a subscriber at one server is answered by a gateway at another, admitted by a callout at a third', async () => {
  using alice = await town.connectSubscriber(0, 'alice');
  const answer = await alice.request('feed.v1.next.alice');
  expect(answer.data).toBe('for feed.v1.next.alice');
  expect(answer.subject).toMatch(/^_INBOX\.alice\./);
  expect(town.callout.questions.at(-1)?.server_id.name).toBe('nats-1');
  expect(alice.refusals).toEqual([]);
});

test('an answer reaches the subscriber at whatever server it is, and nobody else in the cluster', async () => {
  const bobs = await Promise.all([0, 1, 2].map((index) => town.connectSubscriber(index, 'bob')));
  using alice = await town.connectSubscriber(2, 'alice');
  const heard = bobs.map((bob) => bob.subscribe('_INBOX.bob.>'));
  await Promise.all(bobs.map((bob) => bob.flush()));
  await alice.request('feed.v1.next.alice');
  const own = await bobs[0]?.request('feed.v1.next.bob');
  expect(own?.data).toBe('for feed.v1.next.bob');
  // The answer to bob went past the one to alice: whatever was to be heard of hers has been by now.
  for (const messages of heard) await messages.until(1);
  expect(heard.flatMap(({ messages }) => messages.map(({ data }) => data))).toEqual(
    Array.from({ length: 3 }, () => 'for feed.v1.next.bob'),
  );
  for (const bob of bobs) bob[Symbol.dispose]();
});

test.each([0, 1, 2])(
  'what a subscriber may not do at one server it may do at none: server %i',
  async (index) => {
    using bob = await town.connectSubscriber((index + 1) % 3, 'bob');
    using alice = await town.connectSubscriber(index, 'alice');
    const before = town.asked.length;
    const stolen = [
      alice.subscribe('_INBOX.bob.>'),
      alice.subscribe('_INBOX.>'),
      alice.subscribe('>'),
      alice.subscribe('feed.v1.next.*', 'gateway'),
    ];
    for (const subject of [
      'feed.v1.next.bob',
      'events.none.hr.people.x.created',
      '$JS.API.INFO',
      '$KV.PRESENCE.x',
    ])
      alice.publish(subject, '{}', '_INBOX.alice.x');
    await alice.flush();
    expect(alice.refusals).toHaveLength(8);
    expect((await bob.request('feed.v1.next.bob')).data).toBe('for feed.v1.next.bob');
    expect(town.asked.slice(before).map(({ subject }) => subject)).toEqual(['feed.v1.next.bob']);
    expect(stolen.flatMap(({ messages }) => messages)).toEqual([]);
  },
);

test('authz finds the connections at every server and ends one at a server that it is not connected to', async () => {
  using authz = await town.connectUser(2, 'authz-callout');
  using alice = await town.connectSubscriber(0, 'alice');
  using bob = await town.connectSubscriber(1, 'bob');
  const found = (await listConnections(authz)).flatMap(({ server, data }) =>
    data.connections.map((connection) => ({ ...connection, server })),
  );
  const [connection, ...more] = found.filter(({ authorized_user: user }) => user === 'alice/test');
  expect(more).toEqual([]);
  expect(connection?.server.name).toBe('nats-1');
  expect(found.filter(({ authorized_user: user }) => user === 'bob/test')).toHaveLength(1);
  // As a request: a server does not act on one that wants no answer.
  await authz.request(
    `$SYS.REQ.SERVER.${connection?.server.id}.KICK`,
    JSON.stringify({ cid: connection?.cid }),
  );
  await alice.untilEnded();
  expect((await bob.request('feed.v1.next.bob')).data).toBe('for feed.v1.next.bob');
});

test('only the system account hears of servers, and no user of the clients’ account reaches the platform’s', async () => {
  using gateway = await town.connectUser(0, 'fanout-gateway-clients');
  gateway.publish('$SYS.REQ.SERVER.PING.CONNZ', '', '_INBOX_fanout-gateway-clients.x');
  gateway.publish(`$JS.API.STREAM.INFO.${EVENTS_STREAM}`, '', '_INBOX_fanout-gateway-clients.x');
  await gateway.flush();
  expect(gateway.refusals).toHaveLength(2);
  // What the platform's gateway may ask is heard in its own account only.
  using platform = await town.connectUser(1, 'fanout-gateway');
  const before = town.asked.length;
  platform.publish('feed.v1.next.alice', '{}', '_INBOX_fanout-gateway.x');
  await platform.flush();
  expect(platform.refusals).toHaveLength(1);
  expect(town.asked.length).toBe(before);
});

test('subscribers go on when a server dies that has neither them nor the gateway', async () => {
  using alice = await town.connectSubscriber(0, 'alice');
  await alice.request('feed.v1.next.alice');
  await town.cluster.kill(2);
  expect((await alice.request('feed.v1.next.alice')).data).toBe('for feed.v1.next.alice');
  // The callout died with its server: nobody new is let in, those who are there stay.
  await expect(town.connectSubscriber(0, 'bob')).rejects.toThrow(/Authorization/);
  expect((await alice.request('feed.v1.next.alice')).data).toBe('for feed.v1.next.alice');
  await town.cluster.restart(2);
  await town.cluster.untilReady();
});
