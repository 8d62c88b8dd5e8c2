import { formatClientSubject, problemSchema } from '@tidewire/contract';
import type { SubscriberAddress } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStatus, openSharedPlatform } from '../../test/platform.ts';
import type { Answer, Caller, RecordsTestPlatform } from '../../test/platform.ts';
import { openSubscribersOfRecords } from '../../test/subscribers.ts';
import type { NatsAnswer, Subscriber, SubscribersOfRecords } from '../../test/subscribers.ts';
import { createRecords, createRow } from '../../test/table.ts';
import type { TestRecords } from '../../test/table.ts';

/** Who asks, over HTTP and on NATS. */
interface Asker {
  readonly http: Caller;
  readonly nats: Subscriber;
}

let world: RecordsTestPlatform;
let records: SubscribersOfRecords;
let organisation: string;
let table: TestRecords;
let other: TestRecords;
let objects: { readonly register: string; readonly schema: string };
let objectsPath: string;
let ids: readonly string[];
let limitedId: string;
const askers = new Map<string, Asker>();

const EXTRA_PEOPLE = ['revoked'] as const;

beforeAll(async () => {
  world = await openSharedPlatform();
  organisation = await world.createOrganisation();
  table = await createRecords(world);
  other = await createRecords(world);
  const schema = await expectStatus(200, world.admin.get(`/api/schemas/${table.schemaId}`));
  objects = { register: String(schema.body['register']), schema: String(schema.body['slug']) };
  objectsPath = `/api/objects/${objects.register}/${objects.schema}`;
  const people = new Map<string, Caller>([
    ['chief', await world.createPrincipal(organisation, ['chiefs'])],
    ['member', await world.createPrincipal(organisation)],
    ['outsider', await world.createPrincipal(await world.createOrganisation())],
    ['admin', world.admin],
    ...(await Promise.all(
      EXTRA_PEOPLE.map(async (name) => [name, await world.createPrincipal(organisation)] as const),
    )),
  ]);
  const chief = people.get('chief') as Caller;
  const rows = [];
  for (const [index, status] of ['new', 'done', 'new'].entries()) {
    rows.push(
      await createRow(chief, table.path, { name: `row ${index}`, status, total: index, secret: 'x' }),
    );
  }
  await createRow(chief, other.path, { name: 'elsewhere' });
  ids = rows.map(({ id }) => id);
  const token = await expectStatus(
    201,
    world.admin.post('/api/auth/tokens', {
      principal: chief.id,
      name: 'narrow',
      scopes: { topics: [topicOf(objects)], actions: ['read', 'list'] },
    }),
  );
  limitedId = String(token.body['id']);
  people.set('limited', { ...callerWith(String(token.body['token'])), id: chief.id });
  const addressOf = (name: string, { id }: Caller): SubscriberAddress => ({
    principal: id,
    credential: name === 'limited' ? limitedId : null,
  });
  const addresses = [...people].map(([name, caller]) => addressOf(name, caller));
  records = await openSubscribersOfRecords(world.platform, [...addresses, NOBODY]);
  for (const [name, http] of people) {
    askers.set(name, { http, nats: await records.subscriber(addressOf(name, http)) });
  }
  await waitFor(() => records.log().includes('subscribers on NATS are answered'), { what: 'it is there' });
}, 60_000);
afterAll(async () => {
  await records[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const NOBODY: SubscriberAddress = { principal: 'nobody-of-that-name', credential: null };

function topicOf({ register, schema }: typeof objects): string {
  return `register/${register}/schema/${schema}`;
}

function callerWith(token: string): Caller {
  return world.at({ ...world.admin, token }, world.platform.origin);
}

function asker(name: string): Asker {
  const found = askers.get(name);
  if (found === undefined) throw new Error(`nobody is called ${name}`);
  return found;
}

/** Other tests write to the same log meanwhile. */
function withoutPlace({ _position, position, ...rest }: Record<string, unknown>): unknown {
  expect(_position ?? position).toMatch(/^evt-/);
  return rest;
}

function expectSame(nats: NatsAnswer, http: Answer): void {
  expect({ ...nats, headers: undefined }).toMatchObject({ status: http.status });
  if (http.status === 200)
    expect(withoutPlace(nats.body)).toEqual(withoutPlace({ _position: 'evt-', ...http.body }));
  else expect(problemSchema.parse(nats.body)).toEqual(http.body);
}

const LISTS: readonly Readonly<Record<string, string | readonly string[]>>[] = [
  {},
  { _limit: '1', _page: '2' },
  { 'status': 'new', '_order[total]': 'desc' },
  { '_fields': 'name,secret', 'filter[total][gte]': '1' },
  { _search: 'row 1' },
  { _updatedSince: 'yesterday' },
  { secret: 'x' },
  { _nothing: '1' },
  { _limit: ['1', '2'] },
];

const RECORD_LISTS: typeof LISTS = [
  {},
  { limit: '1', page: '2' },
  { filter: 'status:equals:new', sort: 'total:desc' },
  { q: 'row 1', fields: 'name' },
  { sort: 'secret:asc' },
  { nothing: '1' },
];

function queryString(query: (typeof LISTS)[number]): string {
  return String(
    new URLSearchParams(
      Object.entries(query).flatMap(([name, value]) =>
        (typeof value === 'string' ? [value] : value).map((each): [string, string] => [name, each]),
      ),
    ),
  );
}

test.each(['chief', 'member', 'outsider', 'admin', 'limited'])(
  'what is answered on NATS is what HTTP answers, row by row and property by property: %s',
  async (name) => {
    const { http, nats } = asker(name);
    for (const query of LISTS) {
      const answer = await nats.ask('list', { ...objects, query });
      expectSame(answer, await http.get(`${objectsPath}?${queryString(query)}`));
    }
    for (const query of RECORD_LISTS) {
      const answer = await nats.ask('list', { table: table.table, query });
      expectSame(answer, await http.get(`${table.path}?${queryString(query)}`));
    }
    for (const id of [...ids, limitedId, 'no-uuid', '']) {
      expectSame(
        await nats.ask('get', { ...objects, id }),
        await http.get(`${objectsPath}/${id === '' ? '%20' : id}`),
      );
      expectSame(
        await nats.ask('get', { table: table.table, id }),
        await http.get(`${table.path}/${id === '' ? '%20' : id}`),
      );
    }
  },
);

test('people with other rights are told other rows and properties', async () => {
  const rowsOf = async (name: string): Promise<Record<string, unknown>[]> => {
    const { body } = await asker(name).nats.ask('list', objects);
    return body['results'] as Record<string, unknown>[];
  };
  const chiefs = await rowsOf('chief');
  expect(chiefs.map((row) => row['secret'])).toEqual(['x', 'x', 'x']);
  const members = await rowsOf('member');
  expect(members).toHaveLength(3);
  for (const row of members) expect(row).not.toHaveProperty('secret');
  expect(await rowsOf('outsider')).toEqual([]);
});

test('a token with scopes reads what it is limited to, and nothing else of its principal', async () => {
  const { nats } = asker('limited');
  expect((await nats.ask('list', { table: table.table })).status).toBe(200);
  expect((await nats.ask('list', { table: other.table })).status).toBe(404);
  expect((await asker('chief').nats.ask('list', { table: other.table })).status).toBe(200);
});

test('what is absent and what may not be read are refused in the same words', async () => {
  const { nats } = asker('limited');
  const refusal = async (place: object): Promise<unknown> => {
    const { status, headers, body } = await nats.ask('list', place);
    expect(status).toBe(404);
    return { headers: [...headers], body };
  };
  expect(await refusal({ table: other.table })).toEqual(await refusal({ table: 'no-such-table' }));
  const unreadable = await expectStatus(200, world.admin.get(`/api/schemas/${other.schemaId}`));
  const elsewhere = { register: String(unreadable.body['register']), schema: other.schemaId };
  expect(await refusal(elsewhere)).toEqual(await refusal({ register: 'no', schema: 'such' }));
});

test('the position of an answer is one that the writer of the row was told', async () => {
  const { http, nats } = asker('chief');
  const written = await createRow(http, table.path, { name: 'newest' });
  const { body } = await nats.ask('get', { table: table.table, id: written.id });
  const again = await expectStatus(200, http.get(`${table.path}/${written.id}`));
  expect(String(body['position']) <= (again.headers.get('x-event-position') ?? '')).toBe(true);
  await expectStatus(204, http.delete(`${table.path}/${written.id}`));
});

test.each([
  ['no place', {}],
  ['two places', { register: 'r', schema: 's', table: 't' }],
  ['half a place', { register: 'r' }],
  ['a credential', { table: 't', query: { token: 'secret' } }],
])('a list with %s is refused', async (_what, request) => {
  expect(await asker('admin').nats.ask('list', request)).toMatchObject({
    status: 400,
    body: { code: 'BAD_REQUEST' },
  });
});

test.each([
  ['no JSON', '{'],
  ['no object', '[]'],
  ['a member that nobody knows', '{"tabel":"t"}'],
  ['a member that every object has', '{"__proto__":{"table":"t"}}'],
  ['a parameter that is no text', '{"table":"t","query":{"limit":5}}'],
  ['a parameter without a name', '{"table":"t","query":{"":"5"}}'],
  ['a query longer than any over HTTP', JSON.stringify({ table: 't', query: { q: 'x'.repeat(17_000) } })],
  ['brackets without end', '['.repeat(60_000)],
])('a request of %s is refused', async (_what, text) => {
  const { http, nats } = asker('admin');
  const { data } = await nats.socket.request(
    formatClientSubject('list', { principal: http.id, credential: null }),
    text,
  );
  expect(JSON.parse(data)).toMatchObject({ status: 400, code: 'VALIDATION_ERROR' });
});

test.each(['__proto__', 'constructor', 'filter[__proto__]'])(
  'a parameter %s is one like any other',
  async (name) => {
    const { http, nats } = asker('member');
    const answer = await nats.ask('list', { ...objects, query: Object.fromEntries([[name, 'x']]) });
    expect(answer.status).toBe(400);
    expectSame(answer, await http.get(`${objectsPath}?${name}=x`));
  },
);

test('a page that no message holds is refused, and a smaller one is answered', async () => {
  const { http, nats } = asker('member');
  const big = await createRecords(world, { properties: { name: { type: 'string' } } });
  // 2 MiB are a message.
  for (const letter of 'abcdefghijkl') await createRow(http, big.path, { name: letter.repeat(200_000) });
  expect(await nats.ask('list', { table: big.table })).toMatchObject({
    status: 413,
    body: { code: 'PAYLOAD_TOO_LARGE' },
  });
  const { status, body } = await nats.ask('list', { table: big.table, query: { limit: '5' } });
  expect(status).toBe(200);
  expect(body['records']).toHaveLength(5);
});

test('parameters beside an id are refused instead of ignored', async () => {
  const { nats } = asker('admin');
  const answer = await nats.ask('get', { table: table.table, id: ids[0], query: { fields: 'name' } });
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'fields' }] } });
});

