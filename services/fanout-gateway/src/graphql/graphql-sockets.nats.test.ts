import { GRAPHQL_PATHS, GRAPHQL_SOCKET_PROTOCOL, formatTimestamp } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import type { SocketClient } from '@tidewire/test-kit';
import { createClient } from 'graphql-ws';
import type { Client, ClientOptions } from 'graphql-ws';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { GraphqlRecording } from '../../test/graphql-recording.ts';
import { ask, listConnections } from '../../test/operator.ts';
import { World, credentialOf, policyOf, schemaOf } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';

const SAMPLE = 'subscription { meldingenEvents(filter: {status: "nieuw"}) { _uuid titel status } }';
const WHOLE = 'subscription { meldingenEvents { _event _eventId _uuid titel status } }';

let world: World;
let gateway: TestGateway;
let other: TestGateway;
let alice: string;
let bob: string;

beforeAll(async () => {
  world = await World.start();
  [gateway, other] = await Promise.all([world.gateway(), world.gateway()]);
  [alice, bob] = [world.secret(world.alice), world.secret(world.bob)];
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const addressOf = (at: TestGateway): string => at.url(GRAPHQL_PATHS.subscriptions).replace(/^http/, 'ws');

/** The official client. It comes back at once, so that no test waits. */
function connect(at: TestGateway, secret: string | undefined, options: Partial<ClientOptions> = {}): Client {
  const client = createClient({
    url: () => addressOf(at),
    webSocketImpl: WebSocket,
    ...(secret !== undefined && { connectionParams: { token: secret } }),
    retryWait: async () => undefined,
    ...options,
  });
  onTestFinished(() => client.dispose());
  return client;
}

/** Subscribes, and waits until it is. */
async function subscribe(
  client: Client,
  query: string,
  extensions: Record<string, unknown> = {},
): Promise<GraphqlRecording> {
  const recording = new GraphqlRecording();
  const { promise, resolve } = Promise.withResolvers<void>();
  // The first position of an operation says that it has begun.
  const off = client.on('ping', () => resolve());
  recording.dispose = client.subscribe({ query, extensions }, recording.sink);
  await Promise.race([
    promise,
    waitFor(() => recording.results.length > 0 || recording.error !== undefined, { what: 'it is answered' }),
  ]);
  off();
  return recording;
}

/** A socket whose messages a test writes itself. */
async function open(
  at: TestGateway,
  secret: string | undefined,
  options: {
    readonly query?: string;
    readonly headers?: Record<string, string>;
    readonly protocol?: string;
  } = {},
): Promise<SocketClient> {
  const { query = '', headers = {}, protocol = GRAPHQL_SOCKET_PROTOCOL } = options;
  const socket = await at.socket(secret, `${GRAPHQL_PATHS.subscriptions}${query}`, { protocol, headers });
  onTestFinished(() => socket[Symbol.dispose]());
  return socket;
}

/** The same, acknowledged. */
async function openKnown(at: TestGateway, secret: string): Promise<SocketClient> {
  const socket = await open(at, secret);
  socket.send({ type: 'connection_init' });
  await socket.until('connection_ack');
  return socket;
}

const subscription = (id: string, query = WHOLE, extensions = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, extensions },
});

test('the client of graphql-ws is told what it selected, and its cursor with it', async () => {
  const recording = await subscribe(connect(gateway, alice), SAMPLE);
  const row = await world.platform.created(world.row({ titel: 'a', status: 'nieuw' }));
  await world.platform.created(world.row({ titel: 'b', status: 'open' }));
  await world.platform.created(world.row({ titel: 'ü😀', status: 'nieuw' }));
  const [first, second] = await recording.until(2);
  expect(first).toEqual({
    data: { meldingenEvents: { _uuid: row.uuid, titel: 'a', status: 'nieuw' } },
    extensions: { eventId: world.platform.id(world.platform.last - 2) },
  });
  expect(second?.data?.['meldingenEvents']).toMatchObject({ titel: 'ü😀' });
});

