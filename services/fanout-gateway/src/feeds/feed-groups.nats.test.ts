import { FEED_ANSWERS, FEED_CONTENT_TYPES } from '@tidewire/contract';
import type { FeedClient, SubscriberClient } from '@tidewire/test-kit';
import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from '../../test/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.start();
});
afterEach(() => world[Symbol.asyncDispose]());

const topics = ['register/zaken'];
const work = { topics, group: 'import', expires: 60_000 };
const silent = { answer: () => undefined };

const begun = async (feed: FeedClient): Promise<FeedClient> => {
  await feed.until(({ messages }) => messages.length > 0, 'the begin');
  return feed;
};
/** The first worker: when it is told a place, the group has one. */
const lead = async (client: SubscriberClient, more: object = {}, options = {}): Promise<FeedClient> => {
  const feed = await client.feed({ ...work, heartbeat: 250, ...more }, options);
  await feed.until((all) => all.ofType('heartbeat').some(({ body }) => body.eventId), 'a place');
  return feed;
};
const numbers = (feeds: readonly FeedClient[]): number[] =>
  feeds
    .flatMap(({ events }) => events.map(({ data }) => Number(data.object?.['bedrag'])))
    .toSorted((one, other) => one - other);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const write = async (count: number, from = 0): Promise<void> => {
  for (let n = 0; n < count; n += 1) await world.platform.created(world.row({ bedrag: from + n }));
};

test('each event goes to one of the workers, whichever gateway they asked', async () => {
  await world.gateway();
  await world.gateway();
  const clients = [await world.subscriber(world.alice), await world.subscriber(world.alice)];
  const workers = [await lead(clients[0] as SubscriberClient)];
  for (let n = 0; n < 5; n += 1)
    workers.push(await begun(await (clients[n % 2] as SubscriberClient).feed(work)));
  await write(60);
  await waitFor(() => numbers(workers).length >= 60, { what: 'all are told' });
  expect(numbers(workers)).toEqual(upTo(60));
  expect(workers.filter(({ events }) => events.length > 0).length).toBeGreaterThan(1);
  expect(workers.flatMap(({ messages }) => messages).every(({ reply }) => reply !== '')).toBe(true);
});

test('an event that is given back, or not answered in time, is told again', async () => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  const refusing = await lead(alice, { ackWait: 60_000 }, silent);
  await write(1);
  await refusing.until(({ events }) => events.length === 1, 'the event');
  const given = refusing.messages.find(({ contentType }) => contentType === FEED_CONTENT_TYPES.event);
  if (given !== undefined) refusing.answer(given, FEED_ANSWERS.again);
  await refusing.until(({ events }) => events.length === 2, 'the event again');
  const slow = await begun(await alice.feed({ ...work, ackWait: 1000 }, silent));
  const second = refusing.messages.findLast(({ contentType }) => contentType === FEED_CONTENT_TYPES.event);
  if (second !== undefined) refusing.answer(second, FEED_ANSWERS.stop);
  await slow.until(({ events }) => events.length >= 2, 'the event once more, after its time');
  const ids = [...refusing.events, ...slow.events].map(({ id }) => id);
  expect(new Set(ids).size).toBe(1);
});

test('who has let the time of an event pass is given no other while somebody else is there', async () => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  const dead = await lead(alice, { ackWait: 1000 }, silent);
  const living = await begun(await alice.feed(work));
  await write(1);
  await waitFor(() => numbers([living]).length === 1, { what: 'the other one does it' });
  await write(4, 1);
  await waitFor(() => numbers([living]).length === 5, { what: 'all are done' });
  expect(numbers([dead])).toEqual([0]);
});

