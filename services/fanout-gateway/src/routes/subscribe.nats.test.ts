import { HTTP_HEADERS, TOPIC_PATTERNS } from '@tidewire/contract';
import type { Organisation } from '@tidewire/contract';
import {
  credentialOf,
  organisation,
  person,
  policyOf,
  register,
  schemaOf,
  waitFor,
} from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SseClient } from '../../test/sse-client.ts';
import { World } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';

const TOPIC = 'topic=register/zaken/schema/meldingen';
const UNKNOWN_UUID = '550e8400-e29b-41d4-a716-446655440000';

let world: World;
let gateway: TestGateway;
let alice: string;

beforeAll(async () => {
  world = await World.start();
  gateway = await world.gateway();
  alice = world.secret(world.alice);
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

/** An organisation above alice's, whose rows she may read too. */
async function platformParent(): Promise<Organisation> {
  const parent = organisation('provincie');
  await world.platform.set(parent);
  await world.platform.change(world.organisation, { parent: parent.id });
  return parent;
}

const refused = async (client: SseClient): Promise<{ status: number; code: string; message: string }> => {
  const { code, message } = await client.json();
  return { status: client.status, code, message };
};

test('delivers created, updated and deleted as CloudEvents in the order of the log', async () => {
  using stream = await gateway.subscribe(alice, TOPIC);
  expect(stream.status).toBe(200);
  const { platform } = world;
  const row = await platform.created(world.row({ titel: 'a', status: 'nieuw' }));
  const next = await platform.updated(row, { properties: { titel: 'a', status: 'open' } });
  await platform.deleted(next);
  const events = await stream.until(3);
  expect(events.map(({ event }) => event)).toEqual(['object.created', 'object.updated', 'object.deleted']);
  const { last } = platform;
  expect(events.map(({ id }) => id)).toEqual([last - 2, last - 1, last].map((n) => platform.id(n)));
  expect(events[1]?.data).toMatchObject({
    specversion: '1.0',
    id: events[1]?.id,
    source: 'http://127.0.0.1:8080',
    type: 'nl.conduction.openregister.object.updated',
    subject: row.uuid,
    correlationid: expect.stringContaining('request-'),
    data: { register: 'zaken', schema: 'meldingen', changed: { status: { old: 'nieuw', new: 'open' } } },
  });
});

test('never tells a client of the trace of a request', async () => {
  using stream = await gateway.subscribe(alice, TOPIC);
  await world.platform.created(world.row());
  await stream.until(1);
  expect(stream.text).not.toContain('traceparent');
  expect(stream.text).not.toContain('0af7651916cd43dd8448eb211c80319c');
  expect(stream.headers[HTTP_HEADERS.traceparent]).toBeUndefined();
});

test('begins with connection, topics, position and retry, and says so in the headers', async () => {
  using stream = await gateway.subscribe(alice, `${TOPIC}&topic=object/${UNKNOWN_UUID}`);
  await waitFor(() => stream.comments.length > 0, { what: 'the first comment arrives' });
  expect(stream.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'connection': 'close',
    'x-accel-buffering': 'no',
    'tidewire-protocol': '1',
  });
  const id = stream.headers[HTTP_HEADERS.connection];
  expect(stream.comments.slice(0, 3)).toEqual([
    `connection ${String(id)}`,
    `topics register/zaken/schema/meldingen object/${UNKNOWN_UUID}`,
    `position ${world.platform.position}`,
  ]);
  expect(stream.retryMs).toBeGreaterThanOrEqual(1000);
  expect(stream.retryMs).toBeLessThanOrEqual(8000);
  expect(stream.lastEventId).toBe(world.platform.position);
});

test('a quiet stream is told its position', async () => {
  using stream = await gateway.subscribe(alice, `topic=object/${UNKNOWN_UUID}`);
  await world.platform.created(world.row());
  const { position } = world.platform;
  await waitFor(() => stream.lastEventId === position, { what: 'a heartbeat brings the position' });
  expect(stream.events).toEqual([]);
});

test('delivers an event once that several topics hold', async () => {
  const row = world.row();
  const topics = `${TOPIC}&topic=register/zaken&topic=object/${row.uuid}&topic=organisation/${world.organisation.id}`;
  using stream = await gateway.subscribe(alice, topics);
  await world.platform.created(row);
  await world.platform.created(world.row());
  const events = await stream.until(2);
  expect(events.map(({ id }) => id)).toEqual([
    world.platform.id(world.platform.last - 1),
    world.platform.id(world.platform.last),
  ]);
});

test.each(['register/zaken', 'register/zaken/schema/meldingen', 'object', 'organisation'])(
  'the topic %s brings the events that belong to it and no others',
  async (kind) => {
    const row = world.row();
    const topics = new Map([
      ['object', `object/${row.uuid}`],
      ['organisation', `organisation/${world.organisation.id}`],
    ]);
    const parent = await platformParent();
    using stream = await gateway.subscribe(alice, `topic=${topics.get(kind) ?? kind}`);
    const foreign = register('elders');
    const foreignSchema = schemaOf(foreign, 'dingen');
    const elsewhere = world.row({}, { register: foreign, schema: foreignSchema, organisation: parent.id });
    await world.platform.set(
      policyOf('schema', foreignSchema.id, { read: ['authenticated'] }),
      foreign,
      foreignSchema,
    );
    using everything = await gateway.subscribe(alice, `topic=object/${elsewhere.uuid}`);
    await world.platform.created(elsewhere);
    await world.platform.created(row);
    const events = await stream.until(1);
    expect(events.map(({ data }) => data.subject)).toEqual([row.uuid]);
    // It could be seen: only the topic kept it away.
    expect((await everything.until(1)).map(({ data }) => data.subject)).toEqual([elsewhere.uuid]);
  },
);

test('filters, trims to fields and to kinds of events', async () => {
  const query = `${TOPIC}&filter[status]=open&filter[bedrag][gte]=10&_fields=status&events=object.created`;
  using stream = await gateway.subscribe(alice, query);
  const { platform } = world;
  await platform.created(world.row({ status: 'dicht', bedrag: 50 }));
  await platform.created(world.row({ status: 'open', bedrag: 5 }));
  const row = await platform.created(world.row({ status: 'open', bedrag: 50, titel: 'x' }));
  await platform.updated(row, { properties: { status: 'open', bedrag: 60 } });
  const last = await platform.created(world.row({ status: 'open', bedrag: 70 }));
  const events = await stream.until(2);
  expect(events.map(({ data }) => data.subject)).toEqual([row.uuid, last.uuid]);
  expect(events[0]?.data.data.object).toMatchObject({ status: 'open' });
  expect(events[0]?.data.data.object).not.toHaveProperty('titel');
});

test('refuses a request without a credential, and with a wrong one, in the same way', async () => {
  using nobody = await gateway.subscribe(undefined, TOPIC);
  using stranger = await gateway.subscribe('wrong', TOPIC);
  expect(await refused(nobody)).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
  expect(await refused(stranger)).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
});

test('takes the credential from the query and from the session cookie as well', async () => {
  using byQuery = await gateway.subscribe(undefined, `${TOPIC}&token=${alice}`);
  expect(byQuery.status).toBe(200);
  expect(gateway.logLines.join('')).not.toContain(alice);
});

test('one malformed topic refuses all of them and names the valid forms', async () => {
  using stream = await gateway.subscribe(alice, `${TOPIC}&topic=zaken`);
  const { status, code, message } = await refused(stream);
  expect({ status, code }).toEqual({ status: 400, code: 'MALFORMED_TOPIC' });
  expect(message).toContain(`'zaken'`);
  for (const pattern of TOPIC_PATTERNS) expect(message).toContain(pattern);
});

test('does not reveal whether a register or schema exists to a principal without access', async () => {
  const { platform } = world;
  const other = organisation('elders-bv');
  const outsider = person('outsider', other, []);
  // A principal without an organisation reads nothing at all.
  const principal = { ...outsider.principal, organisations: [], activeOrganisation: null };
  await platform.set(other, principal, outsider.credential);
  const secret = platform.secretOf(outsider.credential);
  for (const [hidden, absent] of [
    ['register/zaken', 'register/zeken'],
    ['register/zaken/schema/meldingen', 'register/zaken/schema/maldingen'],
    [`organisation/${world.organisation.id}`, `organisation/${UNKNOWN_UUID}`],
  ] as const) {
    using there = await gateway.subscribe(secret, `topic=${hidden}`);
    using absentStream = await gateway.subscribe(secret, `topic=${absent}`);
    const first = await refused(there);
    const second = await refused(absentStream);
    expect(first).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect({ ...first, message: first.message.replace(hidden, '') }).toEqual({
      ...second,
      message: second.message.replace(absent, ''),
    });
  }
});

test('accepts any object silently and delivers of it only what may be seen', async () => {
  const { platform } = world;
  const hidden = world.row({}, { organisation: organisation('geheim').id });
  using stream = await gateway.subscribe(alice, `topic=object/${hidden.uuid}`);
  expect(stream.status).toBe(200);
  await platform.created(hidden);
  const { position } = platform;
  await waitFor(() => stream.lastEventId === position, { what: 'the position passes the event' });
  expect(stream.events).toEqual([]);
});

test('refuses a field that does not exist like one that may not be read', async () => {
  const secretSchema = schemaOf(world.register, 'dossiers');
  const rights = policyOf('schema', secretSchema.id, {}, { geheim: { read: ['directie'] } });
  await world.platform.set(rights, secretSchema);
  const path = 'topic=register/zaken/schema/dossiers';
  await waitFor(
    async () => {
      using stream = await gateway.subscribe(alice, path);
      return stream.status === 200;
    },
    { what: 'the new schema is there' },
  );
  using unreadable = await gateway.subscribe(alice, `${path}&filter[geheim]=x`);
  using absent = await gateway.subscribe(alice, `${path}&filter[gehaam]=x`);
  using field = await gateway.subscribe(alice, `${path}&_fields=geheim`);
  const answers = await Promise.all([refused(unreadable), refused(absent), refused(field)]);
  for (const answer of answers) expect(answer).toMatchObject({ status: 400, code: 'UNKNOWN_FIELD' });
  expect(answers[0]?.message.replace('geheim', '')).toBe(answers[1]?.message.replace('gehaam', ''));
});

test.each(['filter[bedrag][between]=1', 'filter[bedrag]=veel', 'filter[status][gt][x]=1'])(
  'refuses the malformed filter %s',
  async (filter) => {
    using stream = await gateway.subscribe(alice, `${TOPIC}&${filter}`);
    expect(await refused(stream)).toMatchObject({ status: 400, code: 'MALFORMED_FILTER' });
  },
);

test('limits the streams of one principal and gives a place back when one is closed', async () => {
  const { platform } = world;
  const busy = person('busy', world.organisation, []);
  await platform.set(busy.principal, busy.credential);
  const secret = platform.secretOf(busy.credential);
  const streams = await Promise.all(Array.from({ length: 10 }, () => gateway.subscribe(secret, TOPIC)));
  expect(streams.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
  using refusedStream = await gateway.subscribe(secret, TOPIC);
  expect(await refused(refusedStream)).toMatchObject({ status: 429, code: 'TOO_MANY_CONNECTIONS' });
  expect(refusedStream.headers['retry-after']).toBeDefined();
  streams[0]?.[Symbol.dispose]();
  await waitFor(
    async () => {
      using again = await gateway.subscribe(secret, TOPIC);
      return again.status === 200;
    },
    { what: 'the place of the closed stream is free' },
  );
  for (const stream of streams) stream[Symbol.dispose]();
});

test('a token that is limited to a topic opens no other', async () => {
  const limited = { ...credentialOf('alice'), scopes: { topics: ['register/zaken/schema/andere'] } };
  await world.platform.set(limited);
  using stream = await gateway.subscribe(world.platform.secretOf(limited), TOPIC);
  expect(await refused(stream)).toMatchObject({ status: 404 });
});

test('lists the topics that the caller may subscribe to', async () => {
  const answer = await fetch(gateway.url('/api/realtime/topics'), {
    headers: { authorization: `Bearer ${alice}` },
  });
  const { topics, patterns } = (await answer.json()) as { topics: { topic: string }[]; patterns: string[] };
  const names = topics.map(({ topic }) => topic);
  expect(names).toContain('register/zaken');
  expect(names).toContain('register/zaken/schema/meldingen');
  expect(names).toContain(`organisation/${world.organisation.id}`);
  expect(patterns).toEqual([...TOPIC_PATTERNS]);
  expect((await fetch(gateway.url('/api/realtime/topics'))).status).toBe(401);
});

test('the status counts the caller own streams, and all of them for an administrator', async () => {
  using stream = await gateway.subscribe(world.secret(world.bob), `${TOPIC}&topic=register/zaken`);
  expect(stream.status).toBe(200);
  const status = async (secret: string): Promise<unknown> => {
    const headers = { authorization: `Bearer ${secret}` };
    return await (await fetch(gateway.url('/api/realtime/status'), { headers })).json();
  };
  expect(await status(world.secret(world.bob))).toMatchObject({
    connections: { own: 1 },
    subscriptions: { own: 2 },
    heartbeatMs: 400,
    retention: { oldestId: world.platform.id(1), newestId: world.platform.position },
    transports: ['sse', 'poll', 'websocket', 'graphql-sse', 'graphql-ws', 'nats'],
  });
  expect(await status(world.secret(world.bob))).not.toHaveProperty('connections.total');
  expect(await status(world.secret(world.admin))).toMatchObject({
    connections: { own: 0, total: expect.any(Number) },
  });
});

test(
  'counts the streams of a principal over all gateways, but not those of a gateway that died',
  { timeout: 60_000 },
  async () => {
    const { platform } = world;
    const [living, dying] = [await world.gateway(), await world.gatewayProcess()];
    const busy = person('busy-everywhere', world.organisation, []);
    await platform.set(busy.principal, busy.credential);
    const secret = platform.secretOf(busy.credential);
    const open = await Promise.all(Array.from({ length: 5 }, () => dying.subscribe(secret, TOPIC)));
    const more = await Promise.all(Array.from({ length: 5 }, () => living.subscribe(secret, TOPIC)));
    expect([...open, ...more].map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    using eleventh = await living.subscribe(secret, TOPIC);
    expect(eleventh.status).toBe(429);
    await dying.kill();
    await waitFor(
      async () => {
        using again = await living.subscribe(secret, TOPIC);
        return again.status === 200;
      },
      { what: 'the places of the dead gateway are free', timeoutMs: 15_000 },
    );
    for (const stream of more) stream[Symbol.dispose]();
  },
);
