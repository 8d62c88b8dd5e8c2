import { NOTIFIER_CLIENT_USER, formatClientSubject, notifierInbox } from '@tidewire/contract';
import type { SubscriberAddress } from '@tidewire/contract';
import { connectBus, openFeedSource, silentLogger } from '@tidewire/messaging';
import type { FeedMessage, FeedSource, FeedStream } from '@tidewire/messaging';
import { systemClock } from '@tidewire/service-kit';
import { NatsSocket, waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from '../../test/world.ts';

const topics = ['register/zaken'];
const alice: SubscriberAddress = { principal: 'alice', credential: null };
const bob: SubscriberAddress = { principal: 'bob', credential: null };
const streaming = { topics, expires: 60_000, window: 1 };

let world: World;
let closes: (() => Promise<void>)[];
beforeEach(async () => {
  world = await World.start();
  closes = [];
});
afterEach(async () => {
  for (const close of closes) await close();
  await world[Symbol.asyncDispose]();
});

async function notifier(): Promise<FeedSource> {
  const url = world.platform.nats.urlFor(NOTIFIER_CLIENT_USER);
  const bus = await connectBus({ url, user: NOTIFIER_CLIENT_USER, logger: silentLogger });
  closes.push(() => bus.close());
  return openFeedSource(bus, { clock: systemClock });
}

/** A bare connection, to do what no client of ours does. */
async function socketOf(user: string, inbox: string): Promise<NatsSocket> {
  const { password } = world.platform.nats.credentialsFor(user);
  const socket = await NatsSocket.connect({ port: world.platform.nats.port, user, password, inbox });
  closes.push(async () => socket[Symbol.dispose]());
  return socket;
}

async function nextOf<Kind extends FeedMessage['kind']>(
  stream: FeedStream,
  kind: Kind,
): Promise<Extract<FeedMessage, { kind: Kind }>> {
  for (;;) {
    const message = await stream.next();
    if (message.kind === kind) return message as Extract<FeedMessage, { kind: Kind }>;
    if (message.kind === 'lost' || message.kind === 'refused' || message.kind === 'end') {
      throw new Error(`${message.kind} in place of ${kind}: ${JSON.stringify(message)}`);
    }
  }
}

test('the notifier is told the feed of anybody, each as that one may see it, one event at a time', async () => {
  await world.platform.change(world.policy, {
    authorization: { read: ['authenticated'] },
    properties: { geheim: { read: ['behandelaars'] } },
  });
  await world.gateway();
  const source = await notifier();
  const streams = [source.open(alice, streaming), source.open(bob, streaming)] as const;
  for (const stream of streams) await nextOf(stream, 'subscribed');
  // Asking again answers what came first; only then is there another one.
  const first = streams.map((stream) => nextOf(stream, 'event'));
  await world.platform.created(world.row({ titel: 'lantaarn', geheim: 'sleutel' }));
  await world.platform.created(world.row({ titel: 'stoep' }));
  const [whole, trimmed] = (await Promise.all(first)).map(({ event }) => event.data.object);
  expect(whole).toMatchObject({ geheim: 'sleutel' });
  expect(trimmed).toMatchObject({ titel: 'lantaarn' });
  expect(JSON.stringify(trimmed)).not.toContain('sleutel');
  const second = await nextOf(streams[0], 'event');
  expect(second.event.data.object).toMatchObject({ titel: 'stoep' });
});

test('what waits for the answer of the notifier when a right is lost is not told', async () => {
  const gateway = await world.gateway();
  const stream = (await notifier()).open(bob, streaming);
  await nextOf(stream, 'subscribed');
  const told = nextOf(stream, 'event');
  await world.platform.created(world.row({ titel: 'eerst' }));
  const { event } = await told;
  // The next one waits in the gateway until this one was delivered.
  await world.platform.created(world.row({ titel: 'wacht' }));
  await waitFor(async () => (await gateway.metric('deliveries_total')) === 2, { what: 'it waits' });
  await world.platform.change(world.policy, { authorization: { read: ['behandelaars'] } });
  const after = await stream.next();
  expect(after).toMatchObject({ kind: 'end', end: { reconnect: true, lastEventId: event.id } });
});

test('an inbox of the notifier counts for the subscriber that it names alone', async () => {
  const gateway = await world.gateway();
  const heard: string[] = [];
  const listener = await socketOf(NOTIFIER_CLIENT_USER, `_INBOX_${NOTIFIER_CLIENT_USER}`);
  listener.handle(`_INBOX_${NOTIFIER_CLIENT_USER}.>`, '', ({ subject }) => void heard.push(subject));
  await listener.flush();
  const thief = await world.subscriber(world.bob);
  const foreign = [
    `${notifierInbox(alice)}.x.y`,
    notifierInbox(bob),
    `_INBOX_${NOTIFIER_CLIENT_USER}.x`,
    `_INBOX_${NOTIFIER_CLIENT_USER}.bob-by.x`,
    `_INBOX_fanout-gateway-clients.bob.x`,
  ];
  for (const reply of foreign) {
    thief.connection.publish(thief.subject('feed'), JSON.stringify({ topics }), { reply });
  }
  await thief.ask('feed', { topics });
  expect(heard).toEqual([]);
  expect(await gateway.metric('foreign_inboxes_total')).toBe(foreign.length);
});

test('only feeds are told to the notifier, and no subscriber can listen where it does', async () => {
  const gateway = await world.gateway();
  const asking = await world.subscriber(world.bob);
  const reply = `${notifierInbox(bob)}.x.y`;
  for (const kind of ['topics', 'explain'] as const) {
    asking.connection.publish(asking.subject(kind), '{}', { reply });
  }
  await asking.ask('topics', {});
  expect(await gateway.metric('foreign_inboxes_total')).toBe(2);
  const socket = await socketOf('bob', '_INBOX.bob');
  for (const subject of [reply, `${notifierInbox(bob)}.>`, `_INBOX_${NOTIFIER_CLIENT_USER}.>`, '_INBOX_>']) {
    socket.subscribe(subject);
  }
  await socket.flush();
  expect(socket.refusals).toHaveLength(4);
});

test('the notifier may ask for feeds and nothing else, and listens to no inbox but its own', async () => {
  const socket = await socketOf(NOTIFIER_CLIENT_USER, `_INBOX_${NOTIFIER_CLIENT_USER}`);
  const inbox = `${notifierInbox(bob)}.x.y`;
  for (const kind of ['list', 'get', 'topics', 'explain'] as const) {
    socket.publish(formatClientSubject(kind, bob), '{}', inbox);
  }
  for (const subject of ['_INBOX.bob.x', inbox, '$SRV.PING']) socket.publish(subject, '{}', inbox);
  for (const subject of ['>', '_INBOX.>', '_INBOX.bob.>', 'feed.v1.next.*', 'feed.v1.ack.>']) {
    socket.subscribe(subject);
  }
  await socket.flush();
  expect(socket.refusals).toHaveLength(12);
});

test("webhooks take nobody's place among the connections, and are bounded by themselves", async () => {
  const gateway = await world.gateway({ TIDEWIRE_MAX_CONNECTIONS_PER_USER: '1' });
  const source = await notifier();
  const own = await world.subscriber(world.bob);
  const feed = await own.feed({ topics, expires: 60_000 });
  await feed.until(({ messages }) => messages.length > 0, 'the own stream');
  const streams: FeedStream[] = [];
  // As many as there can be, four at a time: requests of one principal are bounded, too.
  for (let round = 0; round < 25; round += 1) {
    const opened = Array.from({ length: 4 }, () => source.open(bob, streaming));
    await Promise.all(opened.map((stream) => nextOf(stream, 'subscribed')));
    streams.push(...opened);
  }
  expect(await source.open(bob, streaming).next()).toMatchObject({
    kind: 'refused',
    error: { code: 'TOO_MANY_CONNECTIONS' },
  });
  await nextOf(source.open(alice, streaming), 'subscribed');
  expect(await gateway.metric('feeds')).toBe(102);
  for (const stream of streams) stream.stop();
  await waitFor(async () => (await gateway.metric('feeds')) === 2, {
    what: 'those that were stopped are over',
  });
  await nextOf(source.open(bob, streaming), 'subscribed');
});

test('the streams of a notifier that is not there any more make room for those of the next one', async () => {
  await world.gateway();
  const first = await notifier();
  for (let round = 0; round < 25; round += 1) {
    const opened = Array.from({ length: 4 }, () => first.open(bob, { ...streaming, heartbeat: 60_000 }));
    await Promise.all(opened.map((stream) => nextOf(stream, 'subscribed')));
    // The first message is answered by asking for the second one.
    for (const stream of opened) void stream.next();
  }
  for (const close of closes.splice(0)) await close();
  await nextOf((await notifier()).open(bob, streaming), 'subscribed');
});

test('a stream that its notifier has forgotten is stopped by the first thing it tells', async () => {
  const gateway = await world.gateway();
  const heard: string[] = [];
  const listener = await socketOf(NOTIFIER_CLIENT_USER, `_INBOX_${NOTIFIER_CLIENT_USER}`);
  listener.handle(`_INBOX_${NOTIFIER_CLIENT_USER}.>`, '', ({ data }) => void heard.push(data));
  await listener.flush();
  const stream = (await notifier()).open(bob, streaming);
  // Before its first message has come: nothing can be said to the gateway yet.
  stream.stop();
  await waitFor(() => heard.some((text) => text.includes('"subscribed"')), { what: 'it has begun' });
  await waitFor(async () => (await gateway.metric('feeds')) === 0, { what: 'it is over' });
  expect(await stream.next()).toEqual({ kind: 'lost' });
});