test("of one object only one event is in somebody's hands, and they keep their order", async () => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  const workers = [await lead(alice, {}, silent), await begun(await alice.feed(work, silent))];
  const row = await world.platform.created(world.row({ bedrag: 0 }));
  await world.platform.updated(row, { properties: { bedrag: 1 } });
  const other = await world.platform.created(world.row({ bedrag: 7 }));
  await waitFor(() => numbers(workers).length === 2, { what: 'one event of each object' });
  expect(numbers(workers)).toEqual([0, 7]);
  const holder = workers.find(({ events }) => events[0]?.subject === row.uuid);
  const [first] =
    holder?.messages.filter(({ contentType }) => contentType === FEED_CONTENT_TYPES.event) ?? [];
  if (first !== undefined) holder?.answer(first);
  await waitFor(() => numbers(workers).length === 3, { what: 'the next of that object' });
  expect(numbers(workers)).toEqual([0, 1, 7]);
  expect(other.uuid).not.toBe(row.uuid);
});

test('what is given to a worker that is not there any more goes to another one at once', async () => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  const gone = await lead(alice, { heartbeat: 60_000, ackWait: 3_600_000 });
  gone.leave();
  await write(1);
  const other = await begun(await alice.feed({ ...work, ackWait: 3_600_000 }));
  await other.until(({ events }) => events.length === 1, 'the event');
});

test('the place of a group outlives its gateway and its workers, with what was done out of order', async () => {
  const first = await world.gatewayProcess();
  const alice = await world.subscriber(world.alice);
  const worker = await lead(alice, { window: 8 }, silent);
  await write(4);
  await worker.until(({ events }) => events.length === 4, 'the events');
  const given = worker.messages.filter(({ contentType }) => contentType === FEED_CONTENT_TYPES.event);
  // The second and the fourth; the first and the third are still in its hands.
  for (const message of [given[1], given[3]]) if (message !== undefined) worker.answer(message);
  const stored = async (): Promise<string> => {
    const { body } = await alice.ask('feed', { topics });
    return String(body.lastEventId);
  };
  await stored();
  await waitFor(async () => (await world.groupState('alice', 'import'))?.done.length === 2, {
    what: 'the place is stored',
  });
  await first.kill();
  await world.gateway();
  const next = await begun(await alice.feed(work));
  await next.until(({ events }) => events.length >= 2, 'what was not done');
  await write(1, 4);
  await next.until(({ events }) => events.length >= 3, 'what follows');
  expect(numbers([next])).toEqual([0, 2, 4]);
});

test('a gateway that stops in order writes what is done before it goes', async () => {
  const gateway = await world.gateway();
  const alice = await world.subscriber(world.alice);
  const worker = await lead(alice, { window: 2 }, silent);
  await write(3);
  await worker.until(({ events }) => events.length === 2, 'the first two');
  const first = worker.messages.find(({ contentType }) => contentType === FEED_CONTENT_TYPES.event);
  if (first !== undefined) worker.answer(first);
  // The third is given out because the first is done.
  await worker.until(({ events }) => events.length === 3, 'the third');
  await gateway.service.stop();
  expect(await world.groupState('alice', 'import')).toMatchObject({ gateway: null, cursor: first?.body.id });
});

test('when the gateway that leads a group is killed, another one goes on and nothing is lost', async () => {
  const leader = await world.gatewayProcess();
  const alice = await world.subscriber(world.alice);
  const before = await lead(alice);
  await write(10);
  await before.until(({ events }) => events.length === 10, 'the first ones');
  await world.gateway();
  await leader.kill();
  await write(10, 10);
  // The killed one counts as alive for a while: a worker that asks meanwhile is told to come again.
  let after: FeedClient | undefined;
  await waitFor(
    async () => {
      after = await alice.feed(work);
      const [answer] = await after.until(({ messages }) => messages.length > 0 && messages, 'an answer');
      return answer?.body.type === 'heartbeat';
    },
    { what: 'another one leads', timeoutMs: 20_000 },
  );
  await waitFor(() => numbers(after === undefined ? [] : [after]).includes(19), {
    what: 'the last one',
  });
  const told = new Set([...numbers([before]), ...numbers(after === undefined ? [] : [after])]);
  expect([...told].toSorted((one, other) => one - other)).toEqual(upTo(20));
});

