import { formatTimestamp, recordConflictSchema, streamMessageSchema } from '@tidewire/contract';
import { SocketClient, credentialOf, policyOf, schemaOf } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask, listConnections } from '../../test/operator.ts';
import { SseClient } from '../../test/sse-client.ts';
import { World } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';

const TABLE = '/api/tables/zaken-meldingen/subscribe';
const SHARED = '/api/realtime/subscribe';

let world: World;
let gateway: TestGateway;
let alice: string;

beforeEach(async () => {
  world = await World.start();
  gateway = await world.gateway();
  alice = world.secret(world.alice);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

test('a table’s socket streams without any message of the client, and every message is the contract’s', async () => {
  using socket = await gateway.socket(
    alice,
    `${TABLE}?filter=status:eq:open&fields=titel,status&sort=titel:desc`,
  );
  expect(socket.status).toBe(101);
  expect(socket.headers['tidewire-connection']).toMatch(/^[0-9a-f-]{36}$/);
  const [subscribed] = await socket.until('subscribed');
  expect(subscribed).toMatchObject({
    table: 'zaken-meldingen',
    subscriptionId: 'zaken-meldingen',
    filter: 'status:eq:open',
    fields: ['titel', 'status'],
    sort: 'titel:desc',
    sortTypes: ['text'],
    connectionId: socket.headers['tidewire-connection'],
  });
  const row = world.row({ titel: 'a', status: 'open', bedrag: 3 });
  await world.platform.created(row);
  const [insert] = await socket.until('change');
  expect(insert).toMatchObject({
    event: 'insert',
    recordId: row.uuid,
    subscriptionId: 'zaken-meldingen',
    record: { id: row.uuid, fields: { titel: 'a', status: 'open' } },
    sortKey: ['a'],
  });
  expect(insert?.['record'].fields).not.toHaveProperty('bedrag');
  await socket.until('heartbeat');
  for (const message of socket.messages) streamMessageSchema.parse(message);
});

test('the shared socket waits for handshakes, takes several, tables and topics, and tells them apart', async () => {
  using socket = await gateway.socket(alice, SHARED);
  socket.send({ table: 'zaken-meldingen', subscriptionId: 's1', filter: 'status:open' });
  socket.send({ type: 'subscribe', table: 'zaken-meldingen', subscriptionId: 's2', fields: ['status'] });
  socket.send({ type: 'subscribe', topic: 'register/zaken', filter: { bedrag: { gte: 5 } } });
  await socket.until('subscribed', 3);
  await world.platform.created(world.row({ titel: 'a', status: 'shut', bedrag: 7 }));
  await socket.until('change');
  const [event] = await socket.until('event');
  expect(event).toMatchObject({
    subscriptionId: 'register/zaken',
    event: { data: { object: { bedrag: 7 } } },
  });
  expect(socket.of('change').map(({ subscriptionId }) => subscriptionId)).toEqual(['s2']);
  socket.send({ type: 'unsubscribe', subscriptionId: 's2' });
  await socket.until('unsubscribed');
  await world.platform.created(world.row({ titel: 'b', status: 'open', bedrag: 1 }));
  await socket.until('change', 2);
  expect(socket.of('change').map(({ subscriptionId }) => subscriptionId)).toEqual(['s2', 's1']);
  for (const message of socket.messages) streamMessageSchema.parse(message);
});

test('a subscription goes on after its own cursor, at another gateway, over another transport', async () => {
  const other = await world.gateway();
  const first = await gateway.socket(alice, TABLE);
  const row = world.row({ titel: 'a' });
  await world.platform.created(row);
  const [insert] = await first.until('change');
  first[Symbol.dispose]();
  await world.platform.updated(row, { ...row, version: 2, properties: { titel: 'b' } });
  using socket = await other.socket(alice, SHARED);
  socket.send({ table: 'zaken-meldingen', lastEventId: insert?.['eventId'] });
  const [update] = await socket.until('change');
  expect(update).toMatchObject({ event: 'update', oldRecord: { fields: { titel: 'a' } } });
  const query = `lastEventId=${insert?.['eventId']}`;
  using stream = await SocketClient.open(other.url(`${TABLE}?${query}`), {
    headers: { authorization: `Bearer ${alice}` },
  });
  expect((await stream.until('change'))[0]?.['eventId']).toBe(update?.['eventId']);
});

test('what is refused is an HTTP answer before the upgrade', async () => {
  const refused = async (secret: string | undefined, path: string): Promise<[number, string]> => {
    using socket = await gateway.socket(secret, path);
    return [socket.status, (JSON.parse(socket.body) as { code: string }).code];
  };
  expect(await refused(undefined, TABLE)).toEqual([401, 'UNAUTHORIZED']);
  expect(await refused(alice, '/api/tables/nowhere/subscribe')).toEqual([404, 'NOT_FOUND']);
  expect(await refused(alice, `${TABLE}?filter=nothing:eq:1`)).toEqual([400, 'UNKNOWN_FIELD']);
  expect(await refused(alice, `${TABLE}?sort=nothing:asc`)).toEqual([400, 'UNKNOWN_FIELD']);
  expect(await refused(alice, `${TABLE}?fields=titel,nothing`)).toEqual([400, 'UNKNOWN_FIELD']);
});

test('garbage is answered, and the connection lives on', async () => {
  using socket = await gateway.socket(alice, SHARED);
  for (const garbage of ['', '{', '[]', '7', 'null', '{"type":"nonsense"}', '{"table":7}'])
    socket.send(garbage);
  const errors = await socket.until('error', 7);
  expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['BAD_REQUEST', 'VALIDATION_ERROR']));
  socket.send({ type: 'ping' });
  await socket.until('pong');
});