test('no request that comes after an acknowledged change of rules is judged by the older ones', async () => {
  const { nats } = asker('member');
  const setRules = (authorization: unknown): Promise<unknown> =>
    expectStatus(200, world.admin.put(`/api/policies/schema/${other.schemaId}`, { authorization }));
  for (let round = 0; round < 10; round += 1) {
    await setRules({ read: [], create: [] });
    expect((await nats.ask('list', { table: other.table })).status).toBe(404);
    await setRules({ read: ['authenticated'], create: [] });
    expect((await nats.ask('list', { table: other.table })).status).toBe(200);
  }
});

test('a subscriber that is removed, whose token is revoked, or that never was, is nobody', async () => {
  const { http, nats } = asker('revoked');
  const ask = (who: Subscriber): Promise<NatsAnswer> => who.ask('list', { table: table.table });
  expect((await ask(nats)).status).toBe(200);
  await expectStatus(204, world.admin.delete(`/api/principals/${http.id}`));
  const removed = await ask(nats);
  expect(removed).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } });
  const limited = asker('limited').nats;
  expect((await ask(limited)).status).toBe(200);
  await expectStatus(204, world.admin.delete(`/api/auth/tokens/${limitedId}`));
  expect(await ask(limited)).toEqual(removed);
  expect(await ask(await records.subscriber(NOBODY))).toEqual(removed);
});

