import { FEED_CONTENT_TYPES, FEED_LIMITS } from '@tidewire/contract';
import { LIMITED_CREDENTIAL, credentialOf, policyOf, schemaOf, waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from '../../test/world.ts';
import { parseFeedRequest } from './feed-request.ts';

let world: World;
beforeEach(async () => {
  world = await World.start();
});
afterEach(() => world[Symbol.asyncDispose]());

const topics = ['register/zaken'];

test('an event is trimmed to who subscribes, as on every transport', async () => {
  await world.platform.change(world.policy, {
    authorization: { read: ['authenticated'] },
    properties: { geheim: { read: ['behandelaars'] } },
  });
  await world.gateway();
  const [alice, bob] = [await world.subscriber(world.alice), await world.subscriber(world.bob)];
  const feeds = [await alice.feed({ topics, expires: 60_000 }), await bob.feed({ topics, expires: 60_000 })];
  for (const feed of feeds) await feed.until(({ messages }) => messages.length > 0, 'the begin');
  await world.platform.created(world.row({ titel: 'lantaarn', geheim: 'sleutel' }));
  for (const feed of feeds) await feed.until(({ events }) => events.length > 0, 'the event');
  const [whole, trimmed] = feeds.map(({ events }) => events[0]?.data.object);
  expect(whole).toMatchObject({ geheim: 'sleutel' });
  expect(trimmed).toMatchObject({ titel: 'lantaarn' });
  expect(JSON.stringify(feeds[1]?.messages)).not.toContain('sleutel');
});

test('a right that is lost narrows a running feed: it is told to fetch again, and nothing of what follows', async () => {
  await world.gateway();
  const bob = await world.subscriber(world.bob);
  const feed = await bob.feed({ topics, expires: 60_000 });
  await feed.until(({ messages }) => messages.length > 0, 'the begin');
  await world.platform.created(world.row({ titel: 'voor' }));
  await feed.until(({ events }) => events.length === 1, 'what he may see');
  await world.platform.change(world.policy, { authorization: { read: ['behandelaars'] } });
  await world.platform.created(world.row({ titel: 'daarna' }));
  const resync = await feed.until((all) => all.ofType('resync')[0], 'the resync');
  expect(resync.body).toMatchObject({ reason: 'rights-changed' });
  expect(resync.reply).not.toBe('');
  const { position } = world.platform;
  await feed.until((all) => all.ofType('heartbeat').at(-1)?.body.eventId === position, 'the place after it');
  expect(JSON.stringify(feed.messages)).not.toContain('daarna');
});

test('what waits for answers when a right is lost is not sent: the feed ends, and its cursor is good', async () => {
  const gateway = await world.gateway();
  const bob = await world.subscriber(world.bob);
  const feed = await bob.feed({ topics, window: 1, expires: 60_000 }, { answer: () => undefined });
  await feed.until(({ messages }) => messages.length > 0, 'the begin');
  await world.platform.created(world.row({ titel: 'wacht' }));
  await waitFor(async () => (await gateway.metric('deliveries_total')) === 1, { what: 'it waits' });
  await world.platform.change(world.policy, { authorization: { read: ['behandelaars'] } });
  const end = await feed.until((all) => all.end, 'the end');
  expect(end.body).toMatchObject({ reconnect: true });
  expect(JSON.stringify(feed.messages)).not.toContain('wacht');
});

test('a principal that is removed is told nothing more, and not let in again', async () => {
  await world.gateway();
  const bob = await world.subscriber(world.bob);
  const feed = await bob.feed({ topics, expires: 60_000 });
  await feed.until(({ messages }) => messages.length > 0, 'the begin');
  await world.platform.change(world.bob.principal, { removed: true });
  const end = await feed.until((all) => all.end, 'the end');
  expect(end.body).toMatchObject({ code: 'CREDENTIAL_ENDED', reconnect: false });
  const refused = await bob.ask('feed', { topics });
  expect(refused).toMatchObject({
    contentType: FEED_CONTENT_TYPES.problem,
    errorCode: '401',
    body: { code: 'UNAUTHORIZED', success: false },
  });
});

test('nothing is sent to an inbox that is not the own one, and that is logged once', async () => {
  const gateway = await world.gateway();
  const [alice, bob] = [await world.subscriber(world.alice), await world.subscriber(world.bob)];
  const heard: string[] = [];
  alice.connection.subscribe('_INBOX.alice.>', {
    callback: (_error, { subject }) => void heard.push(subject),
  });
  await alice.connection.flush();
  const foreign = ['_INBOX.alice.x1', '_INBOX.alice', 'feed.v1.next.alice', 'read.v1.list.alice', '_INBOX.>'];
  for (const reply of foreign) {
    bob.connection.publish(bob.subject('feed'), JSON.stringify({ topics, expires: 1000 }), { reply });
    bob.connection.publish(bob.subject('feed'), 'no request', { reply });
  }
  bob.connection.publish(bob.subject('feed'), JSON.stringify({ topics }));
  // Requests are taken in order: when this one was answered, the others were looked at.
  await bob.ask('feed', { topics });
  expect(heard).toEqual([]);
  await waitFor(async () => (await gateway.metric('foreign_inboxes_total')) === 11, {
    what: 'they are counted',
  });
  expect(gateway.logLines.filter((line) => line.includes('inbox'))).toHaveLength(1);
});

test("another one's answers do not move a feed", async () => {
  await world.gateway();
  const [alice, bob] = [await world.subscriber(world.alice), await world.subscriber(world.bob)];
  const feed = await alice.feed({ topics, window: 1, expires: 60_000 }, { answer: () => undefined });
  const [begin] = await feed.until(({ messages }) => messages.length > 0 && messages, 'the begin');
  const stolen = begin?.reply.replace('.alice.', '.bob.') ?? '';
  bob.connection.publish(stolen, '+STOP');
  bob.connection.publish(stolen, '');
  await bob.connection.flush();
  await world.platform.created(world.row({ titel: 'een' }));
  await bob.ask('feed', { topics });
  expect(feed.messages).toHaveLength(1);
  if (begin !== undefined) feed.answer(begin);
  await feed.until(({ events }) => events.length === 1, 'what its own answer lets through');
});

test.each([
  ['what is not JSON', '{', 'VALIDATION_ERROR'],
  ['what is no object', '[]', 'VALIDATION_ERROR'],
  ['an unknown member', '{"topics":["register/zaken"],"since":1}', 'VALIDATION_ERROR'],
  ['a time beyond the longest', '{"topics":["register/zaken"],"expires":300001}', 'VALIDATION_ERROR'],
  ['neither topics nor tables', '{}', 'BAD_REQUEST'],
  ['both', '{"topics":["register/zaken"],"tables":["zaken-meldingen"]}', 'BAD_REQUEST'],
  ['a malformed topic', '{"topics":["zaken"]}', 'MALFORMED_TOPIC'],
  ['an absent register', '{"topics":["register/none"]}', 'NOT_FOUND'],
  [
    'a filter of a field that is not there',
    '{"topics":["register/zaken"],"filter":{"x":"1"}}',
    'UNKNOWN_FIELD',
  ],
  ['a filter of no form', '{"topics":["register/zaken"],"filter":"status=open"}', 'BAD_REQUEST'],
  ['an unknown event', '{"topics":["register/zaken"],"events":["object.eaten"]}', 'BAD_REQUEST'],
])('refuses %s, with the document that HTTP has', async (_what, text, code) => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  const reply = await alice.connection.request(alice.subject('feed'), text, { timeout: 5_000 });
  expect(reply.headers?.get('content-type')).toBe(FEED_CONTENT_TYPES.problem);
  expect(reply.json()).toMatchObject({ code, success: false });
});

