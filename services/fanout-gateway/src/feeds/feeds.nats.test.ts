import { FEED_CONTENT_TYPES } from '@tidewire/contract';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from '../../test/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.start();
});
afterEach(() => world[Symbol.asyncDispose]());

const topics = ['register/zaken'];

test('a stream tells its place first, then each event as a CloudEvent in structured mode', async () => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  const feed = await alice.feed({ topics, expires: 60_000 });
  const [begin] = await feed.until(({ messages }) => messages.length > 0 && messages, 'the first message');
  expect(begin).toMatchObject({
    contentType: FEED_CONTENT_TYPES.message,
    body: { type: 'subscribed', topics, eventId: world.platform.position },
  });
  const row = await world.platform.created(world.row({ titel: 'lantaarn' }));
  const [event] = await feed.until(({ events }) => events.length > 0 && events, 'the event');
  expect(event).toMatchObject({
    specversion: '1.0',
    id: world.platform.position,
    subject: row.uuid,
    data: { object: { titel: 'lantaarn' } },
  });
  expect(feed.messages.at(-1)?.contentType).toBe(FEED_CONTENT_TYPES.event);
});

test('without `expires` it is one answer with what happened after the cursor, and the next one goes on there', async () => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  const cursor = world.platform.position;
  await world.platform.created(world.row({ titel: 'een' }));
  await world.platform.created(world.row({ titel: 'twee' }));
  const first = await alice.ask('feed', { topics, cursor, max: 1 });
  expect(first.contentType).toBe(FEED_CONTENT_TYPES.message);
  expect(first.body).toMatchObject({ events: [{ data: { object: { titel: 'een' } } }], more: true });
  const second = await alice.ask('feed', { topics, cursor: first.body.lastEventId });
  expect(second.body).toMatchObject({ events: [{ data: { object: { titel: 'twee' } } }], more: false });
  const third = await alice.ask('feed', { topics, cursor: second.body.lastEventId });
  expect(third.body).toMatchObject({ events: [], more: false });
});

test('a cursor of Server-Sent Events is good here, and the other way round, at another gateway', async () => {
  const [one, two] = [await world.gateway(), await world.gateway()];
  const alice = await world.subscriber(world.alice);
  const stream = await one.subscribe(world.secret(world.alice), 'topic=register/zaken');
  await world.platform.created(world.row({ titel: 'een' }));
  const [seen] = await stream.until(1);
  await world.platform.created(world.row({ titel: 'twee' }));
  const feed = await alice.feed({ topics, cursor: seen?.id ?? '', expires: 60_000 });
  const [event] = await feed.until(({ events }) => events.length > 0 && events, 'the event');
  expect(event?.data).toMatchObject({ object: { titel: 'twee' } });
  await world.platform.created(world.row({ titel: 'drie' }));
  const again = await two.subscribe(
    world.secret(world.alice),
    `topic=register/zaken&lastEventId=${event?.id}`,
  );
  const [third] = await again.until(1);
  expect(third?.data.data).toMatchObject({ object: { titel: 'drie' } });
});

test('ends after as many events as were asked for, and when the time is over, with a cursor to go on from', async () => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  const two = await alice.feed({ topics, max: 2, expires: 60_000 });
  await two.until(({ messages }) => messages.length > 0, 'the begin');
  const short = await alice.feed({ topics, expires: 300 });
  for (let n = 0; n < 3; n += 1) await world.platform.created(world.row({ bedrag: n }));
  const end = await two.until((feed) => feed.end, 'the end');
  expect(two.events.map(({ data }) => data.object?.['bedrag'])).toEqual([0, 1]);
  expect(end.body).toMatchObject({ reconnect: true, lastEventId: two.events[1]?.id });
  const over = await short.until((feed) => feed.end, 'the end of the time');
  expect(over.body).not.toHaveProperty('code');
  const rest = await alice.ask('feed', { topics, cursor: end.body.lastEventId });
  expect(rest.body.events).toHaveLength(1);
});

test('a table is told in its own messages, with its own filter', async () => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  const feed = await alice.feed({ tables: ['zaken-meldingen'], filter: 'status:eq:open', expires: 60_000 });
  await feed.until(({ messages }) => messages.length > 0, 'the begin');
  await world.platform.created(world.row({ status: 'dicht' }));
  await world.platform.created(world.row({ status: 'open' }));
  const change = await feed.until((all) => all.ofType('change')[0], 'the change');
  expect(change).toMatchObject({
    contentType: FEED_CONTENT_TYPES.message,
    body: { type: 'change', record: { fields: { status: 'open' } } },
  });
  expect(feed.ofType('change')).toHaveLength(1);
});

test('no more is sent than the window holds, until it is answered; then the rest follows in order', async () => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  const feed = await alice.feed({ topics, window: 4, expires: 60_000 }, { answer: () => undefined });
  const other = await alice.feed({ topics, expires: 60_000 });
  for (const each of [feed, other]) await each.until(({ messages }) => messages.length > 0, 'the begin');
  for (let n = 0; n < 20; n += 1) await world.platform.created(world.row({ bedrag: n }));
  await other.until(({ events }) => events.length === 20, 'all at one that answers');
  expect(feed.messages).toHaveLength(4);
  for (let answered = 0; feed.events.length < 20;) {
    const asked = feed.messages.findLast(({ reply }) => reply !== '');
    if (asked === undefined) throw new Error('nothing wants an answer');
    answered = feed.messages.length;
    feed.answer(asked);
    await feed.until(({ messages }) => messages.length > answered, 'more after an answer');
  }
  expect(feed.events.map(({ data }) => data.object?.['bedrag'])).toEqual(
    Array.from({ length: 20 }, (_, n) => n),
  );
});

test('one answer takes its place among the connections only until it was given', async () => {
  await world.gateway({ TIDEWIRE_MAX_CONNECTIONS_PER_USER: '2' });
  const alice = await world.subscriber(world.alice);
  for (let count = 0; count < 5; count += 1) {
    expect((await alice.ask('feed', { topics })).body).toMatchObject({ events: [] });
  }
});
