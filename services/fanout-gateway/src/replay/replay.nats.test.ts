import { formatEventId } from '@tidewire/contract';
import { policyOf, register, schemaOf, waitFor } from '@tidewire/test-kit';
import type { Row } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from '../../test/world.ts';

const TOPIC = 'topic=register/zaken/schema/meldingen';

let world: World;
let alice: string;

beforeEach(async () => {
  world = await World.start();
  alice = world.secret(world.alice);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

const titles = (events: readonly { data: { data: { object?: { titel?: string } } } }[]): unknown[] =>
  events.map(({ data }) => data.data.object?.titel);

async function write(...names: readonly string[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const titel of names) rows.push(await world.platform.created(world.row({ titel })));
  return rows;
}

test('a cursor from one gateway is good at another, and nothing comes twice', async () => {
  const [one, two] = [await world.gateway(), await world.gateway()];
  using first = await one.subscribe(alice, TOPIC);
  await write('a', 'b');
  await first.until(2);
  first[Symbol.dispose]();
  await write('c', 'd');
  using second = await two.subscribe(alice, `${TOPIC}&lastEventId=${first.events[0]?.id ?? ''}`);
  await second.until(3);
  await write('e');
  expect(titles(await second.until(4))).toEqual(['b', 'c', 'd', 'e']);
});

test('the header beats the query, which an automatic reconnect repeats', async () => {
  const gateway = await world.gateway();
  const start = world.platform.position;
  await write('a', 'b', 'c');
  const newest = world.platform.id(world.platform.last - 1);
  using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${start}`, {
    'last-event-id': newest,
  });
  expect(titles(await stream.until(1))).toEqual(['c']);
});

test.each([
  ['malformed', (): string => 'evt-123'],
  ['epoch', (): string => formatEventId({ epoch: '00000001', sequence: 5 })],
  ['ahead', (): string => world.platform.id(world.platform.last + 1)],
] as const)('a cursor that is %s gets one resync and then what follows', async (reason, cursor) => {
  const gateway = await world.gateway();
  using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${encodeURIComponent(cursor())}`);
  const resync = await stream.untilNamed('resync');
  expect(resync.data).toMatchObject({ reason, current: world.platform.position });
  expect(resync.id).toBe(world.platform.position);
  await write('a');
  expect((await stream.until(2)).map(({ event }) => event)).toEqual(['resync', 'object.created']);
});

test('a cursor of events that are gone from the log gets a resync', async () => {
  const gateway = await world.gateway({ TIDEWIRE_REPLAY_RING_EVENTS: '1' });
  const old = world.platform.position;
  await write('a', 'b', 'c', 'd');
  await world.platform.forget(2);
  using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${old}`);
  expect((await stream.untilNamed('resync')).data).toMatchObject({ reason: 'expired' });
});

test('the position of the newest event is neither ahead nor old, on a gateway that is still behind it', async () => {
  const gateway = await world.gateway();
  for (let round = 0; round < 20; round += 1) {
    const [row] = await write(`${round}`);
    using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${world.platform.position}`);
    await write(`${round} live`);
    expect(titles(await stream.until(1))).toEqual([`${round} live`]);
    expect(row).toBeDefined();
  }
});

test('what the ring has forgotten is read from the log', async () => {
  const gateway = await world.gateway({ TIDEWIRE_REPLAY_RING_EVENTS: '3' });
  const cursor = world.platform.position;
  const names = Array.from({ length: 40 }, (_, index) => `r${index}`);
  await write(...names);
  using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${cursor}`);
  expect(titles(await stream.until(40))).toEqual(names);
  await write('live');
  expect(titles(await stream.until(41)).at(-1)).toBe('live');
});

test.each([1000, 5])(
  'joins at random places under constant publishing miss nothing and get nothing twice (ring of %i)',
  { timeout: 60_000 },
  async (ring) => {
    const gateways = await Promise.all([
      world.gateway({ TIDEWIRE_REPLAY_RING_EVENTS: String(ring), TIDEWIRE_MAX_CONNECTIONS_PER_USER: '100' }),
      world.gateway({ TIDEWIRE_REPLAY_RING_EVENTS: String(ring), TIDEWIRE_MAX_CONNECTIONS_PER_USER: '100' }),
    ]);
    const base = world.platform.last;
    const publishing = new AbortController();
    const publisher = (async () => {
      while (!publishing.signal.aborted) await write('x');
      return world.platform.last;
    })();
    await waitFor(() => world.platform.last > base + 100, { what: 'a hundred events are written' });
    const joins = [];
    for (let index = 0; index < 60; index += 1) {
      const from = base + Math.floor(Math.random() * (world.platform.last - base));
      const gateway = gateways[index % 2];
      if (gateway === undefined) throw new Error('no gateway');
      const stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${world.platform.id(from)}`);
      joins.push({ from, stream });
    }
    publishing.abort();
    const last = await publisher;
    for (const { from, stream } of joins) {
      const expected = Array.from({ length: last - from }, (_, index) => world.platform.id(from + index + 1));
      await waitFor(() => stream.events.length >= expected.length, {
        what: `the events after ${from} arrive`,
      });
      expect(stream.events.map(({ id }) => id)).toEqual(expected);
      stream[Symbol.dispose]();
    }
  },
);