test('a request beyond its size is not even read', () => {
  expect(() => parseFeedRequest(' '.repeat(FEED_LIMITS.maxRequestBytes + 1))).toThrow(
    expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }),
  );
});

test('requests that are not let in yet are bounded for a principal, however many addresses it has', async () => {
  await world.platform.set({ ...credentialOf('alice'), id: LIMITED_CREDENTIAL, scopes: { topics } });
  await world.gateway();
  const clients = [
    await world.subscriber(world.alice),
    await world.subscriber(world.alice, LIMITED_CREDENTIAL),
  ];
  const { promise: admitted, resolve: letIn } = Promise.withResolvers<void>();
  world.platform.beforePrincipal = () => admitted;
  let refused = 0;
  const answers = clients.flatMap((client) =>
    Array.from({ length: 20 }, async () => {
      const { body } = await client.ask('feed', { topics });
      if (body.code === 'RATE_LIMITED') refused += 1;
    }),
  );
  // 32 wait for authz; of the others nobody has to wait for anything.
  await waitFor(() => refused === 8, { what: 'the others are refused' });
  letIn();
  await Promise.all(answers);
  expect(refused).toBe(8);
});

test("a subscriber's streams count among its connections, and others are not concerned", async () => {
  await world.gateway({ TIDEWIRE_MAX_CONNECTIONS_PER_USER: '2' });
  const [alice, bob] = [await world.subscriber(world.alice), await world.subscriber(world.bob)];
  const first = await alice.feed({ topics, expires: 60_000 });
  const second = await alice.feed({ topics, expires: 60_000 });
  for (const each of [first, second]) await each.until(({ messages }) => messages.length > 0, 'the begin');
  expect((await alice.ask('feed', { topics, expires: 60_000 })).body).toMatchObject({
    code: 'TOO_MANY_CONNECTIONS',
  });
  expect((await bob.ask('feed', { topics })).body).toMatchObject({ events: [] });
  const [begin] = first.messages;
  if (begin !== undefined) first.answer(begin, '+STOP');
  await first.until((all) => all.end, 'the end that was asked for');
  expect((await alice.ask('feed', { topics })).body).toMatchObject({ events: [] });
});

