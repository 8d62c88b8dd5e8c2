import { GRAPHQL_PATHS, graphqlResultSchema } from '@tidewire/contract';
import { policyOf, register, schemaOf, waitFor } from '@tidewire/test-kit';
import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SseClient } from '../../test/sse-client.ts';
import { World } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';

const SAMPLE = 'subscription { meldingenEvents(filter: {status: "nieuw"}) { _uuid titel status } }';
const WHOLE = 'subscription { meldingenEvents { _event _eventId _changed _uuid _version titel status } }';

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

/** What each `next` carried, each of them checked against the published schema. */
function results(stream: SseClient): readonly unknown[] {
  return stream.named('next').map(({ data }) => {
    graphqlResultSchema.parse(data);
    return data as unknown;
  });
}

/** What the sample's root field was told. */
const told = (stream: SseClient): readonly unknown[] =>
  results(stream).map((result) => (result as { data: { meldingenEvents: unknown } }).data.meldingenEvents);

test('the sample tells what was selected and nothing else, with the event id as the cursor', async () => {
  using stream = await gateway.graphql(alice, SAMPLE);
  expect(stream.status).toBe(200);
  expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream', 'tidewire-protocol': '1' });
  const row = await world.platform.created(world.row({ titel: 'a', status: 'nieuw' }));
  await world.platform.created(world.row({ titel: 'b', status: 'open' }));
  await world.platform.created(world.row({ titel: 'c', status: 'nieuw' }));
  const [first] = await stream.until(2);
  expect(first).toEqual({
    id: world.platform.id(world.platform.last - 2),
    event: 'next',
    data: { data: { meldingenEvents: { _uuid: row.uuid, titel: 'a', status: 'nieuw' } } },
  });
  expect(told(stream)[1]).toMatchObject({ titel: 'c' });
});

test('a row that enters, changes, leaves and is deleted is told as such', async () => {
  const fields = '_event _changed _uuid titel status';
  using stream = await gateway.graphql(
    alice,
    `subscription { meldingenEvents(filter: {status: "nieuw"}) { ${fields} } }`,
  );
  const { platform } = world;
  const row = await platform.created(world.row({ titel: 'a', status: 'open' }));
  const entered = await platform.updated(row, { properties: { titel: 'a', status: 'nieuw' } });
  const updated = await platform.updated(entered, { properties: { titel: 'b', status: 'nieuw' } });
  await platform.updated(updated, { properties: { titel: 'b', status: 'open' } });
  await platform.deleted(await platform.created(world.row({ titel: 'z', status: 'nieuw' })));
  await stream.until(5);
  const gone = { _changed: null, titel: null, status: null };
  expect(told(stream)).toEqual([
    { _event: 'ENTERED', _changed: null, _uuid: row.uuid, titel: 'a', status: 'nieuw' },
    { _event: 'UPDATED', _changed: ['titel'], _uuid: row.uuid, titel: 'b', status: 'nieuw' },
    { _event: 'REMOVED', _uuid: row.uuid, ...gone },
    expect.objectContaining({ _event: 'CREATED', titel: 'z' }),
    expect.objectContaining({ _event: 'DELETED', ...gone }),
  ]);
});

test('aliases, fragments, variables and events= of the document are followed', async () => {
  const document = `
    subscription Watch($wanted: [String!], $withTitle: Boolean!) {
      rows: meldingenEvents(filter: {_or: [{status: {in: $wanted}}, {titel: {startsWith: "x"}}]}, events: [UPDATED]) {
        ...Shown
        id: _uuid
        __typename
      }
    }
    fragment Shown on MeldingenEvent { naam: titel @include(if: $withTitle) ... { status } }`;
  const variables = JSON.stringify({ wanted: ['nieuw', 'open'], withTitle: true });
  using stream = await gateway.graphql(alice, document, `&variables=${encodeURIComponent(variables)}`);
  const row = await world.platform.created(world.row({ titel: 'a', status: 'open' }));
  await world.platform.updated(row, { properties: { titel: 'b', status: 'nieuw' } });
  await stream.until(1);
  expect(results(stream)).toEqual([
    { data: { rows: { naam: 'b', status: 'nieuw', id: row.uuid, __typename: 'MeldingenEvent' } } },
  ]);
});

