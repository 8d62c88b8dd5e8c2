import { tablePollSchema, topicPollSchema } from '@tidewire/contract';
import { policyOf, schemaOf, waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { idsOf } from '../../test/poll-client.ts';
import type { PendingPoll } from '../../test/poll-client.ts';
import { World } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';

const TOPIC = 'topic=register/zaken/schema/meldingen';
const TABLE = 'table=zaken-meldingen';

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

const since = (cursor: string, more = ''): string => `${TOPIC}&lastEventId=${cursor}${more}`;

/** A poll of nothing before now that the gateway has taken in. */
async function waiting(query: string, secret = alice): Promise<PendingPoll> {
  const before = await gateway.metric('polls_waiting');
  const poll = gateway.startPoll(secret, query);
  await waitFor(async () => (await gateway.metric('polls_waiting')) > before, { what: 'the poll waits' });
  return poll;
}

test('waits for the next event and answers with it as a CloudEvent', async () => {
  const { platform } = world;
  const poll = await waiting(TOPIC);
  const row = await platform.created(world.row({ titel: 'a' }));
  const reply = await poll.reply;
  expect(reply.status).toBe(200);
  expect(reply.headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'tidewire-protocol': '1',
  });
  expect(reply.headers['x-correlation-id']).toBeDefined();
  expect(topicPollSchema.parse(reply.body)).toEqual(reply.body);
  expect(reply.body).toMatchObject({
    events: [{ id: platform.position, subject: row.uuid, data: { object: { titel: 'a' } } }],
    lastEventId: platform.position,
    more: false,
  });
  expect(reply.body).not.toHaveProperty('resync');
});

test('is answered with the position when nothing happens, and that is a cursor', async () => {
  const { platform } = world;
  const first = await gateway.poll(alice, `${TOPIC}&timeoutMs=1`);
  expect(first.body).toEqual({ events: [], lastEventId: platform.position, more: false });
  await platform.created(world.row({ titel: 'b' }));
  const second = await gateway.poll(alice, since(first.body.lastEventId));
  expect(second.body.events.map((event: { id: string }) => event.id)).toEqual([platform.position]);
});

test('a quiet poller never falls out of the window: its cursor follows what is not for it', async () => {
  const { platform } = world;
  const start = platform.position;
  const quiet = `topic=object/550e8400-e29b-41d4-a716-446655440000&lastEventId=${start}`;
  for (let index = 0; index < 3; index += 1) await platform.created(world.row());
  const end = platform.position;
  const reply = await waitFor(
    async () => {
      const { body } = await gateway.poll(alice, `${quiet}&timeoutMs=0`);
      return body.lastEventId === end ? body : undefined;
    },
    { what: 'the gateway has read the events' },
  );
  expect(reply).toEqual({ events: [], lastEventId: end, more: false });
});

test('with a cursor answers at once with everything since, in the order of the log', async () => {
  const { platform } = world;
  const gone = await platform.created(world.row({ titel: 'gone' }));
  const start = platform.position;
  const row = await platform.created(world.row({ titel: 'a' }));
  await platform.deleted(gone);
  await platform.updated(row, { properties: { titel: 'b' } });
  const reply = await waitFor(
    async () => {
      const answer = await gateway.poll(alice, since(start));
      return idsOf(answer).length === 3 ? answer : undefined;
    },
    { what: 'all are read' },
  );
  const { events, lastEventId } = reply.body;
  expect(events.map(({ type }: { type: string }) => type.split('.').at(-1))).toEqual([
    'created',
    'deleted',
    'updated',
  ]);
  expect(lastEventId).toBe(platform.position);
});

test('pages by the limit: every event once, in order, `more` until the last page', async () => {
  const { platform } = world;
  const start = platform.position;
  const rows = [];
  for (let index = 0; index < 7; index += 1)
    rows.push(await platform.created(world.row({ titel: `p${index}` })));
  const wanted = rows.map((_, index) => platform.id(platform.last - 6 + index));
  await waitFor(async () => idsOf(await gateway.poll(alice, since(start))).length === 7, {
    what: 'all are read',
  });
  const seen: string[] = [];
  const more: boolean[] = [];
  let cursor = start;
  do {
    const { body } = await gateway.poll(alice, since(cursor, '&limit=3'));
    seen.push(...body.events.map(({ id }: { id: string }) => id));
    more.push(body.more);
    cursor = body.lastEventId;
  } while (more.at(-1) === true);
  expect(seen).toEqual(wanted);
  expect(more).toEqual([true, true, false]);
  expect(cursor).toBe(platform.position);
});