test('without the connection of the subscribers the service is ready, and goes on with it when it is there', async () => {
  const { http } = asker('member');
  const address = { principal: http.id, credential: null };
  await using late = await openSubscribersOfRecords(world.platform, [address], (nats) => nats.stop());
  const connected = async (): Promise<string> =>
    /^tidewire_records_subscribers_connected (.+)$/m.exec(await late.metrics.text())?.[1] ?? '';
  expect(late.service.ready()).toBe(true);
  expect(await connected()).toBe('0');
  await waitFor(() => late.log().includes('not connected to NATS yet'), { what: 'the log says it' });
  for (let round = 0; round < 2; round += 1) {
    await late.nats.restart();
    await waitFor(async () => (await connected()) === '1', { what: 'it is connected', timeoutMs: 15_000 });
    using nats = await late.subscriber(address);
    await waitFor(async () => (await nats.ask('list', { table: table.table })).status === 200, {
      what: 'subscribers are answered',
    });
    await late.nats.kill();
    await waitFor(async () => (await connected()) === '0', { what: 'the metric says it' });
    expect(late.service.ready()).toBe(true);
    const address2 = late.service.address ?? '';
    expect((await world.at(http, address2).get(table.path)).status).toBe(200);
  }
  await late.nats.restart();
}, 60_000);
