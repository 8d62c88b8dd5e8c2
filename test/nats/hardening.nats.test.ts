import { SUBSCRIBER_LIMITS } from '@tidewire/contract';
import { NATS_MAX_PAYLOAD_BYTES } from '@tidewire/local';
import type { NatsSocket } from '@tidewire/test-kit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startShippedTown } from './shipped-town.ts';
import type { ShippedTown } from './shipped-town.ts';

/** What deploy/nats/nats-server.conf, as it is shipped, refuses; after each attack somebody else goes on as before. */
let town: ShippedTown;
let bob: NatsSocket;
let alice: NatsSocket;

beforeAll(async () => {
  town = await startShippedTown();
  bob = await town.connectSubscriber('bob');
});
afterAll(() => town[Symbol.asyncDispose]());

beforeEach(async () => {
  alice = await town.connectSubscriber('alice');
});
afterEach(async () => {
  alice[Symbol.dispose]();
  await expectBobUnaffected();
});

async function expectBobUnaffected(): Promise<void> {
  expect((await bob.request('feed.v1.next.bob')).data).toBe('for feed.v1.next.bob');
  expect(bob.refusals).toEqual([]);
  expect(bob.ended).toBeUndefined();
}

test.each([
  ['a request in the name of somebody else', 'feed.v1.next.bob'],
  ['a question in the name of somebody else', 'read.v1.list.bob'],
  ['a request in the name of a token of its own that has less rights', 'feed.v1.next.alice=x'],
  ['a request in nobody’s name', 'feed.v1.next'],
  ['an answer to what somebody else was told', 'feed.v1.ack.bob.gateway-1.x'],
  ['an event into the log', 'events.none.hr.people.x.created'],
  ['a change of rights into the log', 'authz.policy.x'],
  ['a change of the catalogue into the log', 'catalogue.schema.x'],
  ['a value into a bucket', '$KV.PRESENCE.x'],
  ['a beat of the relay', 'relay.v1.beat'],
  ['a poke of the relay', 'relay.v1.poke'],
  ['a credential to be authenticated', 'authz.v1.authenticate'],
  ['a rule to be set', 'authz.v1.set-policy'],
  ['a question about connections', 'gateway.v1.connections'],
  ['a worker for a group of somebody else', 'gateway.v1.feed-group.gateway-1'],
  ['who is on a page', 'presence.v1.x'],
  ['a question about streams', '$JS.API.INFO'],
  ['a question about the log', '$JS.API.STREAM.INFO.EVENTS'],
  ['a message of the log', '$JS.API.STREAM.MSG.GET.EVENTS'],
  ['a message of the log, from a replica', '$JS.API.DIRECT.GET.EVENTS'],
  ['a consumer', '$JS.API.CONSUMER.CREATE.EVENTS.mine'],
  ['a consumer with a filter', '$JS.API.CONSUMER.CREATE.EVENTS.mine.events.>'],
  ['a consumer that lasts', '$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.mine'],
  ['the next message of a consumer', '$JS.API.CONSUMER.MSG.NEXT.EVENTS.mine'],
  ['an acknowledgement of a consumer', '$JS.ACK.EVENTS.mine.1.1.1.1.0'],
  ['a stream of its own', '$JS.API.STREAM.CREATE.MINE'],
  ['the end of the log', '$JS.API.STREAM.DELETE.EVENTS'],
  ['a question about itself to the system', '$SYS.REQ.USER.INFO'],
  ['a question about the account to the system', '$SYS.REQ.ACCOUNT.PING.CONNZ'],
  ['a question about all servers to the system', '$SYS.REQ.SERVER.PING.CONNZ'],
  ['the end of a connection', '$SYS.REQ.SERVER.x.KICK'],
  ['a question of its own to the callout', '$SYS.REQ.USER.AUTH'],
  ['a question about the load of services', '$SRV.STATS'],
  ['something into the inbox of somebody else', '_INBOX.bob.x'],
  ['something into its own inbox', '_INBOX.alice.x'],
  ['something into the inbox of a service', '_INBOX_fanout-gateway-clients.x'],
])('a subscriber cannot send %s', async (_what, subject) => {
  const before = town.asked.length;
  alice.publish(subject, '{}', '_INBOX.alice.answer');
  await alice.flush();
  expect(alice.refusals).toEqual([`Permissions Violation for Publish to "${subject}"`]);
  expect(town.asked.length).toBe(before);
});

test.each([
  ['everything', '>'],
  ['everything of some depth', '*.*.*'],
  ['every inbox', '_INBOX.>'],
  ['every inbox, one by one', '_INBOX.*.>'],
  ['the inbox of somebody else', '_INBOX.bob.>'],
  ['one inbox of somebody else', '_INBOX.bob.1'],
  ['the inbox of a service', '_INBOX_fanout-gateway-clients.>'],
  ['the requests of everybody', 'feed.v1.next.*'],
  ['the requests of somebody else', 'feed.v1.next.bob'],
  ['its own requests, which are for gateways', 'feed.v1.next.alice'],
  ['the answers of everybody', 'feed.v1.ack.>'],
  ['the questions of everybody', 'read.v1.>'],
  ['the log', 'events.>'],
  ['changes of rights', 'authz.>'],
  ['changes of the catalogue', 'catalogue.>'],
  ['the buckets', '$KV.>'],
  ['beats of the relay', 'relay.v1.>'],
  ['what gateways tell each other', 'gateway.v1.>'],
  ['who is on a page', 'presence.v1.*'],
  ['the API of streams', '$JS.>'],
  ['the system', '$SYS.>'],
  ['questions to services', '$SRV.>'],
])('a subscriber cannot listen to %s', async (_what, subject) => {
  const stolen = alice.subscribe(subject);
  await alice.flush();
  expect(alice.refusals).toEqual([`Permissions Violation for Subscription to "${subject}"`]);
  await bob.request('feed.v1.next.bob');
  await alice.flush();
  expect(stolen.messages).toEqual([]);
});

