import { formatTimestamp, streamMessageSchema } from '@tidewire/contract';
import { credentialOf, policyOf, schemaOf, waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask, listConnections } from '../../test/operator.ts';
import type { SseClient } from '../../test/sse-client.ts';
import { World } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';

const TABLE = { table: 'zaken-meldingen' };

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

/** Names of the subscriptions that were told of changes. */
const toldOf = (stream: SseClient): ReadonlySet<unknown> =>
  new Set(stream.ofType('change').map((each) => each.subscriptionId));

test('one stream carries several subscriptions, tables and topics, in the messages that a socket has', async () => {
  const subscriptions = [
    { ...TABLE, subscriptionId: 's1', filter: 'status:open', fields: ['titel'], sort: 'titel' },
    { type: 'subscribe', ...TABLE, subscriptionId: 's2', fields: ['status'] },
    { type: 'subscribe', topic: 'register/zaken', filter: { bedrag: { gte: 5 } } },
  ];
  using stream = await gateway.several(alice, subscriptions);
  expect(stream.status).toBe(200);
  expect(stream.headers['content-type']).toBe('text/event-stream');
  expect(stream.headers['tidewire-protocol']).toBe('1');
  const connectionId = stream.headers['tidewire-connection'];
  const begun = await stream.untilType('subscribed', 3);
  expect(begun).toMatchObject([
    { ...TABLE, subscriptionId: 's1', connectionId, filter: 'status:eq:open', sortTypes: ['text'] },
    { ...TABLE, subscriptionId: 's2', connectionId, fields: ['status'] },
    { topic: 'register/zaken', subscriptionId: 'register/zaken', connectionId },
  ]);
  using socket = await gateway.socket(alice, '/api/realtime/subscribe');
  for (const handshake of subscriptions) socket.send(handshake);
  await socket.until('subscribed', 3);
  await world.platform.created(world.row({ titel: 'a', status: 'open', bedrag: 7 }));
  await world.platform.created(world.row({ titel: 'b', status: 'shut', bedrag: 1 }));
  await stream.untilType('change', 3);
  await stream.untilType('event', 1);
  await socket.until('change', 3);
  await socket.until('event', 1);
  const inOrder = (messages: readonly unknown[]): string[] =>
    messages.map((each) => JSON.stringify(each)).sort();
  for (const type of ['change', 'event'])
    expect(inOrder(stream.ofType(type))).toEqual(inOrder(socket.of(type)));
  await waitFor(() => new Set(stream.ofType('heartbeat').map((each) => each.subscriptionId)).size === 3, {
    what: 'each subscription has its heartbeat',
    timeoutMs: 10_000,
  });
  for (const { id, event, data } of stream.events) {
    expect([id, event]).toEqual(['', 'message']);
    streamMessageSchema.parse(data);
  }
});

test('who missed nothing, and who was told all that it missed, is told so at once', async () => {
  const quiet = await world.gateway({ TIDEWIRE_SSE_HEARTBEAT_MS: '300000' });
  await world.platform.created(world.row({ titel: 'before' }));
  const cursor = world.platform.position;
  using level = await quiet.several(alice, [{ ...TABLE, subscriptionId: 's0', lastEventId: cursor }]);
  expect(await level.untilType('heartbeat', 1)).toMatchObject([{ subscriptionId: 's0', eventId: cursor }]);
  for (const titel of ['a', 'b']) await world.platform.created(world.row({ titel }));
  using stream = await quiet.several(alice, [
    { ...TABLE, subscriptionId: 's1', lastEventId: cursor },
    { type: 'subscribe', topic: 'register/zaken', subscriptionId: 's2', lastEventId: cursor },
  ]);
  await stream.untilType('heartbeat', 2);
  const { position } = world.platform;
  expect(stream.ofType('change')).toHaveLength(2);
  expect(stream.ofType('event')).toHaveLength(2);
  expect(
    new Set(
      stream.ofType('heartbeat').map(({ subscriptionId, eventId }) => [subscriptionId, eventId].join()),
    ),
  ).toEqual(new Set([`s1,${position}`, `s2,${position}`]));
});

