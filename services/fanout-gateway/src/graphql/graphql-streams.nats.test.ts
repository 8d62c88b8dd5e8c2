import { GRAPHQL_STREAM_TOKEN_HEADER, formatTimestamp } from '@tidewire/contract';
import { credentialOf, waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SAMPLE, WHOLE } from '../../test/graphql-sockets.ts';
import { StreamRequests, connectOverSse, operation, subscribeOverSse } from '../../test/graphql-streams.ts';
import { ask, listConnections } from '../../test/operator.ts';
import type { SseClient } from '../../test/sse-client.ts';
import { World } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';

const TITLES = 'subscription { meldingenEvents { titel } }';

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

const both = (): readonly TestGateway[] => [gateway, other];

/** Waits until so many subscriptions run on both gateways together. */
async function untilSubscriptions(count: number): Promise<void> {
  await waitFor(
    async () => {
      const counts = await Promise.all(both().map((at) => at.metric('subscriptions')));
      return counts.reduce((sum, each) => sum + each, 0) === count;
    },
    { what: `${count} operations run` },
  );
}

/** What the stream told an operation. */
const told = (stream: SseClient, id: string): readonly unknown[] =>
  stream
    .named('next')
    .filter(({ data }) => data.id === id)
    .map(({ data }) => data.payload);

test('the client of graphql-sse has several operations on one stream, though each request reaches another gateway', async () => {
  const client = connectOverSse(both, alice);
  const before = world.platform.position;
  const missed = await world.platform.created(world.row({ titel: 'missed', status: 'nieuw' }));
  const live = subscribeOverSse(client, TITLES);
  const resumed = subscribeOverSse(client, SAMPLE, { lastEventId: before });
  await resumed.until(1);
  await untilSubscriptions(2);
  await world.platform.created(world.row({ titel: 'ü😀', status: 'nieuw' }));
  await resumed.until(2);
  await live.until(1);
  expect(resumed.results[0]).toEqual({
    data: { meldingenEvents: { _uuid: missed.uuid, titel: 'missed', status: 'nieuw' } },
    extensions: { eventId: world.platform.id(world.platform.last - 1) },
  });
  expect(live.events).toEqual([{ titel: 'ü😀' }]);
  expect(client.requests.slice(0, 2)).toEqual(['PUT', 'GET']);
  live.dispose();
  await untilSubscriptions(1);
  await world.platform.created(world.row({ titel: 'later', status: 'nieuw' }));
  await resumed.until(3);
  expect(live.events).toHaveLength(1);
  expect(resumed.error).toBeUndefined();
  resumed.dispose();
  await untilSubscriptions(0);
});

test('a field that may not be read is null, with an error that says so', async () => {
  await using hidden = await World.start();
  await hidden.platform.change(hidden.policy, { properties: { geheim: { read: ['behandelaars'] } } });
  const at = await hidden.gateway();
  const client = connectOverSse(() => [at], hidden.secret(hidden.bob));
  const denied = subscribeOverSse(client, 'subscription { meldingenEvents { titel geheim } }');
  await waitFor(async () => (await at.metric('subscriptions')) === 1, { what: 'it is subscribed' });
  await hidden.platform.created(hidden.row({ titel: 'a', geheim: 'stil' }));
  await denied.until(1);
  expect(denied.results).toMatchObject([
    {
      data: { meldingenEvents: { titel: 'a', geheim: null } },
      errors: [{ path: ['meldingenEvents', 'geheim'], extensions: { code: 'FIELD_FORBIDDEN' } }],
    },
  ]);
});

test('goes on behind its cursor at another gateway, and is told where it cannot', async () => {
  const first = subscribeOverSse(
    connectOverSse(() => [gateway], alice),
    SAMPLE,
  );
  await untilSubscriptions(1);
  await world.platform.created(world.row({ titel: 'seen', status: 'nieuw' }));
  await first.until(1);
  const missed = await world.platform.created(world.row({ titel: 'missed', status: 'nieuw' }));
  const client = connectOverSse(() => [other], alice);
  const again = subscribeOverSse(client, SAMPLE, { lastEventId: first.cursor });
  const lost = subscribeOverSse(client, SAMPLE, { lastEventId: 'nonsense' });
  await again.until(1);
  await lost.until(1);
  expect(again.events[0]).toMatchObject({ _uuid: missed.uuid });
  expect(lost.results[0]).toMatchObject({ data: null, extensions: { resync: { reason: 'malformed' } } });
  expect(lost.cursor).toMatch(/^evt-/);
  first.dispose();
  again.dispose();
  lost.dispose();
  await untilSubscriptions(0);
});