test('who goes without a word is noticed by the next message, and leaves no place taken', async () => {
  const gateway = await world.gateway({ TIDEWIRE_MAX_CONNECTIONS_PER_USER: '2' });
  const alice = await world.subscriber(world.alice);
  for (const _ of [1, 2]) {
    const feed = await alice.feed({ topics, expires: 60_000, heartbeat: 60_000 });
    await feed.until(({ messages }) => messages.length > 0, 'the begin');
    feed.leave();
  }
  const third = await alice.feed({ topics, expires: 60_000, heartbeat: 60_000 });
  await third.until((all) => all.ofType('subscribed')[0], 'a place in their stead');
  expect(await gateway.metric('feeds')).toBe(1);
  third.leave();
  await alice.connection.flush();
  await world.platform.created(world.row({ titel: 'for nobody' }));
  await waitFor(async () => (await gateway.metric('feeds')) === 0, { what: 'the event reached nobody' });
});

test('a credential with scopes has its own address, is told no more than its scopes, and ends with it', async () => {
  const other = schemaOf(world.register, 'klachten');
  const limited = {
    ...credentialOf('alice'),
    id: LIMITED_CREDENTIAL,
    scopes: { topics: ['register/zaken/schema/klachten'] },
  };
  await world.platform.set(other, policyOf('schema', other.id, {}), limited);
  await world.gateway();
  const alice = await world.subscriber(world.alice, LIMITED_CREDENTIAL);
  const feed = await alice.feed({ topics, expires: 60_000 });
  await feed.until(({ messages }) => messages.length > 0, 'the begin');
  await world.platform.created(world.row({ titel: 'melding' }));
  await world.platform.created(
    world.row({ titel: 'klacht' }, { schema: { id: other.id, slug: other.slug } }),
  );
  await feed.until(({ events }) => events.length > 0, 'the event');
  expect(feed.events.map(({ data }) => data.object?.['titel'])).toEqual(['klacht']);
  await world.platform.change(limited, { endedAt: '2026-01-01T00:00:00.000Z' });
  expect((await feed.until((all) => all.end, 'the end')).body).toMatchObject({ code: 'CREDENTIAL_ENDED' });
  expect((await alice.ask('feed', { topics })).body).toMatchObject({ code: 'UNAUTHORIZED' });
});
