import { randomUUID } from 'node:crypto';
import { SocketClient, startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform, SocketMessage } from '@tidewire/test-kit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import { EventStream } from './transport-event-stream.ts';
import { MessageCheck } from './transport-messages.ts';

/** The samples of the tables contract, sent to and received from the demo through its one origin. */

const check = new MessageCheck();
const SHARED = '/api/realtime/subscribe';
const ORDERS = '/api/tables/orders/records';
const TIMESTAMP = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
/** What records have beside their fields. */
const TIMES = { createdAt: TIMESTAMP, updatedAt: TIMESTAMP };
const EVENT_ID = expect.stringMatching(/^evt-[0-9a-z]{8}-\d{12}$/);
const UUID = expect.stringMatching(/^[0-9a-f-]{36}$/);

let platform: Platform;

beforeAll(async () => {
  const settings = { TIDEWIRE_SSE_HEARTBEAT_MS: '500', TIDEWIRE_STALENESS_LIMIT_MS: '4000' };
  platform = await startPlatform({ demo: true, gateways: 2, settings });
});

afterAll(() => platform[Symbol.asyncDispose]());

afterEach(() => {
  if (check.faults.length > 0) throw new Error(check.faults.join('\n'));
});

type Person = 'alice' | 'bob' | 'carol';
interface Row {
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly updatedAt: string;
}

async function call<T = Row>(who: Person, method: string, path: string, body?: unknown): Promise<T> {
  return await createApi(platform.origin, `demo-${who}`).send<T>(method, path, body);
}

async function createOrder(fields: Readonly<Record<string, unknown>>): Promise<Row> {
  return await call('alice', 'POST', ORDERS, { fields: { customer: randomUUID(), ...fields } });
}

/** A socket through the edge, whose every message is held to its schema. */
async function connect(who: Person, path: string): Promise<SocketClient> {
  const headers = { authorization: `Bearer demo-${who}` };
  const client = await SocketClient.open(`${platform.origin}${path}`, { headers });
  if (client.status !== 101) return client;
  for (const message of client.messages) check.fromServer(message);
  client.socket.on('message', () => {
    const last = client.messages.at(-1);
    if (last !== undefined) check.fromServer(last);
  });
  return client;
}

function say(client: SocketClient, sample: string): void {
  check.fromClient(JSON.parse(sample) as { readonly type?: string });
  client.send(sample);
}

/** Waits for changes of one row. */
async function changesOf(client: SocketClient, id: string, count: number): Promise<readonly SocketMessage[]> {
  const changes = (): readonly SocketMessage[] =>
    client.of('change').filter((change) => change['recordId'] === id);
  await waitFor(() => changes().length >= count, { what: `${count} changes come`, timeoutMs: 10_000 });
  return changes();
}

/** Messages of a table's stream. */
async function listen(
  who: Person,
  path: string,
): Promise<{ stream: EventStream; messages: SocketMessage[] }> {
  const stream = await EventStream.open(`${platform.origin}${path}`, {
    accept: 'text/event-stream',
    authorization: `Bearer demo-${who}`,
  });
  const messages: SocketMessage[] = [];
  stream.read(({ data }) => {
    if (data === undefined) return;
    const message = JSON.parse(data) as SocketMessage;
    check.fromServer(message);
    messages.push(message);
  });
  return { stream, messages };
}

async function untilOf(messages: readonly SocketMessage[], type: string): Promise<SocketMessage> {
  return await waitFor(() => messages.find((message) => message.type === type), {
    what: `${type} comes`,
    timeoutMs: 10_000,
  });
}

test('a handshake on the shared socket is echoed, and followed by the changes that it asked for', async () => {
  using socket = await connect('alice', SHARED);
  say(
    socket,
    '{"type":"subscribe","table":"orders","subscriptionId":"s1","filter":"status:eq:processing","fields":["status","total"]}',
  );
  const [subscribed] = await socket.until('subscribed');
  expect(subscribed).toEqual({
    type: 'subscribed',
    table: 'orders',
    subscriptionId: 's1',
    filter: 'status:eq:processing',
    fields: ['status', 'total'],
    connectionId: UUID,
    eventId: EVENT_ID,
  });
  const { id } = await createOrder({ status: 'new', total: 10 });
  const path = `${ORDERS}/${id}`;
  await call('bob', 'PATCH', path, { fields: { status: 'processing' } });
  await changesOf(socket, id, 1);
  await call('bob', 'PATCH', path, { fields: { total: 12 } });
  await changesOf(socket, id, 2);
  await call('bob', 'PATCH', path, { fields: { status: 'shipped' } });
  const every = { type: 'change', table: 'orders', recordId: id, subscriptionId: 's1' };
  const when = { eventId: EVENT_ID, timestamp: TIMESTAMP };
  expect(await changesOf(socket, id, 3)).toEqual([
    {
      ...every,
      ...when,
      event: 'insert',
      transition: 'entered',
      record: { id, fields: { status: 'processing', total: 10 }, ...TIMES },
    },
    {
      ...every,
      ...when,
      event: 'update',
      transition: 'updated',
      record: { id, fields: { status: 'processing', total: 12 }, ...TIMES },
      oldRecord: { id, fields: { status: 'processing', total: 10 } },
    },
    { ...every, ...when, event: 'delete', transition: 'left' },
  ]);
  say(socket, '{"type":"unsubscribe","table":"orders","subscriptionId":"s1"}');
  const [unsubscribed] = await socket.until('unsubscribed');
  expect(unsubscribed).toEqual({ type: 'unsubscribed', table: 'orders', subscriptionId: 's1' });
});