test('a field that may not be read is null, with an error that says so', async () => {
  await using hidden = await World.start();
  await hidden.platform.change(hidden.policy, { properties: { geheim: { read: ['behandelaars'] } } });
  const guarded = await hidden.gateway();
  const query = 'subscription { meldingenEvents { titel geheim } }';
  const allowed = await subscribe(connect(guarded, hidden.secret(hidden.alice)), query);
  const denied = await subscribe(connect(guarded, hidden.secret(hidden.bob)), query);
  await hidden.platform.created(hidden.row({ titel: 'a', geheim: 'stil' }));
  await allowed.until(1);
  await denied.until(1);
  expect(allowed.events).toEqual([{ titel: 'a', geheim: 'stil' }]);
  expect(denied.results).toMatchObject([
    {
      data: { meldingenEvents: { titel: 'a', geheim: null } },
      errors: [{ path: ['meldingenEvents', 'geheim'], extensions: { code: 'FIELD_FORBIDDEN' } }],
    },
  ]);
});

test('operations of one connection have ids, selections and cursors of their own', async () => {
  const client = connect(gateway, alice);
  const before = world.platform.position;
  const missed = await world.platform.created(world.row({ titel: 'missed', status: 'nieuw' }));
  const live = await subscribe(client, 'subscription { meldingenEvents { titel } }');
  const resumed = await subscribe(client, 'subscription { rows: meldingenEvents { _uuid } }', {
    lastEventId: before,
  });
  await resumed.until(1);
  await world.platform.created(world.row({ titel: 'next', status: 'nieuw' }));
  await live.until(1);
  await resumed.until(2);
  expect(live.events).toEqual([{ titel: 'next' }]);
  expect(resumed.events[0]).toEqual({ _uuid: missed.uuid });
});

test('goes on behind its cursor at another gateway', async () => {
  const first = await subscribe(connect(gateway, alice), SAMPLE);
  await world.platform.created(world.row({ titel: 'seen', status: 'nieuw' }));
  await first.until(1);
  const missed = await world.platform.created(world.row({ titel: 'missed', status: 'nieuw' }));
  for (const [query, extensions] of [
    ['', { lastEventId: first.cursor }],
    [`?lastEventId=${first.cursor}`, {}],
    // What the operation says itself counts.
    ['?lastEventId=nonsense', { lastEventId: first.cursor }],
  ] as const) {
    const client = connect(other, alice, { url: `${addressOf(other)}${query}` });
    const again = await subscribe(client, SAMPLE, extensions);
    await again.until(1);
    expect(again.events[0]).toMatchObject({ _uuid: missed.uuid, titel: 'missed' });
  }
});

test('a cursor that cannot be followed gives a result without data that says where to go on', async () => {
  const recording = await subscribe(connect(gateway, alice), WHOLE, { lastEventId: 'nonsense' });
  expect(recording.results).toMatchObject([{ data: null, extensions: { resync: { reason: 'malformed' } } }]);
  expect(recording.cursor).toMatch(/^evt-/);
});

test('a quiet operation is told its position in a ping, which says whose it is', async () => {
  const socket = await openKnown(gateway, alice);
  socket.send(subscription('quiet', 'subscription { meldingenEvents(filter: {titel: "never"}) { titel } }'));
  await world.platform.created(world.row({ titel: 'other' }));
  const { position } = world.platform;
  await waitFor(() => socket.of('ping').some(({ payload }) => payload.eventId === position), {
    what: 'the position is told',
  });
  expect(socket.of('ping').every(({ payload }) => payload.id === 'quiet')).toBe(true);
  expect(socket.of('next')).toEqual([]);
});

test('an operation that the client has completed is told nothing more, and its id is free', async () => {
  const socket = await openKnown(gateway, alice);
  socket.send(subscription('a', 'subscription { meldingenEvents { titel } }'));
  socket.send(subscription('b', 'subscription { meldingenEvents { titel } }'));
  await socket.until('ping', 2);
  socket.send({ id: 'a', type: 'complete' });
  socket.send(subscription('a', 'subscription { meldingenEvents { status } }'));
  socket.send({ id: 'never', type: 'complete' });
  await waitFor(
    () =>
      new Set(
        socket
          .of('ping')
          .slice(-2)
          .map(({ payload }) => payload.id),
      ).size === 2,
    {
      what: 'both are quiet',
    },
  );
  const subscriptions = await gateway.metric('subscriptions');
  await world.platform.created(world.row({ titel: 'x', status: 'y' }));
  await socket.until('next', 2);
  const told = new Map(socket.of('next').map(({ id, payload }) => [id, payload.data.meldingenEvents]));
  expect(told.get('a')).toEqual({ status: 'y' });
  expect(told.get('b')).toEqual({ titel: 'x' });
  socket.send({ id: 'b', type: 'complete' });
  await waitFor(async () => (await gateway.metric('subscriptions')) === subscriptions - 1, {
    what: 'the subscription is gone',
  });
});