test('an event is not repeated by an image that became confidential since', async () => {
  const gateway = await world.gateway();
  await world.platform.change(world.policy, {
    authorization: { read: [{ group: 'authenticated', match: { status: 'openbaar' } }] },
  });
  const cursor = world.platform.position;
  const created = await world.platform.created(world.row({ titel: 'SECRET-1', status: 'openbaar' }));
  const middle = world.platform.position;
  await world.platform.updated(created, { properties: { titel: 'SECRET-2', status: 'vertrouwelijk' } });
  await write('end');
  const end = await world.platform.created(world.row({ titel: 'end', status: 'openbaar' }));
  using atCursor = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${cursor}`);
  using atMiddle = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${middle}`);
  expect((await atCursor.until(1)).map(({ data }) => data.subject)).toEqual([end.uuid]);
  const events = await atMiddle.until(2);
  expect(events.map(({ event, data }) => [event, data.subject])).toEqual([
    ['object.deleted', created.uuid],
    ['object.created', end.uuid],
  ]);
  expect(events[0]?.data.data).toEqual(expect.objectContaining({ uuid: created.uuid, transition: 'left' }));
  for (const { text } of [atCursor, atMiddle]) expect(text).not.toContain('SECRET');
});

test('a deleted object is told as deleted, without any of its images, to who could see it', async () => {
  const gateway = await world.gateway();
  const row = await world.platform.created(world.row({ titel: 'SECRET' }));
  const cursor = world.platform.position;
  const next = await world.platform.updated(row, { properties: { titel: 'SECRET too' } });
  await world.platform.deleted(next);
  using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${cursor}`);
  const events = await stream.until(1);
  expect(events.map(({ event, data }) => [event, data.subject])).toEqual([['object.deleted', row.uuid]]);
  expect(stream.text).not.toContain('SECRET');
});

test.each([
  ['ring', '1000'],
  ['log', '2'],
])('rights that changed after the cursor give one resync instead of the events (%s)', async (_, ring) => {
  const gateway = await world.gateway({ TIDEWIRE_REPLAY_RING_EVENTS: ring });
  const cursor = world.platform.position;
  await write('a', 'b');
  await world.platform.change(world.policy, { authorization: { read: ['behandelaars'] } });
  const after = world.platform.position;
  await write('c', 'd', 'e');
  await waitFor(() => world.platform.last > 0, { what: 'all is written' });
  using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${cursor}`);
  expect((await stream.until(1))[0]?.data).toMatchObject({ reason: 'rights-changed' });
  using later = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${after}`);
  expect(titles(await later.until(3))).toEqual(['c', 'd', 'e']);
});

test('rights of others that changed after the cursor do not disturb the replay', async () => {
  const gateway = await world.gateway();
  const cursor = world.platform.position;
  await world.platform.change(world.bob.principal, { groups: [] });
  const other = register('ander');
  const otherSchema = schemaOf(other, 'x');
  await world.platform.set(policyOf('schema', otherSchema.id, {}), other, otherSchema);
  await write('a');
  using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${cursor}`);
  expect(titles(await stream.until(1))).toEqual(['a']);
});

test('a client that is too far behind is told to fetch again', async () => {
  const gateway = await world.gateway({ TIDEWIRE_REPLAY_LIMIT_EVENTS: '10' });
  const cursor = world.platform.position;
  await write(...Array.from({ length: 11 }, (_, index) => `r${index}`));
  using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${cursor}`);
  expect((await stream.until(1))[0]?.data).toMatchObject({ reason: 'too-deep' });
  await write('live');
  expect((await stream.until(2))[1]?.event).toBe('object.created');
});

test('an event without images is not skipped silently', async () => {
  const gateway = await world.gateway();
  const cursor = world.platform.position;
  await world.platform.createdWithoutImages(world.row());
  using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${cursor}`);
  expect((await stream.until(1))[0]?.data).toMatchObject({ reason: 'unencodable' });
});

test(
  'a slow client gets a replay that is larger than any buffer, in order and whole',
  { timeout: 60_000 },
  async () => {
    const gateway = await world.gateway();
    const cursor = world.platform.position;
    const filling = 'x'.repeat(20_000);
    for (let index = 0; index < 400; index += 1) {
      await world.platform.created(world.row({ titel: `r${index}`, status: filling }));
    }
    using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${cursor}`);
    stream.pause();
    await write('live 1', 'live 2');
    stream.resume();
    const events = await stream.until(402);
    expect(titles(events)).toEqual([
      ...Array.from({ length: 400 }, (_, index) => `r${index}`),
      'live 1',
      'live 2',
    ]);
  },
);