test('a subscriber cannot take requests of others by joining the gateways’ queue group, at its own name or at all', async () => {
  const stolen = ['feed.v1.next.*', 'feed.v1.next.bob', '>'].map((subject) =>
    alice.subscribe(subject, 'fanout-gateway.v1'),
  );
  await alice.flush();
  expect(alice.refusals).toHaveLength(3);
  for (const refusal of alice.refusals)
    expect(refusal).toMatch(
      /^Permissions Violation for Subscription to ".+" using queue "fanout-gateway\.v1"$/,
    );
  for (let request = 0; request < 20; request += 1) await bob.request('feed.v1.next.bob');
  expect(stolen.flatMap(({ messages }) => messages)).toEqual([]);
});

test('an answer that is asked into the inbox of somebody else is given to nobody', async () => {
  const heard = bob.subscribe('_INBOX.bob.planted');
  await bob.flush();
  // NATS lets a client name any reply subject: whoever answers has to look.
  alice.publish('feed.v1.next.alice', '{}', '_INBOX.bob.planted');
  await alice.flush();
  expect(alice.refusals).toEqual([]);
  expect((await alice.request('feed.v1.next.alice')).data).toBe('for feed.v1.next.alice');
  expect(heard.messages).toEqual([]);
});

test('a message above the limit ends the connection of who sent it, before it reaches anybody', async () => {
  const before = town.asked.length;
  // The line that announces it is enough.
  alice.write(`PUB feed.v1.next.alice _INBOX.alice.x ${NATS_MAX_PAYLOAD_BYTES + 1}\r\n`);
  expect(await alice.untilEnded()).toMatch(/maximum payload violation/i);
  expect(town.asked.length).toBe(before);
});

test('subscriptions above the limit are refused', async () => {
  for (let index = 0; index < SUBSCRIBER_LIMITS.subscriptions; index += 1)
    alice.subscribe(`_INBOX.alice.${index}`);
  await alice.flush();
  expect(alice.refusals).toEqual([]);
  alice.subscribe('_INBOX.alice.one-more');
  await alice.flush();
  expect(alice.refusals).toEqual(['maximum subscriptions exceeded']);
});

test('a line above the limit ends the connection of who sent it', async () => {
  alice.subscribe(`_INBOX.alice.${'x'.repeat(20_000)}`);
  expect(await alice.untilEnded()).toMatch(/maximum control line exceeded/i);
});

test.each([
  ['a token that nobody has', { token: 'token-of-nobody' }],
  ['no token at all', {}],
  ['an empty token', { token: '' }],
  ['a token of many kilobytes', { token: 'x'.repeat(3000) }],
  ['a service’s name without its password', { user: 'relay' }],
  ['a service’s name with another password', { user: 'relay', password: 'x' }],
  [
    'a service’s name with a subscriber’s token for a password',
    { user: 'relay', password: 'token-of-alice' },
  ],
  ['the callout’s name with a subscriber’s token', { user: 'authz-callout', token: 'token-of-alice' }],
  ['an account’s name', { user: 'CLIENTS', password: 'CLIENTS' }],
  ['a JWT of its own making', { jwt: 'eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.e30.x' }],
])('nobody is let in with %s', async (_what, credentials) => {
  await expect(town.connect(credentials)).rejects.toThrow(/Authorization Violation/);
});

test('a flood of connections with unknown tokens lets nobody in and keeps nobody out', async () => {
  const flood = Array.from({ length: 200 }, (_, index) => town.connect({ token: `guess-${index}` }));
  const friend = town.connectSubscriber('bob');
  const outcomes = await Promise.allSettled(flood);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toEqual([]);
  using bobAgain = await friend;
  expect((await bobAgain.request('feed.v1.next.bob')).data).toBe('for feed.v1.next.bob');
});

test('a connection that says anew who it is, and is not believed, ends', async () => {
  const before = town.asked.length;
  alice.write('CONNECT {"auth_token":"token-of-nobody"}\r\n');
  alice.publish('feed.v1.next.alice', '{}', '_INBOX.alice.x');
  expect(await alice.untilEnded()).toMatch(/Authorization Violation/);
  expect(town.asked.length).toBe(before);
});

test.each(['fanout-gateway-clients', 'records-clients'])(
  'the user %s, who answers subscribers, reaches neither the log nor the system',
  async (user) => {
    using service = await town.connectUser(user);
    for (const subject of [
      'events.none.hr.people.x.created',
      '$JS.API.STREAM.INFO.EVENTS',
      '$SYS.REQ.SERVER.PING.CONNZ',
    ])
      service.publish(subject, '{}', `_INBOX_${user}.x`);
    for (const subject of ['>', 'events.>', '_INBOX.>', '$SYS.>']) service.subscribe(subject);
    await service.flush();
    expect(service.refusals).toHaveLength(7);
  },
);

test('the user who decides about connections may do nothing else in the system', async () => {
  using callout = await town.connectUser('authz-callout');
  for (const subject of [
    '$SYS.REQ.SERVER.PING.VARZ',
    '$SYS.REQ.ACCOUNT.CLIENTS.CLAIMS.UPDATE',
    '$SYS.REQ.SERVER.x.RELOAD',
  ])
    callout.publish(subject, '{}', '_INBOX_authz-callout.x');
  for (const subject of ['>', '$SYS.>', '$SYS.ACCOUNT.*.CONNECT', '_INBOX.>']) callout.subscribe(subject);
  await callout.flush();
  expect(callout.refusals).toHaveLength(7);
});