test('a field that may not be read is null, with an error that says so, on the rows where it may not', async () => {
  await using hidden = await World.start();
  await hidden.platform.change(hidden.policy, {
    properties: { geheim: { read: [{ group: 'authenticated', match: { status: 'open' } }] } },
  });
  const guarded = await hidden.gateway();
  const secret = hidden.secret(hidden.bob);
  using stream = await guarded.graphql(
    secret,
    'subscription { meldingenEvents { tekst: geheim status _changed } }',
  );
  const row = await hidden.platform.created(hidden.row({ geheim: 'verborgen', status: 'nieuw' }));
  await hidden.platform.updated(row, { properties: { geheim: 'gezien', status: 'open' } });
  await stream.until(2);
  expect(results(stream)).toEqual([
    {
      data: { meldingenEvents: { tekst: null, status: 'nieuw', _changed: null } },
      errors: [
        {
          message: "You may not read 'tekst'",
          path: ['meldingenEvents', 'tekst'],
          extensions: { code: 'FIELD_FORBIDDEN' },
        },
      ],
    },
    // The value before may not be read, so that it is not said whether it changed.
    { data: { meldingenEvents: { tekst: 'gezien', status: 'open', _changed: ['status'] } } },
  ]);
  expect(stream.text).not.toContain('verborgen');
});

test('a stored value that is not of its type is null with an error, and the rest is told', async () => {
  using stream = await gateway.graphql(alice, 'subscription { meldingenEvents { titel status } }');
  await world.platform.created(world.row({ titel: { not: 'a text' }, status: 'nieuw' }));
  await stream.until(1);
  expect(results(stream)).toMatchObject([
    {
      data: { meldingenEvents: { titel: null, status: 'nieuw' } },
      errors: [{ path: ['meldingenEvents', 'titel'], extensions: { code: 'INTERNAL_ERROR' } }],
    },
  ]);
});

test('goes on behind its cursor at another gateway, by header, address or extensions', async () => {
  using stream = await gateway.graphql(alice, WHOLE);
  await world.platform.created(world.row({ titel: 'seen' }));
  const [{ id } = { id: '' }] = await stream.until(1);
  const missed = await world.platform.created(world.row({ titel: 'missed' }));
  const extensions = encodeURIComponent(JSON.stringify({ lastEventId: id }));
  const ways: readonly (readonly [string, Record<string, string>])[] = [
    ['', { 'last-event-id': id }],
    [`&lastEventId=${id}`, {}],
    [`&extensions=${extensions}`, {}],
  ];
  for (const [more, headers] of ways) {
    using again = await other.graphql(alice, WHOLE, more, headers);
    const events = await again.until(1);
    expect(events[0]?.data.data.meldingenEvents).toMatchObject({
      _event: 'CREATED',
      _uuid: missed.uuid,
      _eventId: events[0]?.id,
      titel: 'missed',
    });
  }
});

test('a cursor that cannot be followed gives a result without data that says where to go on', async () => {
  using stream = await gateway.graphql(alice, WHOLE, '&lastEventId=nonsense');
  await stream.until(1);
  expect(results(stream)).toEqual([
    { data: null, extensions: { resync: expect.objectContaining({ reason: 'malformed' }) } },
  ]);
  expect(stream.events[0]?.id).toBe(stream.events[0]?.data.extensions.resync.current);
});