test.each([
  ['without a type', '{"table":"orders","subscriptionId":"s1","filter":"status:eq:new"}'],
  [
    'as JSON',
    '{"table":"orders","subscriptionId":"s1","filter":{"and":[{"field":"status","operator":"eq","value":"new"}]}}',
  ],
  [
    'as a data source has it',
    '{"table":"orders","subscriptionId":"s1","filter":[{"field":"status","operator":"eq","value":"new"}]}',
  ],
])('a handshake %s is understood as the same', async (_how, sample) => {
  using socket = await connect('alice', SHARED);
  say(socket, sample);
  const [subscribed] = await socket.until('subscribed');
  expect(subscribed).toMatchObject({ table: 'orders', subscriptionId: 's1', filter: 'status:eq:new' });
});

test('the socket of a table streams without a message of the client, deletions without a record', async () => {
  using socket = await connect('carol', '/api/tables/inventory/subscribe');
  await socket.until('subscribed');
  const path = '/api/tables/inventory/records';
  const { id } = await call('carol', 'POST', path, {
    fields: { sku: randomUUID(), stock: 12, name: 'Bolt' },
  });
  const [insert] = await changesOf(socket, id, 1);
  expect(insert).toMatchObject({ event: 'insert', record: { id, fields: { stock: 12, name: 'Bolt' } } });
  await createApi(platform.origin, 'demo-carol').ask('DELETE', `${path}/${id}`);
  const [, deleted] = await changesOf(socket, id, 2);
  expect(deleted).toEqual({
    type: 'change',
    event: 'delete',
    table: 'inventory',
    recordId: id,
    subscriptionId: 'inventory',
    transition: 'deleted',
    eventId: EVENT_ID,
    timestamp: TIMESTAMP,
  });
  const [heartbeat] = await socket.until('heartbeat');
  expect(heartbeat).toMatchObject({ timestamp: TIMESTAMP, eventId: EVENT_ID });
});

test.each([
  ['/api/tables/orders/subscribe/sse'],
  // The address of the socket, for who accepts a stream.
  ['/api/tables/orders/subscribe'],
])('GET %s streams the same messages as Server-Sent Events', async (path) => {
  const { stream, messages } = await listen(
    'alice',
    `${path}?filter=status:eq:processing&fields=status,total`,
  );
  using _stream = stream;
  expect(stream.headers['content-type']).toBe('text/event-stream');
  expect(await untilOf(messages, 'subscribed')).toMatchObject({
    table: 'orders',
    filter: 'status:eq:processing',
    fields: ['status', 'total'],
  });
  const { id } = await createOrder({ status: 'processing', total: 7 });
  expect(await untilOf(messages, 'change')).toEqual({
    type: 'change',
    event: 'insert',
    table: 'orders',
    recordId: id,
    subscriptionId: 'orders',
    transition: 'created',
    record: { id, fields: { status: 'processing', total: 7 }, ...TIMES },
    eventId: EVENT_ID,
    timestamp: TIMESTAMP,
  });
  expect(await untilOf(messages, 'heartbeat')).toMatchObject({ timestamp: TIMESTAMP });
});

test('what cannot be followed is refused before the upgrade, in the words of the contract', async () => {
  const refused = async (path: string, token?: string): Promise<readonly unknown[]> => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    using socket = await SocketClient.open(`${platform.origin}${path}`, { headers });
    const body = JSON.parse(socket.body) as { readonly success: boolean; readonly code: string };
    check.document('problem', body);
    return [socket.status, body.success, body.code];
  };
  expect(await refused('/api/tables/orders/subscribe')).toEqual([401, false, 'UNAUTHORIZED']);
  expect(await refused(SHARED)).toEqual([401, false, 'UNAUTHORIZED']);
  expect(await refused('/api/tables/absent/subscribe', 'demo-alice')).toEqual([404, false, 'NOT_FOUND']);
  const neither = await createApi(platform.origin, 'demo-alice').ask('GET', '/api/tables/orders/subscribe');
  expect([neither.status, (neither.body as { code: string }).code]).toEqual([400, 'BAD_REQUEST']);
});

