import { SOCKET_LIMITS } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import type { SocketClient } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WHOLE, begin, openKnown, openSocket, subscription } from '../test/graphql-sockets.ts';
import { StreamRequests, operation } from '../test/graphql-streams.ts';
import { World } from '../test/world.ts';
import type { TestGateway } from '../test/world.ts';

const TITLES = 'subscription { meldingenEvents { titel } }';

let world: World;
let gateway: TestGateway;
let alice: string;

beforeEach(async () => {
  world = await World.start();
  gateway = await world.gateway({ TIDEWIRE_CONNECTION_BUDGET_BYTES: '65536' });
  alice = world.secret(world.alice);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

/** Whether nobody else notices: an event comes on a connection of its own. */
async function expectNoHarm(socket: SocketClient): Promise<void> {
  const before = socket.of('next').length;
  await world.platform.created(world.row({ titel: 'a' }));
  await socket.until('next', before + 1);
}

test('a message that is none of the protocol closes its own socket with 4400, and nobody else’s', async () => {
  const other = await openKnown(gateway, alice);
  await begin(other, 'a');
  const hostile: readonly (object | string | Buffer)[] = [
    '',
    '{',
    'null',
    '7',
    '[]',
    '{}',
    { type: 'nonsense' },
    { type: 'connection_init', payload: 7 },
    { type: 'connection_ack' },
    { type: 'next', id: 'a', payload: {} },
    { type: 'complete' },
    { type: 'subscribe', payload: { query: TITLES } },
    { type: 'subscribe', id: '', payload: { query: TITLES } },
    { type: 'subscribe', id: 7, payload: { query: TITLES } },
    { type: 'subscribe', id: 'x'.repeat(129), payload: { query: TITLES } },
    { type: 'subscribe', id: '\ud800', payload: { query: TITLES } },
    { type: 'subscribe', id: 'a' },
    { type: 'subscribe', id: 'a', payload: { query: 7 } },
    { type: 'subscribe', id: 'a', payload: { query: TITLES, variables: [] } },
    { type: 'subscribe', id: 'a', payload: { query: TITLES, extensions: 'x' } },
    { type: 'subscribe', id: 'a', payload: { query: TITLES, operationName: {} } },
    '[['.repeat(20_000),
    Buffer.from(JSON.stringify(subscription('a'))),
  ];
  for (const message of hostile) {
    const socket = await openKnown(gateway, alice);
    if (Buffer.isBuffer(message)) socket.socket.send(message);
    else socket.send(message);
    const what = JSON.stringify(message).slice(0, 100);
    expect((await socket.untilClosed()).code, what).toBe(4400);
  }
  await expectNoHarm(other);
});

test('a message that is too large is not read', async () => {
  const socket = await openKnown(gateway, alice);
  socket.send(subscription('a', `${TITLES} # ${'x'.repeat(SOCKET_LIMITS.maxMessageBytes)}`));
  expect((await socket.untilClosed()).code).toBe(1009);
});

test('who does not keep to the order of the protocol is told by its code', async () => {
  const early = await openSocket(gateway, alice);
  early.send(subscription('a'));
  expect(await early.untilClosed()).toEqual({ code: 4401, reason: 'Unauthorized' });
  const impatient = await openSocket(gateway, undefined);
  impatient.send({ type: 'connection_init', payload: { token: alice } });
  impatient.send(subscription('a'));
  expect((await impatient.untilClosed()).code).toBe(4401);
  const twice = await openKnown(gateway, alice);
  twice.send({ type: 'connection_init' });
  expect((await twice.untilClosed()).code).toBe(4429);
  const taken = await openKnown(gateway, alice);
  taken.send(subscription('a'));
  taken.send(subscription('a'));
  expect((await taken.untilClosed()).code).toBe(4409);
  await waitFor(async () => (await gateway.metric('sockets')) === 0, { what: 'nothing is left of them' });
  expect(await gateway.metric('subscriptions')).toBe(0);
  expect(await gateway.metric('connections')).toBe(0);
});

test(
  'who never says who it is goes after five seconds, with or without a credential',
  { timeout: 20_000 },
  async () => {
    const sockets = [await openSocket(gateway, undefined), await openSocket(gateway, alice)];
    for (const socket of sockets) socket.send({ type: 'ping', payload: { at: 1 } });
    for (const socket of sockets) {
      expect(await socket.until('pong')).toEqual([{ type: 'pong', payload: { at: 1 } }]);
      expect((await socket.untilClosed()).code).toBe(4408);
    }
    expect(await gateway.metric('unknown_sockets')).toBe(0);
  },
);

test('sockets of whom nothing is known are few, of each address and together, and take nobody’s place', async () => {
  const behindProxy = { TIDEWIRE_TRUSTED_PROXIES: 'loopback' };
  const guarded = await world.gateway({
    ...behindProxy,
    TIDEWIRE_MAX_UNKNOWN_SOCKETS: '3',
    TIDEWIRE_MAX_UNKNOWN_SOCKETS_PER_ADDRESS: '2',
  });
  const from = (address: string): Promise<SocketClient> =>
    openSocket(guarded, undefined, { headers: { 'x-forwarded-for': address } });
  const first = await from('192.0.2.1');
  expect([first.status, (await from('192.0.2.1')).status]).toEqual([101, 101]);
  const refused = await from('192.0.2.1');
  expect([refused.status, JSON.parse(refused.body)]).toMatchObject([429, { code: 'TOO_MANY_CONNECTIONS' }]);
  expect(refused.headers['retry-after']).toBeDefined();
  expect((await from('192.0.2.2')).status).toBe(101);
  expect((await from('192.0.2.3')).status).toBe(429);
  expect(await guarded.metric('unknown_sockets')).toBe(3);
  const known = await openKnown(guarded, alice);
  await begin(known, 'a');
  // Whoever says who it is leaves room, and so does who goes.
  first.send({ type: 'connection_init', payload: { token: alice } });
  await first.until('connection_ack');
  expect((await from('192.0.2.1')).status).toBe(101);
  expect((await from('192.0.2.3')).status).toBe(429);
  expect(await guarded.metric('unknown_sockets')).toBe(3);
});

test('who came without a credential counts among its principal’s connections from then on', async () => {
  const small = await world.gateway({ TIDEWIRE_MAX_CONNECTIONS_PER_USER: '1' });
  await openKnown(small, alice);
  const second = await openSocket(small, undefined);
  second.send({ type: 'connection_init', payload: { token: alice } });
  expect(await second.untilClosed()).toEqual({ code: 1013, reason: 'TOO_MANY_CONNECTIONS' });
  expect((await openSocket(small, alice)).status).toBe(429);
  await waitFor(async () => (await small.metric('unknown_sockets')) === 0, { what: 'its place is free' });
});

test.each<[string, () => object | string]>([
  ['pings', () => ({ type: 'ping' })],
  ['pongs that nobody asked for', () => ({ type: 'pong' })],
  ['operations', () => subscription(crypto.randomUUID(), TITLES)],
  ['operations that are wrong', () => subscription(crypto.randomUUID(), '{')],
  ['ends of operations', () => ({ type: 'complete', id: 'a' })],
])('a flood of %s ends with a code that says to come again later', async (_name, message) => {
  const other = await openKnown(gateway, alice);
  await begin(other, 'a');
  const socket = await openKnown(gateway, alice);
  for (let index = 0; index < 1000; index += 1) socket.send(message());
  expect(await socket.untilClosed()).toEqual({ code: 1013, reason: 'RATE_LIMITED' });
  await expectNoHarm(other);
  await waitFor(async () => (await gateway.metric('subscriptions')) === 1, {
    what: 'only the other one runs',
  });
});

test('operations beyond the limit are refused one by one, and those that are there go on', async () => {
  const small = await world.gateway({ TIDEWIRE_MAX_SUBSCRIPTIONS_PER_CONNECTION: '3' });
  const socket = await openKnown(small, alice);
  for (const id of ['a', 'b', 'c']) await begin(socket, id, TITLES);
  socket.send(subscription('d', TITLES));
  const [error] = await socket.until('error');
  expect(error).toMatchObject({ id: 'd', payload: [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }] });
  socket.send({ type: 'complete', id: 'a' });
  await begin(socket, 'd', TITLES);
  await world.platform.created(world.row({ titel: 'a' }));
  await socket.until('next', 3);
  expect(new Set(socket.of('next').map(({ id }) => id))).toEqual(new Set(['b', 'c', 'd']));
});

test('ids of operations are data', async () => {
  const socket = await openKnown(gateway, alice);
  const ids = ['__proto__', 'constructor', 'a","type":"error', 'ü😀', 'x'.repeat(128)];
  for (const id of ids) await begin(socket, id, TITLES);
  await world.platform.created(world.row({ titel: 'a' }));
  await socket.until('next', ids.length);
  expect(new Set(socket.of('next').map(({ id }) => id))).toEqual(new Set(ids));
  expect(socket.of('error')).toEqual([]);
});

test('events of every length arrive whole beside those of other operations', async () => {
  const socket = await openKnown(gateway, alice);
  await begin(socket, 'a', TITLES);
  await begin(socket, 'b', WHOLE);
  const lengths = [0, 1, 20, 90, 125, 126, 4000, 60_000];
  for (const length of lengths) await world.platform.created(world.row({ titel: 'ü'.repeat(length) }));
  await socket.until('next', 2 * lengths.length);
  for (const id of ['a', 'b']) {
    const told = socket.of('next').filter((message) => message['id'] === id);
    expect(told.map(({ payload }) => payload.data.meldingenEvents.titel.length)).toEqual(lengths);
  }
});

test(
  'a client that never reads is cut off or told to fetch again, and delays nobody',
  { timeout: 60_000 },
  async () => {
    const reader = await openKnown(gateway, alice);
    await begin(reader, 'a', TITLES);
    const silent = await openKnown(gateway, alice);
    await begin(silent, 'a', TITLES);
    await begin(silent, 'b', WHOLE);
    const requests = new StreamRequests(alice);
    const { text: token } = await requests.put(gateway);
    const stream = await requests.open(gateway, token);
    await requests.post(gateway, token, operation('a', TITLES));
    silent.socket.pause();
    stream.pause();
    const large = 'x'.repeat(40_000);
    for (let index = 0; index < 300; index += 1) {
      await world.platform.created(world.row({ titel: large }));
      if (index % 100 === 99) await reader.until('next', index + 1);
    }
    expect(reader.of('next').every(({ payload }) => payload.data !== null)).toBe(true);
    silent.socket.resume();
    stream.resume();
    const isBehind = (message: object): boolean => JSON.stringify(message).includes('"behind"');
    await waitFor(() => silent.closed !== undefined || silent.of('next').some(isBehind), {
      what: 'the socket that did not read is told, or gone',
      timeoutMs: 20_000,
    });
    await waitFor(
      () => stream.closed !== undefined || stream.named('next').some(({ data }) => isBehind(data)),
      {
        what: 'the stream that did not read is told, or gone',
        timeoutMs: 20_000,
      },
    );
  },
);

test('streams are reserved in bounded numbers, and others’ are not held up', async () => {
  const requests = new StreamRequests(alice);
  const statuses = new Map<number, number>();
  for (let index = 0; index < 110; index += 1) {
    const { status } = await requests.put(gateway);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  expect([...statuses]).toEqual([
    [201, 100],
    [429, 10],
  ]);
  const bob = new StreamRequests(world.secret(world.bob));
  const { status, text: token } = await bob.put(gateway);
  expect(status).toBe(201);
  expect((await bob.open(gateway, token)).status).toBe(200);
});

test('hostile requests for a stream are refused, and the stream goes on', async () => {
  const requests = new StreamRequests(alice);
  const { text: token } = await requests.put(gateway);
  const stream = await requests.open(gateway, token);
  expect((await requests.post(gateway, token, operation('a', TITLES))).status).toBe(202);
  for (const body of [
    [],
    {},
    { query: TITLES },
    { query: TITLES, extensions: { operationId: '' } },
    { query: TITLES, extensions: { operationId: 7 } },
    { query: TITLES, extensions: { operationId: 'x'.repeat(129) } },
    { query: 7, extensions: { operationId: 'b' } },
    { query: TITLES, variables: 'x', extensions: { operationId: 'b' } },
  ]) {
    expect((await requests.post(gateway, token, body)).status, JSON.stringify(body)).toBe(400);
  }
  const large = operation('b', `${TITLES} # ${'x'.repeat(300_000)}`);
  expect((await requests.post(gateway, token, large)).status).toBe(413);
  for (let index = 0; index < 120; index += 1) {
    const answer = await requests.post(gateway, token, operation(`many-${index}`, TITLES));
    expect(answer.status).toBe(202);
  }
  expect(await gateway.metric('subscriptions')).toBe(100);
  expect(stream.named('complete')).toHaveLength(21);
  await world.platform.created(world.row({ titel: 'a' }));
  await waitFor(() => stream.named('next').some(({ data }) => data.id === 'a'), {
    what: 'the first one goes on',
  });
});

test('a session cookie reserves and uses streams from allowed pages only', async () => {
  const guarded = await world.gateway({ TIDEWIRE_ALLOWED_ORIGINS: 'https://app.example' });
  const cookie = `tidewire_session=${alice}`;
  const put = async (headers: Record<string, string>): Promise<number> =>
    (await fetch(guarded.url('/api/graphql/stream'), { method: 'PUT', headers: { cookie, ...headers } }))
      .status;
  expect(await put({ origin: 'https://app.example' })).toBe(201);
  expect(await put({ origin: 'https://evil.example' })).toBe(403);
  expect(await put({})).toBe(403);
});

test('the address names the credential, or the stream where the credential is in the head', async () => {
  const at = (query: string): string => gateway.url(`/api/graphql/stream?${query}`);
  const reserve = await fetch(at(`token=${alice}`), { method: 'PUT' });
  expect(reserve.status).toBe(201);
  const token = await reserve.text();
  const head = { authorization: `Bearer ${alice}` };
  const status = async (query: string, headers: Record<string, string>): Promise<number> => {
    const controller = new AbortController();
    const { status: answer } = await fetch(at(query), { headers, signal: controller.signal });
    controller.abort();
    return answer;
  };
  expect(await status(`token=${token}`, {})).toBe(401);
  expect(await status('', head)).toBe(400);
  expect(await status(`token=${token}`, { ...head, 'x-graphql-event-stream-token': 'x'.repeat(32) })).toBe(
    400,
  );
  expect(await status(`token=${token}`, head)).toBe(200);
});