test('a quiet stream moves its cursor without an event', async () => {
  using stream = await gateway.graphql(
    alice,
    'subscription { meldingenEvents(filter: {titel: "never"}) { _uuid } }',
  );
  await world.platform.created(world.row({ titel: 'other' }));
  const { position } = world.platform;
  await waitFor(() => stream.lastEventId === position, { what: 'a heartbeat brings the position' });
  expect(stream.events).toEqual([]);
});

test.each([
  ['subscription {', 'Syntax Error'],
  ['subscription { meldingenEvents { nothing } }', 'Cannot query field "nothing"'],
  ['subscription { besluitenEvents { _uuid } }', 'Cannot query field "besluitenEvents"'],
  ['subscription { a: meldingenEvents { _uuid } b: meldingenEvents { _uuid } }', 'only one top level field'],
  ['{ meldingen { totalCount } }', 'Only subscriptions here'],
  ['subscription { meldingenEvents(filter: {status: {like: "x"}}) { _uuid } }', 'Unknown operator'],
])('what is wrong with %s is said in the stream, which is over then', async (document, message) => {
  using stream = await gateway.graphql(alice, document);
  expect(stream.status).toBe(200);
  expect(await stream.untilClosed()).toBe('end');
  expect(stream.events.map(({ event }) => event)).toEqual(['next', 'complete']);
  const [{ errors } = { errors: [] }] = results(stream) as {
    errors: { message: string; extensions: object }[];
  }[];
  expect(errors[0]?.message).toContain(message);
  expect(errors[0]?.extensions).toHaveProperty('code');
});

test('an EventSource that comes back after the end is told that there is nothing more', async () => {
  using stream = await gateway.graphql(alice, 'subscription { nothing }');
  await stream.untilClosed();
  using again = await gateway.graphql(alice, 'subscription { nothing }', '', {
    'last-event-id': stream.lastEventId,
  });
  expect(again.status).toBe(204);
});

test('a schema that may not be known is refused in the words of one that is not there', async () => {
  const secret = register('geheim');
  const schema = schemaOf(secret, 'dossiers');
  await world.platform.set(
    secret,
    schema,
    policyOf('register', secret.id, {
      read: ['nobody'],
      create: ['nobody'],
      update: ['nobody'],
      delete: ['nobody'],
    }),
    policyOf('schema', schema.id, {}),
  );
  const words = async (name: string): Promise<string> => {
    using stream = await gateway.graphql(bob, `subscription { ${name}Events { _uuid } }`);
    await stream.untilClosed();
    return stream.text.replaceAll(name, 'NAME');
  };
  expect(await words('dossiers')).toBe(await words('absent'));
});

test('who has no credential is refused before the stream', async () => {
  using stream = await gateway.graphql(undefined, SAMPLE);
  expect(stream.status).toBe(401);
});

test('what is no request of GraphQL is refused in the stream or before it, never with a stack', async () => {
  using nothing = await SseAt('');
  expect(nothing.status).toBe(400);
  using broken = await SseAt('?query=subscription&variables={');
  expect(broken.status).toBe(400);
  using unknown = await SseAt('?query=subscription&filter=x');
  expect((await unknown.json()).message).toContain("'filter' is not a parameter here");
});

async function SseAt(query: string): Promise<SseClient> {
  const { SseClient: Client } = await import('../../test/sse-client.ts');
  return await Client.open(gateway.url(`${GRAPHQL_PATHS.subscriptions}${query}`), {
    authorization: `Bearer ${alice}`,
  });
}

test('a credential that ends is said as a last error; what can be come back from just ends', async () => {
  await using ending = await World.start();
  const { platform } = ending;
  const [one, two] = [await ending.gateway(), await ending.gateway()];
  using revoked = await one.graphql(ending.secret(ending.bob), WHOLE);
  using drained = await two.graphql(ending.secret(ending.alice), WHOLE);
  await platform.change(ending.bob.credential, { endedAt: '2026-01-01T00:00:00.000Z' });
  await revoked.untilClosed();
  expect(revoked.events.map(({ event }) => event)).toEqual(['next', 'complete']);
  expect(results(revoked)).toMatchObject([{ errors: [{ extensions: { code: 'CREDENTIAL_ENDED' } }] }]);
  await two.service.drain();
  expect(await drained.untilClosed()).toBe('end');
  expect(drained.events).toEqual([]);
});