test('an answer is bounded in bytes too, and a single event always fits', async () => {
  const small = await world.gateway({ TIDEWIRE_CONNECTION_BUDGET_BYTES: '16384' });
  const { platform } = world;
  const start = platform.position;
  for (const size of [9000, 9000, 40_000, 100]) {
    await platform.created(world.row({ titel: 'x'.repeat(size) }));
  }
  await waitFor(async () => idsOf(await gateway.poll(alice, since(start))).length === 4, {
    what: 'all are read',
  });
  const counts: number[] = [];
  let cursor = start;
  let more = true;
  while (more) {
    const { body } = await small.poll(alice, since(cursor));
    counts.push(body.events.length);
    ({ lastEventId: cursor, more } = body);
  }
  expect(counts).toEqual([1, 1, 1, 1]);
  expect(cursor).toBe(platform.position);
});

test('a table is answered with changes of records, by transition', async () => {
  const { platform } = world;
  const start = platform.position;
  const row = await platform.created(world.row({ titel: 'a', status: 'open', bedrag: 3 }));
  const closed = await platform.updated(row, { properties: { titel: 'b', status: 'dicht', bedrag: 3 } });
  await platform.updated(closed, { properties: { titel: 'c', status: 'open', bedrag: 3 } });
  const filter = encodeURIComponent('status:eq:open');
  const query = `${TABLE}&filter=${filter}&fields=titel,status&lastEventId=${start}`;
  const reply = await waitFor(
    async () => {
      const answer = await gateway.poll(alice, query);
      return answer.body.messages.length === 3 ? answer : undefined;
    },
    { what: 'three messages' },
  );
  expect(tablePollSchema.parse(reply.body)).toEqual(reply.body);
  const shared = { type: 'change', table: 'zaken-meldingen', recordId: row.uuid };
  const times = { createdAt: '2026-01-01T00:00:00.000Z', updatedAt: expect.any(String) };
  expect(reply.body.messages).toEqual([
    {
      ...shared,
      event: 'insert',
      transition: 'created',
      eventId: platform.id(platform.last - 2),
      record: { id: row.uuid, fields: { titel: 'a', status: 'open' }, ...times },
      timestamp: expect.any(String),
    },
    {
      ...shared,
      event: 'delete',
      transition: 'left',
      eventId: platform.id(platform.last - 1),
      timestamp: expect.any(String),
    },
    {
      ...shared,
      event: 'insert',
      transition: 'entered',
      eventId: platform.position,
      record: { id: row.uuid, fields: { titel: 'c', status: 'open' }, ...times },
      timestamp: expect.any(String),
    },
  ]);
});

test('a table may be named by the UUID of its schema, and is called by its slug', async () => {
  const poll = await waiting(`table=${world.schema.id.toUpperCase()}`);
  await world.platform.created(world.row({ titel: 'a' }));
  expect((await poll.reply).body.messages[0].table).toBe('zaken-meldingen');
});

test('an update on a table carries the record before it, and neither has a hidden field', async () => {
  await world.platform.change(world.policy, { properties: { geheim: { read: ['directie'] } } });
  const row = await world.platform.created(world.row({ titel: 'a', geheim: 'SECRET-1' }));
  const start = world.platform.position;
  await world.platform.updated(row, { properties: { titel: 'b', geheim: 'SECRET-2' } });
  const reply = await waitFor(
    async () => {
      const answer = await gateway.poll(alice, `${TABLE}&lastEventId=${start}`);
      return answer.body.messages.length > 0 ? answer : undefined;
    },
    { what: 'the update arrives' },
  );
  expect(reply.body.messages[0]).toMatchObject({
    event: 'update',
    record: { id: row.uuid, fields: { titel: 'b' } },
    oldRecord: { id: row.uuid, fields: { titel: 'a' } },
  });
  expect(reply.text).not.toContain('SECRET');
});

test('readers of a topic and of its table are never given each other’s bytes', async () => {
  const polls = await Promise.all([waiting(TOPIC), waiting(TABLE)]);
  using stream = await gateway.subscribe(alice, TOPIC);
  await world.platform.created(world.row({ titel: 'both' }));
  const [topic, table] = await Promise.all(polls.map(({ reply }) => reply));
  expect(Object.keys(topic?.body)).toEqual(['events', 'lastEventId', 'more']);
  expect(Object.keys(table?.body)).toEqual(['messages', 'lastEventId', 'more']);
  expect(table?.body.messages[0].type).toBe('change');
  const [event] = await stream.until(1);
  expect(event?.data).toEqual(topic?.body.events[0]);
});