test.each([
  ['subscription {', 'Syntax Error', 'BAD_REQUEST'],
  ['subscription { meldingenEvents { nothing } }', 'Cannot query field "nothing"', 'BAD_REQUEST'],
  ['subscription { besluitenEvents { _uuid } }', 'Cannot query field "besluitenEvents"', 'BAD_REQUEST'],
  ['{ meldingen { totalCount } }', 'Only subscriptions here', 'BAD_REQUEST'],
])(
  'what is wrong with %s is told to the operation, and the connection goes on',
  async (query, message, code) => {
    const socket = await openKnown(gateway, alice);
    socket.send(subscription('wrong', query));
    const [error] = await socket.until('error');
    expect(error).toMatchObject({ id: 'wrong', payload: [{ extensions: { code } }] });
    expect(error?.['payload'][0].message).toContain(message);
    socket.send(subscription('wrong'));
    await world.platform.created(world.row({ titel: 'a' }));
    await socket.until('next');
    expect(socket.of('complete')).toEqual([]);
  },
);

test('a credential comes with the request, or with connection_init in any of its forms', async () => {
  for (const payload of [
    { token: alice },
    { Authorization: `Bearer ${alice}` },
    { AUTHORIZATION: `bearer ${alice}`, locale: 'nl' },
  ]) {
    const socket = await open(gateway, undefined);
    expect(socket.status).toBe(101);
    expect(socket.headers).not.toHaveProperty('tidewire-connection');
    socket.send({ type: 'connection_init', payload });
    const [ack] = await socket.until('connection_ack');
    expect(ack?.['payload'].connectionId).toMatch(/^[0-9a-f-]{36}$/);
  }
  const known = await open(gateway, alice);
  known.send({ type: 'connection_init', payload: null });
  const [ack] = await known.until('connection_ack');
  expect(ack?.['payload']).toEqual({ connectionId: known.headers['tidewire-connection'] });
  const inAddress = await open(gateway, undefined, { query: `?token=${alice}` });
  inAddress.send({ type: 'connection_init' });
  await inAddress.until('connection_ack');
});

test('a credential that is not valid is refused with HTTP before the upgrade, or closes the socket', async () => {
  const refused = await open(gateway, 'nobody');
  expect([refused.status, JSON.parse(refused.body)]).toMatchObject([401, { code: 'UNAUTHORIZED' }]);
  for (const payload of [
    undefined,
    {},
    { token: null },
    { token: 'nobody' },
    { token: 7 },
    { token: alice, authorization: `Bearer ${bob}` },
  ]) {
    const socket = await open(gateway, undefined);
    socket.send({ type: 'connection_init', payload });
    expect((await socket.untilClosed()).code, JSON.stringify(payload)).toBe(4403);
    expect(socket.messages).toEqual([]);
  }
  // Whose the connection is was decided with the request.
  const known = await open(gateway, alice);
  known.send({ type: 'connection_init', payload: { token: bob } });
  expect((await known.untilClosed()).code).toBe(4403);
});

test('who has no credential gets what a public rule allows, where that is set', async () => {
  const { platform } = world;
  const public_ = await world.gateway({ TIDEWIRE_ANONYMOUS_STREAMS: 'true' });
  const schema = schemaOf(world.register, 'berichten');
  await platform.set(schema, policyOf('schema', schema.id, { read: ['public'] }));
  const recording = await subscribe(
    connect(public_, undefined),
    'subscription { berichtenEvents { titel } }',
  );
  expect(recording.error).toBeUndefined();
  await platform.created(world.row({ titel: 'open' }, { schema: { id: schema.id, slug: schema.slug } }));
  await recording.until(1);
  const hidden = await subscribe(connect(public_, undefined), WHOLE);
  expect(hidden.error).toMatchObject([{ message: expect.stringContaining('meldingenEvents') }]);
});