test('a subscription that is refused is told so, and the others live on', async () => {
  using stream = await gateway.several(alice, [
    { table: 'nowhere', subscriptionId: 'absent' },
    { ...TABLE, subscriptionId: 's1' },
    { ...TABLE, subscriptionId: 'bad', filter: 'nothing:eq:1' },
    { type: 'subscribe', topic: 'nonsense', subscriptionId: 'topic' },
    { ...TABLE, subscriptionId: 's1' },
    { type: 'subscribe', topic: 'register/zaken', events: ['nothing'] },
    { ...TABLE, subscriptionId: 's2' },
  ]);
  const refused = await stream.untilType('error', 5);
  expect(refused.map(({ code, subscriptionId }) => [subscriptionId, code])).toEqual([
    ['absent', 'NOT_FOUND'],
    ['bad', 'UNKNOWN_FIELD'],
    ['topic', 'MALFORMED_TOPIC'],
    ['s1', 'CONFLICT'],
    ['register/zaken', 'BAD_REQUEST'],
  ]);
  await stream.untilType('subscribed', 2);
  // The one that has the name goes on.
  expect(stream.ofType('unsubscribed')).toEqual([
    { type: 'unsubscribed', table: 'nowhere', subscriptionId: 'absent' },
    { type: 'unsubscribed', ...TABLE, subscriptionId: 'bad' },
    { type: 'unsubscribed', subscriptionId: 'topic' },
    { type: 'unsubscribed', topic: 'register/zaken', subscriptionId: 'register/zaken' },
  ]);
  await world.platform.created(world.row({ titel: 'a' }));
  await stream.untilType('change', 2);
  expect(toldOf(stream)).toEqual(new Set(['s1', 's2']));
  for (const { data } of stream.events) streamMessageSchema.parse(data);
});

test('a stream on which nothing is subscribed to is over', async () => {
  using none = await gateway.several(alice, [{ table: 'nowhere' }, { table: 'elsewhere' }]);
  expect(none.status).toBe(200);
  const end = { code: 'CONNECTION_IDLE', reconnect: false };
  expect((await none.untilNamed('end')).data).toMatchObject(end);
  expect(await none.untilClosed()).toBe('end');
  expect(none.ofType('error')).toHaveLength(2);
  using stream = await gateway.several(alice, [TABLE, { table: 'nowhere' }]);
  await stream.untilType('subscribed');
  await world.platform.change(world.schema, { removed: true });
  const errors = await stream.untilType('error', 2);
  expect(errors[1]).toMatchObject({ code: 'GONE', subscriptionId: 'zaken-meldingen' });
  expect((await stream.untilNamed('end')).data).toMatchObject(end);
  expect(stream.ofType('unsubscribed')).toHaveLength(2);
});

test('each subscription goes on after its own cursor, at another gateway, over another transport', async () => {
  const other = await world.gateway();
  using socket = await gateway.socket(alice, '/api/realtime/subscribe');
  socket.send(TABLE);
  await socket.until('subscribed');
  await world.platform.created(world.row({ titel: 'a' }));
  const [first] = await socket.until('change');
  await world.platform.created(world.row({ titel: 'b' }));
  const [, second] = await socket.until('change', 2);
  using stream = await other.several(alice, [
    { ...TABLE, subscriptionId: 'early', lastEventId: first?.['eventId'] },
    { ...TABLE, subscriptionId: 'late', lastEventId: second?.['eventId'] },
    { ...TABLE, subscriptionId: 'lost', lastEventId: 'nonsense' },
  ]);
  await stream.untilType('change');
  await world.platform.created(world.row({ titel: 'c' }));
  await stream.untilType('change', 4);
  const titles = (name: string): unknown[] =>
    stream
      .ofType('change')
      .flatMap(({ subscriptionId, record }) => (subscriptionId === name ? [record.fields.titel] : []));
  expect([titles('early'), titles('late'), titles('lost')]).toEqual([['b', 'c'], ['c'], ['c']]);
  expect(stream.ofType('resync')).toMatchObject([{ reason: 'malformed', scope: ['lost'] }]);
});

test('only the subscription that a change of rights concerns is told to fetch again', async () => {
  const { platform } = world;
  const otherSchema = schemaOf(world.register, 'besluiten');
  const otherPolicy = policyOf('schema', otherSchema.id, {});
  await platform.set(otherPolicy, otherSchema);
  using stream = await gateway.several(alice, [TABLE, { table: 'zaken-besluiten', subscriptionId: 'b' }]);
  await stream.untilType('subscribed', 2);
  await platform.change(otherPolicy, { authorization: { read: [] } });
  expect((await stream.untilType('resync'))[0]).toMatchObject({ reason: 'rights-changed', scope: ['b'] });
  await platform.created(world.row({ titel: 'a' }));
  await stream.untilType('change');
  expect(stream.ofType('resync')).toHaveLength(1);
});

