import { formatTimestamp } from '@tidewire/contract';
import { credentialOf, policyOf, schemaOf, waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GraphqlRecording } from '../../test/graphql-recording.ts';
import {
  SAMPLE,
  WHOLE,
  begin,
  connect,
  graphqlAddress,
  openKnown,
  openSocket,
  subscribe,
  subscription,
} from '../../test/graphql-sockets.ts';
import { ask, listConnections } from '../../test/operator.ts';
import { World } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';

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

test('a credential comes with the request, or with connection_init in any of its forms', async () => {
  for (const payload of [
    { token: alice },
    { Authorization: `Bearer ${alice}` },
    { AUTHORIZATION: `bearer ${alice}`, locale: 'nl' },
  ]) {
    const socket = await openSocket(gateway, undefined);
    expect(socket.status).toBe(101);
    expect(socket.headers).not.toHaveProperty('tidewire-connection');
    socket.send({ type: 'connection_init', payload });
    const [ack] = await socket.until('connection_ack');
    expect(ack?.['payload'].connectionId).toMatch(/^[0-9a-f-]{36}$/);
  }
  const known = await openSocket(gateway, alice);
  known.send({ type: 'connection_init', payload: null });
  const [ack] = await known.until('connection_ack');
  expect(ack?.['payload']).toEqual({ connectionId: known.headers['tidewire-connection'] });
  const inAddress = await openSocket(gateway, undefined, { query: `?token=${alice}` });
  inAddress.send({ type: 'connection_init' });
  await inAddress.until('connection_ack');
});

test('a credential that is not valid is refused with HTTP before the upgrade, or closes the socket', async () => {
  const refused = await openSocket(gateway, 'nobody');
  expect([refused.status, JSON.parse(refused.body)]).toMatchObject([401, { code: 'UNAUTHORIZED' }]);
  for (const payload of [
    undefined,
    {},
    { token: null },
    { token: 'nobody' },
    { token: 7 },
    { token: alice, authorization: `Bearer ${bob}` },
  ]) {
    const socket = await openSocket(gateway, undefined);
    socket.send({ type: 'connection_init', payload });
    expect((await socket.untilClosed()).code, JSON.stringify(payload)).toBe(4403);
    expect(socket.messages).toEqual([]);
  }
  // Whose the connection is was decided with the request.
  const known = await openSocket(gateway, alice);
  known.send({ type: 'connection_init', payload: { token: bob } });
  expect((await known.untilClosed()).code).toBe(4403);
});

test('who has no credential gets what a public rule allows, where that is set', async () => {
  const { platform } = world;
  const schema = schemaOf(world.register, 'berichten');
  await platform.set(schema, policyOf('schema', schema.id, { read: ['public'] }));
  const public_ = await world.gateway({ TIDEWIRE_ANONYMOUS_STREAMS: 'true' });
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
    return (await openSocket(guarded, undefined, { headers })).status;
  };
  expect(await statusFrom('https://app.example')).toBe(101);
  expect(await statusFrom('https://evil.example')).toBe(403);
  expect(await statusFrom(undefined)).toBe(403);
});

test('what is no handshake of this protocol is refused before the upgrade', async () => {
  for (const options of [{ protocol: 'graphql-ws' }, { protocol: 'tidewire.v1' }, { query: '?query=x' }]) {
    const socket = await openSocket(gateway, alice, options);
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
  await begin(socket, 'a');
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
  await begin(socket, 'a');
  await begin(socket, 'b', SAMPLE);
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
  const client = connect(gateway, alice, { url: () => graphqlAddress(at) });
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

test('an operator sees one connection with what its operations are about, and ends it', async () => {
  const { platform } = world;
  const own = credentialOf('bob');
  await platform.set(own);
  const socket = await openKnown(gateway, platform.secretOf(own));
  await begin(socket, 'a');
  const admin = world.secret(world.admin);
  const page = await listConnections(other, admin, { credential: own.id });
  expect(page.connections).toMatchObject([
    { transport: 'graphql-ws', tables: [], topics: ['register/zaken/schema/meldingen'], principal: 'bob' },
  ]);
  await ask(other, 'DELETE', `/api/connections/${page.connections[0]?.id}`, admin);
  expect(await socket.untilClosed()).toEqual({ code: 4401, reason: 'CONNECTION_ENDED' });
  expect(socket.of('error')).toMatchObject([{ payload: [{ extensions: { code: 'CONNECTION_ENDED' } }] }]);
});