test('people see who else is on their page, on whatever gateway and transport, and when the last tab closes', async () => {
  const other = await world.gateway();
  using first = await gateway.socket(alice, SHARED);
  using second = await other.socket(alice, SHARED);
  const bob = world.secret(world.bob);
  first.send({ type: 'join', pagePath: '/tables/zaken-meldingen/?q=1' });
  const [sync] = await first.until('presence-sync');
  expect(sync).toMatchObject({ pagePath: '/tables/zaken-meldingen', users: [{ id: 'alice' }] });
  second.send({ type: 'join', pagePath: '/tables/zaken-meldingen' });
  await second.until('presence-sync');
  const path = '/api/realtime/presence?pagePath=/tables/zaken-meldingen';
  using stream = await SseClient.open(other.url(path), { authorization: `Bearer ${bob}` });
  expect(stream.status).toBe(200);
  const [join] = await first.until('join');
  expect(join).toMatchObject({ user: { id: 'bob', name: 'bob' } });
  const [told] = await stream.until(1);
  expect(told?.data).toMatchObject({ type: 'presence-sync', users: [{ id: 'alice' }, { id: 'bob' }] });
  second.socket.close();
  await second.untilClosed();
  first.send({ type: 'leave', pagePath: '/tables/zaken-meldingen' });
  await stream.until(2);
  expect(stream.events[1]?.data).toEqual({
    type: 'leave',
    userId: 'alice',
    pagePath: '/tables/zaken-meldingen',
  });
});

test('who edits what another one writes is told what is there now', async () => {
  using socket = await gateway.socket(alice, SHARED);
  const row = world.row({ titel: 'a', status: 'open' });
  await world.platform.created(row);
  const base = formatTimestamp(Date.now() - 60_000);
  socket.send({
    type: 'pending',
    table: 'zaken-meldingen',
    recordId: row.uuid,
    fields: ['status'],
    updatedAt: base,
  });
  socket.send({ type: 'ping' });
  await socket.until('pong');
  await world.platform.updated(row, { ...row, version: 2, properties: { titel: 'a', status: 'shut' } });
  const [conflict] = await socket.until('conflict');
  expect(conflict).toMatchObject({
    recordId: row.uuid,
    overwrittenFields: ['status'],
    authoritativeRecord: { fields: { titel: 'a', status: 'shut' } },
  });
  recordConflictSchema.parse(conflict);
  socket.send({
    type: 'pending',
    table: 'zaken-meldingen',
    recordId: row.uuid,
    fields: ['nergens'],
    updatedAt: base,
  });
  const [refused] = await socket.until('error');
  expect(refused).toMatchObject({ code: 'UNKNOWN_FIELD' });
  expect(refused?.['detail']).toContainEqual({ field: 'recordId', message: row.uuid });
});