test('the eleventh connection of somebody is refused with 429, and told when to come again', async () => {
  using open = new DisposableStack();
  for (let index = 0; index < 5; index += 1) {
    open.use(await connect('bob', index % 2 === 0 ? SHARED : '/api/tables/orders/subscribe'));
    open.use((await listen('bob', '/api/tables/orders/subscribe/sse')).stream);
  }
  using socket = await connect('bob', SHARED);
  const body = JSON.parse(socket.body) as unknown;
  check.document('problem', body);
  expect(socket.status).toBe(429);
  expect(Number(socket.headers['retry-after'])).toBeGreaterThan(0);
  expect(body).toMatchObject({
    success: false,
    code: 'TOO_MANY_CONNECTIONS',
    message: expect.stringContaining('10'),
  });
});

test('who is on a page is told on a socket and over Server-Sent Events', async () => {
  using alice = await connect('alice', SHARED);
  say(alice, '{"type":"join","pagePath":"/dashboard"}');
  const [sync] = await alice.until('presence-sync');
  expect(sync).toEqual({
    type: 'presence-sync',
    pagePath: '/dashboard',
    users: [{ id: 'alice', name: expect.any(String), pagePath: '/dashboard', joinedAt: TIMESTAMP }],
  });
  const bob = await listen('bob', '/api/realtime/presence?pagePath=/dashboard');
  using stream = bob.stream;
  const { users } = (await untilOf(bob.messages, 'presence-sync')) as SocketMessage & {
    readonly users: readonly { readonly id: string }[];
  };
  expect(new Set(users.map(({ id }) => id))).toEqual(new Set(['alice', 'bob']));
  const [joined] = await alice.until('join');
  expect(joined).toMatchObject({ user: { id: 'bob', pagePath: '/dashboard', joinedAt: TIMESTAMP } });
  stream[Symbol.dispose]();
  const [left] = await alice.until('leave');
  expect(left).toEqual({ type: 'leave', userId: 'bob', pagePath: '/dashboard' });
  say(alice, '{"type":"leave","pagePath":"/dashboard"}');
});

test('a pending edit that loses is told of the winner’s value', async () => {
  using alice = await connect('alice', SHARED);
  say(alice, '{"type":"subscribe","table":"orders","subscriptionId":"s1"}');
  await alice.until('subscribed');
  const { id, updatedAt, fields } = await createOrder({ status: 'new', total: 3 });
  say(
    alice,
    `{"type":"pending","table":"orders","recordId":"${id}","fields":["status"],"updatedAt":"${updatedAt}"}`,
  );
  say(alice, '{"type":"ping"}');
  await alice.until('pong');
  const won = await call('bob', 'PATCH', `${ORDERS}/${id}`, { fields: { status: 'shipped' }, updatedAt });
  const [conflict] = await alice.until('conflict');
  expect(conflict).toEqual({
    type: 'conflict',
    table: 'orders',
    recordId: id,
    overwrittenFields: ['status'],
    overwrittenBy: { id: 'bob', name: expect.any(String) },
    authoritativeRecord: { id, fields: { ...fields, status: 'shipped' } },
    updatedAt: won.updatedAt,
    eventId: EVENT_ID,
    timestamp: TIMESTAMP,
  });
  say(alice, `{"type":"settled","table":"orders","recordId":"${id}"}`);
});

test('a client is told when the server holds back what it cannot confirm the rights for, and when it goes on', async () => {
  using socket = await connect('alice', '/api/tables/orders/subscribe');
  const { stream, messages } = await listen('alice', '/api/tables/orders/subscribe/sse');
  using _stream = stream;
  await platform.kill('relay');
  await waitFor(() => socket.of('connection-status').length === 1, { what: 'held', timeoutMs: 20_000 });
  await platform.restart('relay', 'SIGKILL');
  const statuses = await socket.until('connection-status', 2);
  expect(statuses).toEqual(
    ['reconnecting', 'connected'].map((status) => ({
      type: 'connection-status',
      status,
      transport: 'websocket',
    })),
  );
  expect(await untilOf(messages, 'connection-status')).toMatchObject({
    status: 'reconnecting',
    transport: 'sse',
  });
});

test('every message of the second document was sent or received here', () => {
  const server = [
    'table-change',
    'conflict',
    'heartbeat',
    'subscribed',
    'unsubscribed',
    'join',
    'leave',
    'presence-sync',
    'connection-status',
  ];
  const client = ['table-handshake', 'unsubscribe', 'join-page', 'leave-page', 'pending', 'settled', 'ping'];
  const seen: ReadonlySet<string> = check.seen;
  expect([...server, ...client].filter((name) => !seen.has(name))).toEqual([]);
});