test('a stream is warned, renewed, listed and ended as every other connection', async () => {
  const { platform } = world;
  const [short, longer] = [credentialOf('bob'), credentialOf('bob')];
  await platform.set(short, longer);
  const subscriptions = [TABLE, { type: 'subscribe', topic: 'register/zaken' }];
  using stream = await gateway.several(platform.secretOf(short), subscriptions);
  await stream.untilType('subscribed', 2);
  const expiresAt = formatTimestamp(Date.now() + 30_000);
  await platform.change(short, { expiresAt });
  expect((await stream.untilType('credential-expiring'))[0]).toEqual({
    type: 'credential-expiring',
    expiresAt,
  });
  const id = String(stream.headers['tidewire-connection']);
  const renewal = `/api/realtime/connections/${id}/token`;
  expect((await ask(gateway, 'POST', renewal, platform.secretOf(longer))).status).toBe(204);
  await platform.change(short, { endedAt: formatTimestamp(Date.now()) });
  await platform.created(world.row({ titel: 'after' }));
  await stream.untilType('change');
  await stream.untilType('event');
  const admin = world.secret(world.admin);
  const page = await listConnections(gateway, admin, { credential: longer.id });
  expect(page.connections).toMatchObject([
    {
      id,
      transport: 'sse',
      tables: ['zaken-meldingen'],
      topics: ['register/zaken/schema/meldingen', 'register/zaken'],
    },
  ]);
  await ask(gateway, 'DELETE', `/api/connections/${id}`, admin);
  expect((await stream.untilNamed('end')).data).toMatchObject({ code: 'CONNECTION_ENDED', reconnect: false });
  expect(await stream.untilClosed()).toBe('end');
  expect(stream.ofType('resync')).toEqual([]);
});

test('a credential that ends ends the stream, and nothing comes after that', async () => {
  const { platform } = world;
  const brief = credentialOf('bob');
  await platform.set(brief);
  using stream = await gateway.several(platform.secretOf(brief), [TABLE, { ...TABLE, subscriptionId: 'b' }]);
  await stream.untilType('subscribed', 2);
  await platform.change(brief, { endedAt: formatTimestamp(Date.now()) });
  await platform.created(world.row({ titel: 'SECRET' }));
  expect((await stream.untilNamed('end')).data).toMatchObject({ code: 'CREDENTIAL_ENDED', reconnect: false });
  expect(await stream.untilClosed()).toBe('end');
  expect(stream.text).not.toContain('SECRET');
});

test('a gateway that restarts sends the stream elsewhere, with the cursors of its subscriptions', async () => {
  const leaving = await world.gateway();
  using stream = await leaving.several(alice, [TABLE, { ...TABLE, subscriptionId: 'b' }]);
  const [first] = await stream.untilType('subscribed', 2);
  await leaving.service.drain();
  expect((await stream.untilNamed('end')).data).toMatchObject({ code: 'DRAINING', reconnect: true });
  expect(await stream.untilClosed()).toBe('end');
  await world.platform.created(world.row({ titel: 'a' }));
  using again = await gateway.several(alice, [{ ...TABLE, lastEventId: first.eventId }]);
  expect((await again.untilType('change'))[0]).toMatchObject({ record: { fields: { titel: 'a' } } });
});

test('while rights cannot be confirmed the connection is told so once, and what was held follows', async () => {
  const stale = await world.gateway({ TIDEWIRE_STALENESS_LIMIT_MS: '1000' });
  using stream = await stale.several(alice, [TABLE, { ...TABLE, subscriptionId: 'b' }]);
  await stream.untilType('subscribed', 2);
  world.platform.pauseBeats();
  const status = { type: 'connection-status', transport: 'sse' };
  await stream.untilType('connection-status');
  await world.platform.created(world.row({ titel: 'a' }));
  expect(stream.ofType('change')).toEqual([]);
  world.platform.resumeBeats();
  await stream.untilType('change', 2);
  expect(await stream.untilType('connection-status', 2)).toEqual([
    { ...status, status: 'reconnecting' },
    { ...status, status: 'connected' },
  ]);
});