test('what is wrong with an operation is said in the stream, and the others go on', async () => {
  const client = connectOverSse(both, alice);
  const good = subscribeOverSse(client, TITLES);
  const wrong = subscribeOverSse(client, 'subscription { meldingenEvents { nothing } }');
  await waitFor(() => wrong.completed, { what: 'the wrong one is complete' });
  expect(wrong.results).toMatchObject([{ errors: [{ extensions: { code: 'BAD_REQUEST' } }] }]);
  await untilSubscriptions(1);
  await world.platform.created(world.row({ titel: 'a' }));
  await good.until(1);
  good.dispose();
  await untilSubscriptions(0);
});

test('a gateway that restarts sends its client to another one, where its operations go on', async () => {
  const leaving = await world.gateway();
  let gateways: readonly TestGateway[] = [leaving];
  const client = connectOverSse(() => gateways, alice);
  const request = { query: SAMPLE, extensions: {} as Record<string, unknown> };
  const recording = subscribeOverSse(client, SAMPLE);
  await waitFor(async () => (await leaving.metric('subscriptions')) === 1, { what: 'it is subscribed' });
  await world.platform.created(world.row({ titel: 'first', status: 'nieuw' }));
  await recording.until(1);
  gateways = both();
  await leaving.service.drain();
  await untilSubscriptions(1);
  await world.platform.created(world.row({ titel: 'second', status: 'nieuw' }));
  await recording.until(2);
  expect(recording.events.map(({ titel }) => titel)).toEqual(['first', 'second']);
  expect([recording.error, recording.completed, request.extensions]).toEqual([undefined, false, {}]);
  recording.dispose();
  await untilSubscriptions(0);
});

test('a client that reserves gets another stream, though it shows the token of the one that it had', async () => {
  const dying = await world.gatewayProcess();
  const requests = new StreamRequests(alice);
  const anew = async (token: string): Promise<void> => {
    const { status, text } = await requests.put(other, { [GRAPHQL_STREAM_TOKEN_HEADER]: token });
    expect([status, text.length, text === token]).toEqual([201, 32, false]);
    using stream = await requests.open(gateway, text);
    expect(stream.status).toBe(200);
    expect((await requests.post(other, text, operation('a', TITLES))).status).toBe(202);
  };
  const { text: token } = await requests.put(gateway);
  await anew(token);
  using stream = await requests.open(dying as unknown as TestGateway, token);
  await anew(token);
  expect(stream.status).toBe(200);
  await dying.kill();
  expect((await requests.post(other, token, operation('a', TITLES))).status).toBe(503);
  await anew(token);
});

test('a credential that ends ends every operation for good, then the stream', async () => {
  const { platform } = world;
  const short = credentialOf('bob');
  await platform.set(short);
  const client = connectOverSse(both, platform.secretOf(short));
  const recordings = [subscribeOverSse(client, TITLES), subscribeOverSse(client, SAMPLE)];
  await untilSubscriptions(2);
  const { length } = client.requests;
  await platform.change(short, { endedAt: formatTimestamp(Date.now()) });
  for (const recording of recordings) {
    await waitFor(() => recording.completed, { what: 'the operation is over' });
    expect(recording.results).toMatchObject([{ errors: [{ extensions: { code: 'CREDENTIAL_ENDED' } }] }]);
  }
  // It says good-bye to operations that are over, and never comes back.
  expect(client.requests.slice(length).filter((method) => method !== 'DELETE')).toEqual([]);
});

test('a stream is warned, renewed, listed and ended as every other connection', async () => {
  const { platform } = world;
  const [short, longer] = [credentialOf('bob'), credentialOf('bob')];
  await platform.set(short, longer);
  const requests = new StreamRequests(platform.secretOf(short));
  const { text: token } = await requests.put(gateway);
  const stream = await requests.open(other, token);
  await requests.post(gateway, token, operation('a', TITLES));
  const expiresAt = formatTimestamp(Date.now() + 30_000);
  await platform.change(short, { expiresAt });
  await stream.until(1);
  expect(told(stream, 'a')).toEqual([{ data: null, extensions: { credentialExpiring: { expiresAt } } }]);
  const id = String(stream.headers['tidewire-connection']);
  const renewal = `/api/realtime/connections/${id}/token`;
  expect((await ask(gateway, 'POST', renewal, platform.secretOf(longer))).status).toBe(204);
  await platform.change(short, { endedAt: formatTimestamp(Date.now()) });
  await platform.created(world.row({ titel: 'after' }));
  await stream.until(2);
  const admin = world.secret(world.admin);
  const page = await listConnections(gateway, admin, { credential: longer.id });
  expect(page.connections).toMatchObject([
    { id, transport: 'graphql-sse', topics: ['register/zaken/schema/meldingen'], tables: [] },
  ]);
  await ask(gateway, 'DELETE', `/api/connections/${id}`, admin);
  expect(await stream.untilClosed()).toBe('end');
  expect(told(stream, 'a').at(-1)).toMatchObject({ errors: [{ extensions: { code: 'CONNECTION_ENDED' } }] });
  expect(stream.named('complete').map(({ data }) => data)).toEqual([{ id: 'a' }]);
});

