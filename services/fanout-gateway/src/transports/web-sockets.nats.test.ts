import { streamMessageSchema } from '@tidewire/contract';
import { SocketClient } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
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