test('a connection is renewed by a message, warned before its credential ends, and ended with it', async () => {
  const { platform } = world;
  using socket = await gateway.socket(alice, TABLE);
  await socket.until('subscribed');
  const soon = formatTimestamp(Date.now() + 30_000);
  await platform.change(world.alice.credential, { expiresAt: soon });
  expect((await socket.until('credential-expiring'))[0]).toMatchObject({ expiresAt: soon });
  socket.send({ type: 'token', token: world.secret(world.bob) });
  expect((await socket.until('error'))[0]).toMatchObject({ code: 'UNAUTHORIZED' });
  const renewed = credentialOf('alice');
  await platform.set(renewed);
  socket.send({ type: 'token', token: platform.secretOf(renewed) });
  expect((await socket.until('credential-renewed'))[0]).toMatchObject({ expiresAt: null });
  await platform.change(world.alice.credential, { endedAt: formatTimestamp(Date.now()) });
  await platform.created(world.row({ titel: 'a' }));
  await socket.until('change');
  await platform.change(renewed, { endedAt: formatTimestamp(Date.now()) });
  expect(await socket.untilClosed()).toEqual({ code: 4502, reason: 'CREDENTIAL_ENDED' });
});

test('only the subscription that a change of rights concerns is told to fetch again', async () => {
  const { platform } = world;
  const otherSchema = schemaOf(world.register, 'besluiten');
  const otherPolicy = policyOf('schema', otherSchema.id, {});
  await platform.set(otherPolicy, otherSchema);
  using socket = await gateway.socket(alice, SHARED);
  socket.send({ table: 'zaken-meldingen' });
  socket.send({ table: 'zaken-besluiten', subscriptionId: 'b' });
  await socket.until('subscribed', 2);
  await platform.change(otherPolicy, { authorization: { read: [] } });
  expect((await socket.until('resync'))[0]).toMatchObject({ reason: 'rights-changed', scope: ['b'] });
  await platform.created(world.row({ titel: 'a' }));
  await socket.until('change');
  expect(socket.of('resync')).toHaveLength(1);
});

test('a table that is deleted ends its subscription, and the connection goes on', async () => {
  const { platform } = world;
  using socket = await gateway.socket(alice, SHARED);
  socket.send({ table: 'zaken-meldingen' });
  await socket.until('subscribed');
  await platform.change(world.schema, { removed: true });
  expect((await socket.until('error'))[0]).toMatchObject({ code: 'GONE', subscriptionId: 'zaken-meldingen' });
  await socket.until('unsubscribed');
  socket.send({ table: 'zaken-meldingen' });
  expect((await socket.until('error', 2))[1]).toMatchObject({ code: 'NOT_FOUND' });
});

test('an operator sees one connection with all its tables, and ends it', async () => {
  using socket = await gateway.socket(alice, SHARED);
  socket.send({ table: 'zaken-meldingen', subscriptionId: 'x' });
  socket.send({ type: 'subscribe', topic: 'register/zaken' });
  await socket.until('subscribed', 2);
  const admin = world.secret(world.admin);
  const page = await listConnections(gateway, admin);
  expect(page.connections).toMatchObject([
    {
      id: socket.headers['tidewire-connection'],
      transport: 'websocket',
      tables: ['zaken-meldingen'],
      topics: ['register/zaken/schema/meldingen', 'register/zaken'],
    },
  ]);
  await ask(gateway, 'DELETE', `/api/connections/${page.connections[0]?.id}`, admin);
  expect(await socket.untilClosed()).toEqual({ code: 4505, reason: 'CONNECTION_ENDED' });
});

test('a gateway that restarts sends its sockets elsewhere, with their cursors', async () => {
  const leaving = await world.gateway();
  using socket = await leaving.socket(alice, TABLE);
  await socket.until('subscribed');
  await leaving.service.drain();
  expect(await socket.untilClosed()).toEqual({ code: 4001, reason: 'DRAINING' });
});