test('a quiet stream is kept open by comments, which say the position of each operation', async () => {
  const requests = new StreamRequests(alice);
  const { text: token } = await requests.put(gateway);
  const stream = await requests.open(gateway, token);
  await requests.post(
    gateway,
    token,
    operation('stil "1"', 'subscription { meldingenEvents(filter: {titel: "-"}) { titel } }'),
  );
  await world.platform.created(world.row({ titel: 'x' }));
  const { position } = world.platform;
  await waitFor(() => stream.comments.includes(`position ${position} "stil \\"1\\""`), {
    what: 'the position is told',
  });
  expect(stream.events).toEqual([]);
});

test('operations are told apart by ids of any form', async () => {
  const requests = new StreamRequests(alice);
  const { text: token } = await requests.put(gateway);
  const stream = await requests.open(other, token);
  const ids = ['__proto__', 'constructor', 'a\n\ndata: x', '"', 'ü😀'];
  for (const id of ids) expect((await requests.post(gateway, token, operation(id, TITLES))).status).toBe(202);
  await world.platform.created(world.row({ titel: 'a' }));
  await stream.until(ids.length);
  expect(new Set(stream.named('next').map(({ data }) => data.id))).toEqual(new Set(ids));
  for (const id of ids) expect((await requests.delete(gateway, token, id)).status).toBe(200);
  expect(stream.named('complete').map(({ data }) => data.id)).toEqual(ids);
});

test('each request is answered as the protocol says, at whatever gateway', async () => {
  const requests = new StreamRequests(alice);
  const { status, text: token } = await requests.put(gateway);
  expect([status, token.length]).toEqual([201, 32]);
  expect((await requests.post(other, token, operation('a', WHOLE))).code).toBe('NOT_FOUND');
  const stream = await requests.open(other, token);
  expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
  for (const at of both()) {
    expect((await requests.open(at, token)).status).toBe(409);
    const id = at === gateway ? 'a' : 'b';
    expect((await requests.post(at, token, operation(id, TITLES))).status).toBe(202);
    expect((await requests.post(at, token, operation(id, TITLES))).code).toBe('CONFLICT');
    expect((await requests.post(at, token, { query: TITLES })).status).toBe(400);
    expect((await requests.post(at, token, { extensions: { operationId: 'c' } })).status).toBe(400);
    expect((await requests.delete(at, token, 'never')).status).toBe(200);
    expect((await requests.delete(at, token, '')).status).toBe(400);
    expect((await requests.delete(at, token, id)).status).toBe(200);
    expect((await requests.post(at, token, operation(id, TITLES))).status).toBe(202);
  }
  stream[Symbol.dispose]();
  await waitFor(async () => (await requests.delete(gateway, token, 'a')).status === 404, {
    what: 'the stream is gone',
  });
  expect((await requests.open(gateway, token)).status).toBe(404);
});

test('of those who open one reservation at once exactly one gets it', async () => {
  const requests = new StreamRequests(alice);
  const { text: token } = await requests.put(gateway);
  const streams = await Promise.all([gateway, other, gateway, other].map((at) => requests.open(at, token)));
  expect(streams.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409, 409, 409]);
});

test('for everybody else a stream is not there, whoever knows its token', async () => {
  const own = new StreamRequests(alice);
  const foreign = new StreamRequests(bob);
  const reserved = (await own.put(gateway)).text;
  const opened = (await own.put(gateway)).text;
  const stream = await own.open(gateway, opened);
  await own.post(gateway, opened, operation('a', TITLES));
  for (const at of both()) {
    for (const token of [reserved, opened, 'x'.repeat(32), 'nonsense', '*', '>']) {
      const denied = await foreign.open(at, token);
      expect([denied.status, (await denied.json()).message], token).toEqual([404, 'There is no such stream']);
      expect(await foreign.post(at, token, operation('b', TITLES)), token).toMatchObject({ status: 404 });
      expect(await foreign.delete(at, token, 'a'), token).toMatchObject({ status: 404 });
      expect((await foreign.put(at, { [GRAPHQL_STREAM_TOKEN_HEADER]: token })).status, token).toBe(201);
    }
  }
  await world.platform.created(world.row({ titel: 'mine' }));
  await stream.until(1);
  expect(told(stream, 'a')).toMatchObject([{ data: { meldingenEvents: { titel: 'mine' } } }]);
  expect((await own.open(other, reserved)).status).toBe(200);
});
