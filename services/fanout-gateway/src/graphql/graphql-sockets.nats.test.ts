import type { ObjectType, Policy } from '@tidewire/contract';
import { policyOf, schemaOf, waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  SAMPLE,
  begin,
  WHOLE,
  connect,
  graphqlAddress,
  openKnown,
  subscribe,
  subscription,
} from '../../test/graphql-sockets.ts';
import { World } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';

let world: World;
let gateway: TestGateway;
let other: TestGateway;
let alice: string;
let notes: ObjectType;
let decisions: ObjectType;
let decisionsPolicy: Policy;

beforeAll(async () => {
  world = await World.start();
  [notes, decisions] = [schemaOf(world.register, 'notities'), schemaOf(world.register, 'besluiten')];
  decisionsPolicy = policyOf('schema', decisions.id, {});
  await world.platform.set(notes, policyOf('schema', notes.id, {}), decisions, decisionsPolicy);
  [gateway, other] = await Promise.all([world.gateway(), world.gateway()]);
  alice = world.secret(world.alice);
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
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
    const client = connect(other, alice, { url: `${graphqlAddress(other)}${query}` });
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

test('an operation is told its position in pings, when it begins and while it is quiet', async () => {
  const socket = await openKnown(gateway, alice);
  await begin(socket, 'quiet', 'subscription { meldingenEvents(filter: {titel: "never"}) { titel } }');
  expect(socket.of('ping')[0]?.['payload']).toEqual({ id: 'quiet', eventId: world.platform.position });
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
  await begin(socket, 'a', 'subscription { meldingenEvents { titel } }');
  await begin(socket, 'b', 'subscription { meldingenEvents { titel } }');
  socket.send({ id: 'never', type: 'complete' });
  socket.send({ id: 'a', type: 'complete' });
  await begin(socket, 'a', 'subscription { meldingenEvents { status } }');
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
  ['subscription { dossiersEvents { _uuid } }', 'Cannot query field "dossiersEvents"', 'BAD_REQUEST'],
  ['{ meldingen { totalCount } }', 'Only subscriptions here', 'BAD_REQUEST'],
])(
  'what is wrong with %s is told to the operation, and the connection goes on',
  async (query, message, code) => {
    const socket = await openKnown(gateway, alice);
    socket.send(subscription('wrong', query));
    const [error] = await socket.until('error');
    expect(error).toMatchObject({ id: 'wrong', payload: [{ extensions: { code } }] });
    expect(error?.['payload'][0].message).toContain(message);
    await begin(socket, 'wrong');
    await world.platform.created(world.row({ titel: 'a' }));
    await socket.until('next');
    expect(socket.of('complete')).toEqual([]);
  },
);

test('a schema that is deleted ends its operations, and the connection goes on', async () => {
  const { platform } = world;
  const socket = await openKnown(gateway, alice);
  await begin(socket, 'gone', 'subscription { notitiesEvents { titel } }');
  await begin(socket, 'stays');
  await platform.change(notes, { removed: true });
  const [error] = await socket.until('error');
  expect(error).toMatchObject({ id: 'gone', payload: [{ extensions: { code: 'GONE' } }] });
  await platform.created(world.row({ titel: 'a' }));
  await socket.until('next');
  await begin(socket, 'gone');
  await platform.created(world.row({ titel: 'b' }));
  await waitFor(() => socket.of('next').some(({ id }) => id === 'gone'), { what: 'the id is free again' });
});

test('only the operation that a change of rights concerns is told to fetch again', async () => {
  const { platform } = world;
  const socket = await openKnown(gateway, alice);
  await begin(socket, 'a');
  await begin(socket, 'b', 'subscription { besluitenEvents { titel } }');
  await platform.change(decisionsPolicy, { authorization: { read: [] } });
  const [resync] = await socket.until('next');
  expect(resync).toMatchObject({
    id: 'b',
    payload: { data: null, extensions: { resync: { reason: 'rights-changed' } } },
  });
  await platform.created(world.row({ titel: 'a' }));
  await socket.until('next', 2);
  expect(socket.of('next').map(({ id }) => id)).toEqual(['b', 'a']);
});

test('equal selections of several operations share their class', async () => {
  await using shared = await World.start();
  const at = await shared.gateway();
  const socket = await openKnown(at, shared.secret(shared.alice));
  for (const id of ['1', '2', '3']) await begin(socket, id, 'subscription { meldingenEvents { titel } }');
  expect(await at.metric('view_classes')).toBe(1);
  await shared.platform.created(shared.row({ titel: 'a' }));
  await socket.until('next', 3);
  expect(await at.metric('encodings_total')).toBe(1);
});