test.each([
  ['no credential', undefined, TOPIC, 401, 'UNAUTHORIZED'],
  ['an unknown credential', 'nonsense', TOPIC, 401, 'UNAUTHORIZED'],
  ['no topic and no table', 'alice', '', 400, 'MALFORMED_TOPIC'],
  ['both', 'alice', `${TOPIC}&${TABLE}`, 400, 'BAD_REQUEST'],
  ['a malformed topic', 'alice', 'topic=x', 400, 'MALFORMED_TOPIC'],
  ['an absent schema', 'alice', 'topic=register/zaken/schema/none', 404, 'NOT_FOUND'],
  ['an absent table', 'alice', 'table=none', 404, 'NOT_FOUND'],
  ['an absent schema as a table', 'alice', 'table=550e8400-e29b-41d4-a716-446655440000', 404, 'NOT_FOUND'],
  ['a table without a name', 'alice', 'table=', 400, 'BAD_REQUEST'],
  ['a table twice', 'alice', `${TABLE}&${TABLE}`, 400, 'BAD_REQUEST'],
  ['an unknown parameter of a table', 'alice', `${TABLE}&status=open`, 400, 'BAD_REQUEST'],
  ['an unknown field of a table', 'alice', `${TABLE}&fields=nope`, 400, 'UNKNOWN_FIELD'],
  ['a system member as a field of a table', 'alice', `${TABLE}&fields=_owner`, 400, 'UNKNOWN_FIELD'],
  ['a filter on nothing', 'alice', `${TABLE}&filter=nope:eq:1`, 400, 'UNKNOWN_FIELD'],
  ['a filter that is none', 'alice', `${TABLE}&filter=status`, 400, 'MALFORMED_FILTER'],
  ['empty fields', 'alice', `${TABLE}&fields=`, 400, 'BAD_REQUEST'],
  ['an unknown field of a topic', 'alice', `${TOPIC}&_fields=nope`, 400, 'UNKNOWN_FIELD'],
  ['an unknown system parameter', 'alice', `${TOPIC}&_limit=3`, 400, 'BAD_REQUEST'],
  ['too long a wait', 'alice', `${TOPIC}&timeoutMs=55001`, 400, 'BAD_REQUEST'],
  ['a wait that is no number', 'alice', `${TOPIC}&timeoutMs=soon`, 400, 'BAD_REQUEST'],
  ['a limit of nothing', 'alice', `${TOPIC}&limit=0`, 400, 'BAD_REQUEST'],
  ['too high a limit', 'alice', `${TOPIC}&limit=1001`, 400, 'BAD_REQUEST'],
])('refuses %s before it waits', async (_, who, query, status, code) => {
  const reply = await gateway.poll(who === 'alice' ? alice : who, query);
  expect([reply.status, reply.body.code]).toEqual([status, code]);
  expect(reply.headers['content-type']).toContain('application/problem+json');
});

test('an unreadable table is answered like an absent one', async () => {
  const hidden = schemaOf(world.register, 'verborgen');
  await world.platform.set(
    policyOf('schema', hidden.id, { read: ['directie'], create: ['directie'] }),
    hidden,
  );
  await waitFor(
    async () =>
      (await gateway.poll(world.secret(world.admin), `table=${hidden.table}&timeoutMs=0`)).status === 200,
    { what: 'the gateway knows the table' },
  );
  const [known, unknown] = [
    await gateway.poll(alice, `table=${hidden.table}`),
    await gateway.poll(alice, 'table=none'),
  ];
  expect(known.status).toBe(404);
  expect(known.text.replace(/'[^']*'/g, "''")).toBe(unknown.text.replace(/'[^']*'/g, "''"));
});

test('a client that goes away leaves nothing behind', async () => {
  const idle = await gateway.metric('connections');
  const polls = [await waiting(TOPIC), await waiting(TABLE)];
  expect(await gateway.metric('connections')).toBe(idle + 2);
  for (const poll of polls) poll.abort();
  await waitFor(
    async () =>
      (await gateway.metric('connections')) === idle && (await gateway.metric('polls_waiting')) === 0,
    { what: 'both are forgotten' },
  );
  expect(await gateway.metric('subscriptions')).toBe(0);
  expect(await gateway.metric('view_classes')).toBe(0);
});

test('an answered poll leaves nothing behind either', async () => {
  const poll = await waiting(TOPIC);
  await world.platform.created(world.row());
  expect((await poll.reply).status).toBe(200);
  await waitFor(async () => (await gateway.metric('connections')) === 0, { what: 'it is forgotten' });
  expect(await gateway.metric('subscriptions')).toBe(0);
});