test('a session cookie opens a socket for allowed pages only', async () => {
  const guarded = await world.gateway({ TIDEWIRE_ALLOWED_ORIGINS: 'https://app.example' });
  const statusFrom = async (origin: string | undefined): Promise<number> => {
    const headers = { cookie: `tidewire_session=${alice}`, ...(origin !== undefined && { origin }) };
    return (await open(guarded, undefined, { headers })).status;
  };
  expect(await statusFrom('https://app.example')).toBe(101);
  expect(await statusFrom('https://evil.example')).toBe(403);
  expect(await statusFrom(undefined)).toBe(403);
});

test('what is no handshake of this protocol is refused before the upgrade', async () => {
  for (const options of [{ protocol: 'graphql-ws' }, { protocol: 'tidewire.v1' }, { query: '?query=x' }]) {
    const socket = await open(gateway, alice, options);
    expect([socket.status, JSON.parse(socket.body)]).toMatchObject([400, { code: 'BAD_REQUEST' }]);
  }
});

test('a credential that ends ends every operation for good, and the client does not come back', async () => {
  const { platform } = world;
  const short = credentialOf('bob');
  await platform.set(short);
  const closed: number[] = [];
  const client = connect(gateway, platform.secretOf(short));
  client.on('closed', (event) => void closed.push((event as { code: number }).code));
  const recordings = [await subscribe(client, WHOLE), await subscribe(client, SAMPLE)];
  await platform.change(short, { endedAt: formatTimestamp(Date.now()) });
  for (const recording of recordings) {
    expect(await recording.untilError()).toMatchObject([{ extensions: { code: 'CREDENTIAL_ENDED' } }]);
  }
  await waitFor(() => closed.length > 0, { what: 'the socket is closed' });
  await world.platform.created(world.row({ titel: 'secret' }));
  const socket = await openKnown(gateway, alice);
  socket.send(subscription('late', WHOLE, { lastEventId: platform.id(platform.last - 1) }));
  await socket.until('next');
  expect(recordings.map(({ results }) => results)).toEqual([[], []]);
  expect(closed).toHaveLength(1);
});

test('a revoked credential closes the socket with the code that its client takes as final', async () => {
  const { platform } = world;
  const short = credentialOf('bob');
  await platform.set(short);
  const socket = await openKnown(gateway, platform.secretOf(short));
  socket.send(subscription('a'));
  await socket.until('ping');
  await platform.change(short, { endedAt: formatTimestamp(Date.now()) });
  expect(await socket.untilClosed()).toEqual({ code: 4401, reason: 'CREDENTIAL_ENDED' });
  expect(socket.of('error')).toMatchObject([
    { id: 'a', payload: [{ extensions: { code: 'CREDENTIAL_ENDED' } }] },
  ]);
});

test('every operation is warned before the credential ends, and a renewal keeps the connection', async () => {
  const { platform } = world;
  const short = credentialOf('alice');
  const longer = credentialOf('alice');
  await platform.set(short, longer);
  const socket = await openKnown(gateway, platform.secretOf(short));
  socket.send(subscription('a'));
  socket.send(subscription('b', SAMPLE));
  await socket.until('ping', 2);
  const expiresAt = formatTimestamp(Date.now() + 30_000);
  await platform.change(short, { expiresAt });
  await socket.until('next', 2);
  expect(socket.of('next').map(({ id, payload }) => [id, payload])).toEqual(
    ['a', 'b'].map((id) => [id, { data: null, extensions: { credentialExpiring: { expiresAt } } }]),
  );
  const path = `/api/realtime/connections/${socket.of('connection_ack')[0]?.['payload'].connectionId}/token`;
  expect((await ask(other, 'POST', path, platform.secretOf(longer))).status).toBe(204);
  await platform.change(short, { endedAt: formatTimestamp(Date.now()) });
  await platform.created(world.row({ titel: 'after', status: 'nieuw' }));
  await socket.until('next', 4);
  expect(socket.closed).toBeUndefined();
});