test('that an object is gone is told though the source began again before the worker knew of the object', async () => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  const worker = await lead(alice, { window: 3, ackWait: 60_000 }, silent);
  const given = (n: number) => worker.messages.find(({ body }) => body.data?.object?.bedrag === n);
  await world.platform.created(world.row({ bedrag: 0 }));
  const gone = await world.platform.created(world.row({ bedrag: 1 }));
  await world.platform.created(world.row({ bedrag: 2 }));
  await worker.until(({ events }) => events.length === 3, 'three in its hands');
  const [kept, done] = [given(0), given(1)];
  if (kept === undefined || done === undefined) throw new Error('they were given');
  worker.answer(done);
  await world.platform.created(world.row({ bedrag: 3 }));
  await worker.until(() => given(3), 'its hands are full again');
  await world.platform.deleted(gone);
  // The source begins anew before the first event, when the worker knew nothing of the object yet.
  worker.answer(kept, FEED_ANSWERS.again);
  await worker.until(
    ({ events }) => events.filter(({ data }) => data.object?.['bedrag'] === 0)[1],
    'it again',
  );
  for (const n of [2, 3]) {
    const message = given(n);
    if (message !== undefined) worker.answer(message);
  }
  await worker.until(
    ({ events }) => events.some(({ data }) => data.uuid === gone.uuid && !data.object),
    'its end',
  );
});

test('what waits for a worker when a right is lost is not given out; one of them is told to fetch again', async () => {
  await world.gateway();
  const bob = await world.subscriber(world.bob);
  const worker = await lead(bob, {}, silent);
  await world.platform.created(world.row({ titel: 'in de hand' }));
  await worker.until(({ events }) => events.length === 1, 'the first');
  await world.platform.created(world.row({ titel: 'wacht' }));
  await world.platform.change(world.policy, { authorization: { read: ['behandelaars'] } });
  const given = worker.messages.find(({ contentType }) => contentType === FEED_CONTENT_TYPES.event);
  if (given !== undefined) worker.answer(given);
  const resync = await worker.until((all) => all.ofType('resync')[0], 'the resync');
  expect(resync.reply).not.toBe('');
  worker.answer(resync);
  expect(JSON.stringify(worker.messages)).not.toContain('wacht');
});

test('a group follows the same in whatever order its members are named, and something else when it is sorted otherwise', async () => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  const table = { tables: ['zaken-meldingen'], group: 'import', expires: 60_000, sort: 'bedrag:asc' };
  const follow = {
    ...table,
    filter: [{ field: 'titel', operator: 'eq', value: 'x' }],
    fields: ['bedrag', 'titel'],
  };
  await lead(alice, { ...follow, topics: undefined });
  const other = {
    ...table,
    filter: [{ value: 'x', operator: 'eq', field: 'titel' }],
    fields: ['titel', 'bedrag'],
  };
  const [joined] = (await begun(await alice.feed(other))).messages;
  expect(joined?.body.type).toBe('heartbeat');
  expect((await alice.ask('feed', { ...other, sort: 'titel:asc' })).body).toMatchObject({ code: 'CONFLICT' });
});

test.each([
  ['a worker without a time', { ...work, expires: undefined }, 'BAD_REQUEST'],
  ['a group that follows something else', { ...work, filter: { titel: 'x' } }, 'CONFLICT'],
  ['what is not there', { ...work, topics: ['register/none'], group: 'other' }, 'NOT_FOUND'],
  ['a name that is no slug', { ...work, group: 'a.b' }, 'VALIDATION_ERROR'],
])('refuses %s', async (_what, request, code) => {
  await world.gateway();
  const alice = await world.subscriber(world.alice);
  await lead(alice);
  expect((await alice.ask('feed', request)).body).toMatchObject({ code, success: false });
});
