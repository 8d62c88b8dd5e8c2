import { formatEventId } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { idsOf } from '../../test/poll-client.ts';
import type { PendingPoll, PollReply } from '../../test/poll-client.ts';
import { World } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';

const TOPIC = 'topic=register/zaken/schema/meldingen';
const TABLE = 'table=zaken-meldingen';

let world: World;
let alice: string;

beforeEach(async () => {
  world = await World.start();
  alice = world.secret(world.alice);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

const since = (cursor: string, more = ''): string => `${TOPIC}&lastEventId=${cursor}${more}`;

async function write(...names: readonly string[]): Promise<void> {
  for (const titel of names) await world.platform.created(world.row({ titel }));
}

/** Waits until the gateway has applied everything that is in the log. */
async function untilLevel(gateway: TestGateway): Promise<void> {
  await waitFor(
    async () => {
      const { body } = await gateway.poll(alice, `${TOPIC}&timeoutMs=0`);
      return body.lastEventId === world.platform.position;
    },
    { what: 'the gateway is level' },
  );
}

async function waiting(gateway: TestGateway, query: string, secret = alice): Promise<PendingPoll> {
  const before = await gateway.metric('polls_waiting');
  const poll = gateway.startPoll(secret, query);
  await waitFor(async () => (await gateway.metric('polls_waiting')) > before, { what: 'the poll waits' });
  return poll;
}

/** Follows the cursor until it has reached an event, one gateway after the other. */
async function follow(
  gateways: readonly TestGateway[],
  query: string,
  cursor: string,
  until: string,
): Promise<string[]> {
  const seen: string[] = [];
  for (let turn = 0; cursor < until; turn += 1) {
    const reply = await gateways[turn % gateways.length]?.poll(alice, `${query}&lastEventId=${cursor}`);
    if (reply === undefined) throw new Error('no gateway');
    expect([reply.status, reply.body.resync]).toEqual([200, undefined]);
    seen.push(...idsOf(reply));
    cursor = reply.body.lastEventId;
  }
  return seen;
}

test.each([
  ['topics', TOPIC, 1000],
  ['topics, past what the ring holds', TOPIC, 3],
  ['a table', TABLE, 1000],
])(
  'a poller that goes from gateway to gateway under writes gets what a stream gets (%s)',
  { timeout: 60_000 },
  async (_, query, ring) => {
    const settings = { TIDEWIRE_REPLAY_RING_EVENTS: String(ring) };
    const gateways = [await world.gateway(settings), await world.gateway(settings)];
    const start = world.platform.position;
    using stream = await (gateways[0] as TestGateway).subscribe(alice, `${TOPIC}&lastEventId=${start}`);
    const written = (async () => {
      for (let round = 0; round < 40; round += 1) {
        const row = await world.platform.created(world.row({ titel: `r${round}` }));
        await world.platform.updated(row, { properties: { titel: `s${round}` } });
        if (round % 3 === 0) await write('x', 'y');
      }
      return world.platform.position;
    })();
    // The end is not known while it is written: the last event is asked for once it is.
    const early = await follow(
      gateways,
      `${query}&limit=7&timeoutMs=50`,
      start,
      world.platform.id(world.platform.last + 60),
    );
    const end = await written;
    const cursor = early.at(-1) ?? start;
    const seen = [...early, ...(await follow(gateways, `${query}&limit=7&timeoutMs=50`, cursor, end))];
    const events = await stream.until(108);
    expect(seen).toEqual(events.map(({ id }) => id));
  },
);

test.each([
  ['malformed', (): string => 'evt-123'],
  ['epoch', (): string => formatEventId({ epoch: '00000001', sequence: 5 })],
  ['ahead', (): string => world.platform.id(world.platform.last + 1)],
] as const)(
  'a cursor that is %s is answered with a resync and the place to go on from',
  async (reason, cursor) => {
    const gateway = await world.gateway();
    await write('a');
    await untilLevel(gateway);
    const { status, body } = await gateway.poll(alice, since(encodeURIComponent(cursor())));
    const { position } = world.platform;
    expect(status).toBe(200);
    expect(body).toEqual({
      events: [],
      lastEventId: position,
      more: false,
      resync: { reason, oldest: expect.stringMatching(/^evt-/), current: position },
    });
    await write('b');
    expect(idsOf(await gateway.poll(alice, since(body.lastEventId)))).toEqual([world.platform.position]);
  },
);

test('a cursor that is gone, too deep or before an event without images is answered with a resync', async () => {
  const gateway = await world.gateway({
    TIDEWIRE_REPLAY_RING_EVENTS: '1',
    TIDEWIRE_REPLAY_LIMIT_EVENTS: '3',
  });
  const { platform } = world;
  const reasonAt = async (cursor: string): Promise<unknown> => {
    await untilLevel(gateway);
    const { body } = await gateway.poll(alice, since(cursor));
    expect(body.resync.current).toBe(body.lastEventId);
    expect(body.lastEventId).toBe(platform.position);
    return body.resync.reason;
  };
  const start = platform.position;
  await write('a', 'b', 'c', 'd');
  expect(await reasonAt(start)).toBe('too-deep');
  const before = platform.position;
  await platform.createdWithoutImages(world.row());
  expect(await reasonAt(before)).toBe('unencodable');
  await platform.forget(1);
  expect(await reasonAt(start)).toBe('expired');
});

test('an event without images that comes while a poll waits is a resync', async () => {
  const gateway = await world.gateway();
  const poll = await waiting(gateway, TOPIC);
  await world.platform.createdWithoutImages(world.row());
  expect((await poll.reply).body).toMatchObject({ events: [], resync: { reason: 'unencodable' } });
});

test('rights that are tightened while a poll waits answer it, and nothing of a later write is told', async () => {
  const gateway = await world.gateway();
  const bob = world.secret(world.bob);
  const [poll, table] = [await waiting(gateway, TOPIC, bob), await waiting(gateway, TABLE, bob)];
  await world.platform.change(world.policy, {
    authorization: { read: [{ group: 'authenticated', match: { status: 'openbaar' } }] },
  });
  await world.platform.created(world.row({ titel: 'SECRET', status: 'vertrouwelijk' }));
  for (const { text, body } of [await poll.reply, await table.reply]) {
    expect(body.resync).toMatchObject({ reason: 'rights-changed', current: body.lastEventId });
    expect(body.events ?? body.messages).toEqual([]);
    expect(text).not.toContain('SECRET');
    const next = await gateway.poll(bob, since(body.lastEventId, '&timeoutMs=100'));
    expect(next.body).toMatchObject({ events: [], more: false });
  }
});

test('rights that changed between two polls are a resync, at another gateway too', async () => {
  const [one, two] = [await world.gateway(), await world.gateway()];
  const { body } = await one.poll(alice, `${TOPIC}&timeoutMs=0`);
  await world.platform.change(world.policy, { authorization: { read: ['behandelaars'] } });
  await untilLevel(two);
  const next = await two.poll(alice, since(body.lastEventId));
  expect(next.body.resync).toMatchObject({ reason: 'rights-changed' });
});

test('a credential that is revoked while its poll waits ends the poll with 401', async () => {
  const gateway = await world.gateway();
  const poll = await waiting(gateway, TOPIC);
  await world.platform.change(world.alice.credential, { endedAt: '2026-01-01T00:00:00.000Z' });
  const reply = await poll.reply;
  expect([reply.status, reply.body.code]).toEqual([401, 'CREDENTIAL_ENDED']);
  expect((await gateway.poll(alice, TOPIC)).status).toBe(401);
  await waitFor(async () => (await gateway.metric('connections')) === 0, { what: 'it is forgotten' });
});

test('a table that is deleted while its poll waits ends the poll with 410', async () => {
  const gateway = await world.gateway();
  const poll = await waiting(gateway, TABLE);
  await world.platform.change(world.schema, { removed: true });
  const reply = await poll.reply;
  expect([reply.status, reply.body.code]).toEqual([410, 'GONE']);
});

test('a row that comes and goes between two pages is taken back by the page that the client has', async () => {
  const gateway = await world.gateway();
  const { platform } = world;
  await platform.change(world.policy, {
    authorization: { read: [{ group: 'authenticated', match: { status: 'openbaar' } }] },
  });
  const shown = { status: 'openbaar' };
  const hidden = { status: 'vertrouwelijk' };
  let row = await platform.created(world.row(shown));
  const cursor = platform.position;
  row = await platform.updated(row, { properties: hidden });
  const left = platform.position;
  await platform.created(world.row({ ...shown, titel: 'first page' }));
  row = await platform.updated(row, { properties: shown });
  await platform.updated(row, { properties: hidden });
  await platform.created(world.row({ ...shown, titel: 'second page' }));
  await untilLevel(gateway);
  const page = await gateway.poll(alice, since(cursor, '&limit=2'));
  expect(page.body.more).toBe(true);
  expect(page.body.events.map(({ id }: { id: string }) => id)[0]).toBe(left);
  expect(page.body.events[0].data).toMatchObject({ uuid: row.uuid, transition: 'left' });
  const rest = await gateway.poll(alice, since(page.body.lastEventId));
  expect(rest.body.events.map(({ data }: PollReply['body']) => data.object?.titel)).toEqual(['second page']);
});

test('a replay of another time than its poll is not split from what is live', async () => {
  const gateway = await world.gateway();
  const start = world.platform.position;
  for (let round = 0; round < 30; round += 1) {
    const cursor = world.platform.position;
    const [reply] = await Promise.all([gateway.poll(alice, since(cursor)), write(`${round}`)]);
    expect(idsOf(reply)).toEqual([world.platform.position]);
  }
  await untilLevel(gateway);
  expect(idsOf(await gateway.poll(alice, since(start)))).toHaveLength(30);
});

test('a gateway that drains answers its polls, sends new ones away, and another one goes on', async () => {
  const [one, two] = [await world.gateway({ TIDEWIRE_DRAIN_MS: '200' }), await world.gateway()];
  const start = world.platform.position;
  const polls = [await waiting(one, since(start)), await waiting(one, `${TABLE}&lastEventId=${start}`)];
  const drained = one.service.drain();
  const refused = await one.poll(alice, TOPIC).catch(() => undefined);
  if (refused !== undefined) expect([refused.status, refused.body.code]).toEqual([503, 'DRAINING']);
  const replies = await Promise.all(polls.map(({ reply }) => reply));
  await drained;
  for (const { status, headers, body } of replies) {
    expect([status, headers.connection]).toEqual([200, 'close']);
    expect(body).toMatchObject({ lastEventId: start, more: false });
  }
  await write('a');
  expect(idsOf(await two.poll(alice, since(start)))).toEqual([world.platform.position]);
});

test('polls count as connections while they wait', async () => {
  const gateway = await world.gateway({ TIDEWIRE_MAX_CONNECTIONS_PER_USER: '2' });
  using stream = await gateway.subscribe(alice, TOPIC);
  const poll = await waiting(gateway, TOPIC);
  const refused = await gateway.poll(alice, TOPIC);
  expect([refused.status, refused.body.code]).toEqual([429, 'TOO_MANY_CONNECTIONS']);
  expect(refused.headers['retry-after']).toBeDefined();
  using none = await gateway.subscribe(alice, TOPIC);
  expect(none.status).toBe(429);
  await write('a');
  await Promise.all([poll.reply, stream.until(1)]);
  await waitFor(async () => (await gateway.poll(alice, `${TOPIC}&timeoutMs=0`)).status === 200, {
    what: 'there is room again',
  });
});

test('a poll that waits counts at every gateway', async () => {
  const settings = { TIDEWIRE_MAX_CONNECTIONS_PER_USER: '1' };
  const [one, two] = [await world.gateway(settings), await world.gateway(settings)];
  const first = await waiting(one, TOPIC);
  const refused = await waitFor(
    async () => {
      const reply = await two.poll(alice, `${TOPIC}&timeoutMs=2500`);
      return reply.status === 429 ? reply : undefined;
    },
    { what: 'the other gateway knows of it' },
  );
  expect(refused.body.code).toBe('TOO_MANY_CONNECTIONS');
  first.abort();
  await waitFor(async () => (await two.poll(alice, `${TOPIC}&timeoutMs=2500`)).status === 200, {
    what: 'its place is free',
  });
});

test(
  'a stale gateway tells a waiting poll nothing and leaves its cursor alone',
  { timeout: 60_000 },
  async () => {
    const gateway = await world.gateway({ TIDEWIRE_STALENESS_LIMIT_MS: '1000' });
    const cursor = world.platform.position;
    const poll = await waiting(gateway, since(cursor, '&timeoutMs=4000'));
    world.platform.pauseBeats();
    await waitFor(async () => !(await fetch(gateway.url('/readyz'))).ok, { what: 'the gateway is stale' });
    await write('a');
    const refused = await gateway.poll(alice, since(cursor));
    expect([refused.status, refused.body.code]).toEqual([503, 'SERVICE_UNAVAILABLE']);
    expect(refused.headers['retry-after']).toBeDefined();
    const reply = await poll.reply;
    expect(reply.body).toEqual({ events: [], lastEventId: cursor, more: false });
    world.platform.resumeBeats();
    const next = await waitFor(
      async () => {
        const answer = await gateway.poll(alice, since(cursor));
        return answer.status === 200 ? answer : undefined;
      },
      { what: 'the gateway is level again' },
    );
    expect(idsOf(next)).toEqual([world.platform.position]);
  },
);

test('a new epoch of the log answers polls with a resync', { timeout: 60_000 }, async () => {
  const gateway = await world.gateway();
  const poll = await waiting(gateway, TOPIC);
  const old = world.platform.position;
  await world.platform.startEpoch();
  const { status, body } = await poll.reply;
  expect([status, body.resync?.reason]).toEqual([200, 'epoch']);
  const next = await waitFor(
    async () => {
      const answer = await gateway.poll(alice, since(old));
      return answer.status === 200 ? answer : undefined;
    },
    { what: 'polls are let in again' },
  );
  expect(next.body.resync.reason).toBe('epoch');
});

test('authz away is 503 with advice when to come again', async () => {
  const gateway = await world.gateway();
  world.platform.authzAway = true;
  const reply = await gateway.poll(world.secret(world.bob), TOPIC);
  expect(reply.status).toBe(503);
  expect(reply.headers['retry-after']).toBeDefined();
});