test('a gateway that restarts sends its client to another one, where its operations go on', async () => {
  const leaving = await world.gateway();
  let at = leaving;
  const client = connect(gateway, alice, { url: () => addressOf(at) });
  const closed: number[] = [];
  client.on('closed', (event) => {
    at = other;
    closed.push((event as { code: number }).code);
  });
  const payload = { query: SAMPLE, extensions: {} as Record<string, unknown> };
  const recording = new GraphqlRecording();
  client.subscribe(payload, {
    ...recording.sink,
    next: (result) => {
      recording.sink.next(result);
      payload.extensions['lastEventId'] = recording.cursor;
    },
  });
  await waitFor(async () => (await leaving.metric('subscriptions')) === 1, { what: 'it is subscribed' });
  await world.platform.created(world.row({ titel: 'first', status: 'nieuw' }));
  await recording.until(1);
  const draining = leaving.service.drain();
  await world.platform.created(world.row({ titel: 'second', status: 'nieuw' }));
  await draining;
  await world.platform.created(world.row({ titel: 'third', status: 'nieuw' }));
  await recording.until(3);
  expect(recording.events.map(({ titel }) => titel)).toEqual(['first', 'second', 'third']);
  expect(closed).toEqual([4001]);
  expect(recording.error).toBeUndefined();
});

test('a schema that is deleted ends its operations, and the connection goes on', async () => {
  const { platform } = world;
  const schema = schemaOf(world.register, 'notities');
  await platform.set(schema, policyOf('schema', schema.id, {}));
  const socket = await openKnown(gateway, alice);
  socket.send(subscription('gone', 'subscription { notitiesEvents { titel } }'));
  socket.send(subscription('stays'));
  await socket.until('ping', 2);
  await platform.change(schema, { removed: true });
  const [error] = await socket.until('error');
  expect(error).toMatchObject({ id: 'gone', payload: [{ extensions: { code: 'GONE' } }] });
  await platform.created(world.row({ titel: 'a' }));
  await socket.until('next');
  socket.send(subscription('gone'));
  await platform.created(world.row({ titel: 'b' }));
  await waitFor(() => socket.of('next').some(({ id }) => id === 'gone'), { what: 'the id is free again' });
});

test('only the operation that a change of rights concerns is told to fetch again', async () => {
  const { platform } = world;
  const schema = schemaOf(world.register, 'besluiten');
  const policy = policyOf('schema', schema.id, {});
  await platform.set(policy, schema);
  const socket = await openKnown(gateway, alice);
  socket.send(subscription('a'));
  socket.send(subscription('b', 'subscription { besluitenEvents { titel } }'));
  await socket.until('ping', 2);
  await platform.change(policy, { authorization: { read: [] } });
  const [resync] = await socket.until('next');
  expect(resync).toMatchObject({
    id: 'b',
    payload: { data: null, extensions: { resync: { reason: 'rights-changed' } } },
  });
  await platform.created(world.row({ titel: 'a' }));
  await socket.until('next', 2);
  expect(socket.of('next').map(({ id }) => id)).toEqual(['b', 'a']);
});

test('an operator sees one connection with what its operations are about, and ends it', async () => {
  const { platform } = world;
  const own = credentialOf('bob');
  await platform.set(own);
  const socket = await openKnown(gateway, platform.secretOf(own));
  socket.send(subscription('a'));
  await socket.until('ping');
  const admin = world.secret(world.admin);
  const page = await listConnections(other, admin, { credential: own.id });
  expect(page.connections).toMatchObject([
    { transport: 'graphql-ws', tables: [], topics: ['register/zaken/schema/meldingen'], principal: 'bob' },
  ]);
  await ask(other, 'DELETE', `/api/connections/${page.connections[0]?.id}`, admin);
  expect(await socket.untilClosed()).toEqual({ code: 4401, reason: 'CONNECTION_ENDED' });
  expect(socket.of('error')).toMatchObject([{ payload: [{ extensions: { code: 'CONNECTION_ENDED' } }] }]);
});

test('equal selections of several operations share their class', async () => {
  await using shared = await World.start();
  const at = await shared.gateway();
  const socket = await openKnown(at, shared.secret(shared.alice));
  for (const id of ['1', '2', '3'])
    socket.send(subscription(id, 'subscription { meldingenEvents { titel } }'));
  await socket.until('ping', 3);
  expect(await at.metric('view_classes')).toBe(1);
  await shared.platform.created(shared.row({ titel: 'a' }));
  await socket.until('next', 3);
  expect(await at.metric('encodings_total')).toBe(1);
});