test('the client of graphql-sse follows a subscription, and comes back when a gateway restarts', async () => {
  await using restarted = await World.start();
  const [one, two] = [await restarted.gateway(), await restarted.gateway()];
  let at = one;
  const client = createClient({
    url: () => Promise.resolve(at.url(GRAPHQL_PATHS.subscriptions)),
    headers: { authorization: `Bearer ${restarted.secret(restarted.alice)}` },
    retryAttempts: 5,
    retry: async () => {
      at = two;
    },
  });
  const titles: unknown[] = [];
  const errors: unknown[] = [];
  const dispose = client.subscribe<{ meldingenEvents: { titel: string } }>(
    { query: 'subscription { meldingenEvents { titel } }' },
    {
      next: ({ data }) => void titles.push(data?.meldingenEvents.titel),
      error: (error) => void errors.push(error),
      complete: () => undefined,
    },
  );
  await waitFor(async () => (await one.metric('connections')) === 1, { what: 'the client is connected' });
  await restarted.platform.created(restarted.row({ titel: 'first' }));
  await waitFor(() => titles.length === 1, { what: 'the first event arrives' });
  await one.service.drain();
  await waitFor(async () => (await two.metric('connections')) === 1, { what: 'the client is back' });
  await restarted.platform.created(restarted.row({ titel: 'second' }));
  await waitFor(() => titles.length === 2, { what: 'the second event arrives' });
  dispose();
  expect(titles).toEqual(['first', 'second']);
  expect(errors).toEqual([]);
});

test('equal selections share a frame, and only what is selected is encoded', async () => {
  await using shared = await World.start();
  const at = await shared.gateway();
  const secret = shared.secret(shared.alice);
  const streams = await Promise.all([
    at.graphql(secret, 'subscription { meldingenEvents { titel _uuid } }'),
    at.graphql(
      secret,
      'subscription Named { meldingenEvents { ... on MeldingenEvent { titel } _uuid titel } }',
    ),
    at.graphql(secret, 'subscription { meldingenEvents { _uuid titel } }'),
  ]);
  await shared.platform.created(shared.row({ titel: 'a', geheim: 'not selected' }));
  for (const stream of streams) {
    await stream.until(1);
    expect(stream.text).not.toContain('not selected');
  }
  expect(await at.metric('view_classes')).toBe(2);
  for (const stream of streams) stream[Symbol.dispose]();
});

test('a property that is added can be selected from then on, and streams that are open go on', async () => {
  await using changing = await World.start();
  const at = await changing.gateway();
  const secret = changing.secret(changing.alice);
  using before = await at.graphql(secret, 'subscription { meldingenEvents { titel } }');
  const document = 'subscription { meldingenEvents { titel kleur } }';
  using early = await at.graphql(secret, document);
  expect(await early.untilClosed()).toBe('end');
  const { properties } = changing.schema;
  await changing.platform.change(changing.schema, {
    properties: { ...properties, kleur: { type: 'string' } },
  });
  await waitFor(() => before.lastEventId === changing.platform.position, { what: 'the change is known' });
  using after = await at.graphql(secret, document);
  await changing.platform.created(changing.row({ titel: 'a', kleur: 'rood' }));
  await after.until(1);
  expect(told(after)).toEqual([{ titel: 'a', kleur: 'rood' }]);
  await before.until(2);
  expect(results(before)).toEqual([
    { data: null, extensions: { resync: expect.objectContaining({ reason: 'rights-changed' }) } },
    { data: { meldingenEvents: { titel: 'a' } } },
  ]);
});
