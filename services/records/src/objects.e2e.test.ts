import { objectSchema, problemSchema } from '@tidewire/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStatus, openSharedPlatform, uniqueSlug } from '../test/platform.ts';
import type { Answer, Caller, RecordsTestPlatform, TestTable } from '../test/platform.ts';

let world: RecordsTestPlatform;
let organisation: string;
let alice: Caller;
let outsider: Caller;
let table: TestTable;

beforeAll(async () => {
  world = await openSharedPlatform();
  organisation = await world.createOrganisation();
  alice = await world.createPrincipal(organisation);
  outsider = await world.createPrincipal(await world.createOrganisation());
  table = await world.createTable({
    properties: {
      titel: { type: 'string', maxLength: 20 },
      aantal: { type: 'integer', minimum: 0 },
      adres: { type: 'object', properties: { straat: { type: 'string' } } },
      code: { type: 'string', pattern: '^[0-9]{4}$' },
    },
    required: ['titel'],
  });
});
afterAll(() => world[Symbol.asyncDispose]());

async function create(body: Record<string, unknown> = { titel: 'a' }): Promise<string> {
  const answer = await expectStatus(201, alice.post(table.objects, body));
  return `${table.objects}/${String(answer.body['id'])}`;
}

function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer.body).toMatchObject({ status, code });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  problemSchema.parse(answer.body);
}

test('an object that was created can be read, with its version and where it is', async () => {
  const created = await expectStatus(
    201,
    alice.post(table.objects, { titel: 'één', id: 'x', _owner: 'bob' }),
  );
  const uuid = String(created.body['id']);
  expect(created.headers.get('location')).toBe(`${table.objects}/${uuid}`);
  expect(created.headers.get('x-object-version')).toBe('1');
  objectSchema.parse(created.body);
  expect(created.body).toMatchObject({
    titel: 'één',
    _owner: alice.id,
    _organisation: organisation,
    _version: 1,
  });
  const read = await expectStatus(200, alice.get(`${table.objects}/${uuid}`));
  expect(read.body).toEqual(created.body);
  expect(read.headers.get('x-object-version')).toBe('1');
});

test('register and schema are named by id as well as by slug', async () => {
  const path = await create();
  const uuid = path.split('/').at(-1);
  const register = await expectStatus(200, world.admin.get(`/api/registers/${table.register}`));
  await expectStatus(200, alice.get(`/api/objects/${String(register.body['id'])}/${table.schemaId}/${uuid}`));
});

test('PUT replaces, PATCH merges as RFC 7396 says, and what a GET returned may be sent back', async () => {
  const path = await create({ titel: 'a', aantal: 1, adres: { straat: 'x', stad: 'y' } });
  const merged = await expectStatus(
    200,
    alice.patch(path, { aantal: null, adres: { stad: null, land: 'nl' } }),
  );
  expect(merged.body['adres']).toEqual({ straat: 'x', land: 'nl' });
  expect(merged.body).not.toHaveProperty('aantal');
  expect(merged.body['_version']).toBe(2);
  const returned = await expectStatus(200, alice.put(path, { ...merged.body, titel: 'b' }));
  expect(returned.body).toMatchObject({ titel: 'b', _version: 3, _created: merged.body['_created'] });
  const replaced = await expectStatus(200, alice.put(path, { titel: 'c' }));
  expect(replaced.body).not.toHaveProperty('adres');
});

test('defaults of the schema stand in for what a new or replaced object does not say, and are checked with it', async () => {
  const { objects } = await world.createTable({
    properties: {
      titel: { type: 'string' },
      status: { type: 'string', default: 'nieuw', authorization: { update: ['managers'] } },
      prioriteit: { type: 'integer', default: 3 },
      // Nobody but managers reads it, so a replacement by others must leave it alone.
      notitie: { type: 'string', default: 'leeg', authorization: { read: ['managers'] } },
    },
    required: ['prioriteit'],
  });
  const { body } = await expectStatus(201, alice.post(objects, { titel: 'a' }));
  expect(body).toMatchObject({ titel: 'a', status: 'nieuw', prioriteit: 3 });
  const path = `${objects}/${String(body['id'])}`;
  await expectStatus(200, world.admin.patch(path, { prioriteit: 5, notitie: 'geheim' }));
  expect((await expectStatus(200, alice.patch(path, { titel: 'b' }))).body).toMatchObject({ prioriteit: 5 });
  expect((await expectStatus(200, alice.put(path, { titel: 'c' }))).body).toMatchObject({
    titel: 'c',
    status: 'nieuw',
    prioriteit: 3,
  });
  expect((await expectStatus(200, world.admin.get(path))).body['notitie']).toBe('geheim');
  expectProblem(await alice.post(objects, { prioriteit: null }), 400, 'VALIDATION_ERROR');
  expectProblem(await alice.post(objects, { status: 'klaar' }), 403, 'FORBIDDEN');
});

test('a write on an old version is refused and changes nothing', async () => {
  const path = await create();
  await expectStatus(200, alice.patch(path, { titel: 'b', _version: 1 }));
  expectProblem(await alice.patch(path, { titel: 'c', _version: 1 }), 412, 'STALE_VERSION');
  expectProblem(await alice.call('PUT', path, { titel: 'c' }, { 'if-match': '"1"' }), 412, 'STALE_VERSION');
  expectProblem(await alice.delete(path, { 'if-match': '"1"' }), 412, 'STALE_VERSION');
  expectProblem(await alice.delete(`${path}?_version=1`), 412, 'STALE_VERSION');
  expect((await alice.get(path)).body['titel']).toBe('b');
  await expectStatus(204, alice.delete(path, { 'if-match': '"2"' }));
});

test('of many writes on one version exactly one is made', async () => {
  const path = await create();
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) => alice.patch(path, { aantal: index, _version: 1 })),
  );
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
    200,
    ...Array.from({ length: 11 }, () => 412),
  ]);
  expect((await alice.get(path)).body['_version']).toBe(2);
});

test('concurrent writes without a condition are all made, one after another', async () => {
  const path = await create();
  const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => alice.patch(path, { aantal: n })));
  expect(answers.map(({ body }) => Number(body['_version'])).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 12 }, (_, n) => n + 2),
  );
});

test('a deleted object is gone', async () => {
  const path = await create();
  await expectStatus(204, alice.delete(path));
  expectProblem(await alice.get(path), 404, 'NOT_FOUND');
  expectProblem(await alice.delete(path), 404, 'NOT_FOUND');
});

test('says in plain words what is wrong with an object, and where', async () => {
  const answer = await alice.post(table.objects, {
    titl: 'x',
    aantal: -1,
    adres: { straat: 7 },
    code: 'abcd',
  });
  expectProblem(answer, 400, 'VALIDATION_ERROR');
  expect(answer.body['errors']).toEqual([
    { field: '/titl', message: 'is not a property of this schema; did you mean "titel"?' },
    { field: '/aantal', message: 'must be at least 0' },
    { field: '/adres/straat', message: 'must be a text' },
    { field: '/code', message: expect.stringContaining('must match ^[0-9]{4}$') },
    { field: '/titel', message: 'is required' },
  ]);
});

test('what is merged is checked as it becomes', async () => {
  const path = await create({ titel: 'a', adres: { straat: 'x' } });
  expectProblem(await alice.patch(path, { adres: { straat: 7 } }), 400, 'VALIDATION_ERROR');
  expectProblem(await alice.patch(path, { titel: null }), 400, 'VALIDATION_ERROR');
  expect((await alice.get(path)).body).toMatchObject({ _version: 1, adres: { straat: 'x' } });
});

test('refuses what could not be stored unchanged', async () => {
  const post = (body: string): Promise<Answer> => alice.call('POST', table.objects, body);
  expectProblem(await post('{"titel":"a","aantal":9007199254740993}'), 400, 'VALIDATION_ERROR');
  expectProblem(await post('{"titel":"a\\u0000"}'), 400, 'VALIDATION_ERROR');
  expectProblem(await post('{"titel":"\\ud800"}'), 400, 'VALIDATION_ERROR');
  expectProblem(
    await post(`{"titel":"a","adres":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`),
    400,
    'VALIDATION_ERROR',
  );
  expectProblem(await post(`{"titel":"a","adres":{"x":"${'y'.repeat(262_144)}"}}`), 413, 'PAYLOAD_TOO_LARGE');
  expectProblem(await post('{"titel":'), 400, 'VALIDATION_ERROR');
  expectProblem(await post('[]'), 400, 'VALIDATION_ERROR');
  expectProblem(await post('{"titel":"a","constructor":1}'), 400, 'VALIDATION_ERROR');
  await expectStatus(201, post('{"titel":"a","__proto__":{"admin":true}}'));
});

test('a merge that would grow an object beyond its limit is refused by the database and nothing is stored', async () => {
  const path = await create({ titel: 'a', adres: { a: 'x'.repeat(200_000) } });
  expectProblem(await alice.patch(path, { adres: { b: 'y'.repeat(100_000) } }), 413, 'PAYLOAD_TOO_LARGE');
  expect((await alice.get(path)).body['_version']).toBe(1);
});

test('does not reveal whether an object exists to a principal of another organisation', async () => {
  const path = await create();
  const absent = `${table.objects}/00000000-0000-4000-8000-000000000000`;
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
    const body = method === 'PUT' || method === 'PATCH' ? { titel: 'mine' } : undefined;
    const answers = await Promise.all([path, absent].map((target) => outsider.call(method, target, body)));
    expectProblem(answers[0] as Answer, 404, 'NOT_FOUND');
    expect(answers[0]?.body).toEqual(answers[1]?.body);
  }
  expect((await alice.get(path)).body['_version']).toBe(1);
});

test('asks for a credential, and says nothing else without one', async () => {
  const path = await create();
  for (const target of [
    path,
    `${table.objects}/not-a-uuid-at-all`,
    table.objects,
    '/api/objects/no/where',
    '/api/registers',
  ]) {
    expect((await world.anonymous.get(target)).status).toBe(target.endsWith('at-all') ? 404 : 401);
  }
  expectProblem(await world.anonymous.patch(path, { titel: 'x' }), 401, 'UNAUTHORIZED');
});

test('an administrator writes into the organisation it names, or into none', async () => {
  const own = await expectStatus(
    201,
    world.admin.post(table.objects, { titel: 'a', _organisation: organisation }),
  );
  expect(own.body['_organisation']).toBe(organisation);
  const none = await expectStatus(201, world.admin.post(table.objects, { titel: 'a', _organisation: null }));
  expect(none.body['_organisation']).toBeNull();
  expectProblem(await alice.get(`${table.objects}/${String(none.body['id'])}`), 404, 'NOT_FOUND');
  const unknown = { titel: 'a', _organisation: '00000000-0000-4000-8000-000000000000' };
  expectProblem(await world.admin.post(table.objects, unknown), 400, 'VALIDATION_ERROR');
  const ignored = await expectStatus(201, alice.post(table.objects, { titel: 'a', _organisation: null }));
  expect(ignored.body['_organisation']).toBe(organisation);
});

test('only administrators change registers and schemas; the others see what they may read from, without its rules', async () => {
  expectProblem(await alice.post('/api/registers', { slug: uniqueSlug('r') }), 403, 'FORBIDDEN');
  const slug = uniqueSlug('s');
  expectProblem(await alice.post('/api/schemas', { register: table.register, slug }), 403, 'FORBIDDEN');
  expectProblem(await alice.patch(`/api/registers/${table.register}`, { title: 'x' }), 403, 'FORBIDDEN');
  expectProblem(await alice.delete(`/api/schemas/${table.schemaId}`), 403, 'FORBIDDEN');
  const seen = await expectStatus(200, alice.get(`/api/schemas/${table.schemaId}`));
  expect(seen.body).toMatchObject({ slug: table.schema, register: table.register });
  expect(seen.body).not.toHaveProperty('authorization');
  const all = await expectStatus(200, world.admin.get(`/api/schemas/${table.schemaId}`));
  expect(all.body).toHaveProperty('authorization', null);
});

test('slugs never change, are unique, and stay reserved after deletion', async () => {
  const slug = uniqueSlug('weg');
  await expectStatus(201, world.admin.post('/api/registers', { slug, title: 'Weg' }));
  expectProblem(await world.admin.post('/api/registers', { slug }), 409, 'SLUG_RESERVED');
  expectProblem(
    await world.admin.patch(`/api/registers/${slug}`, { slug: 'anders' }),
    400,
    'VALIDATION_ERROR',
  );
  await expectStatus(204, world.admin.delete(`/api/registers/${slug}`));
  expectProblem(await world.admin.get(`/api/registers/${slug}`), 404, 'NOT_FOUND');
  expectProblem(await world.admin.post('/api/registers', { slug }), 409, 'SLUG_RESERVED');
});

test('deleting a schema deletes its objects, each with an event', async () => {
  const other = await world.createTable({ properties: { titel: { type: 'string' } } });
  const created = await expectStatus(201, alice.post(other.objects, { titel: 'a' }));
  await expectStatus(204, world.admin.delete(`/api/schemas/${other.schemaId}`));
  expectProblem(await alice.get(`${other.objects}/${String(created.body['id'])}`), 404, 'NOT_FOUND');
  const rows = await world.platform.sql<{ version: string }>(
    'select version from records.tombstones where uuid = $1',
    [created.body['id']],
  );
  expect(rows).toEqual([{ version: '2' }]);
});

test('properties are added to a schema, and keep their type', async () => {
  const other = await world.createTable({ properties: { titel: { type: 'string' } } });
  const path = `/api/schemas/${other.schemaId}`;
  const patched = await expectStatus(
    200,
    world.admin.patch(path, { properties: { prijs: { type: 'number' } } }),
  );
  expect(Object.keys(patched.body['properties'] as object).toSorted()).toEqual(['prijs', 'titel']);
  await expectStatus(201, alice.post(other.objects, { titel: 'a', prijs: 1.5 }));
  const changed = await world.admin.patch(path, { properties: { titel: { type: 'number' } } });
  expectProblem(changed, 400, 'VALIDATION_ERROR');
  expectProblem(await world.admin.patch(path, { required: ['nee'] }), 400, 'VALIDATION_ERROR');
});

test('a schema whose rules or patterns cannot be used is refused whole', async () => {
  const slug = uniqueSlug('s');
  const post = (schema: object): Promise<Answer> =>
    world.admin.post('/api/schemas', { register: table.register, slug, ...schema });
  for (const properties of [
    { id: { type: 'string' } },
    { _x: { type: 'string' } },
    { a: { type: 'string', pattern: '(?=a)b' } },
    { a: { type: 'array', items: { type: 'string', pattern: '(' } } },
    { a: { type: 'array', uniqueItems: true } },
    { a: { type: 'string', minimun: 3 } },
    { a: { type: 'string', authorization: { read: 7 } } },
  ]) {
    expectProblem(await post({ properties }), 400, 'VALIDATION_ERROR');
  }
  const match = { read: [{ group: 'public', match: { titel: { $like: 'x' } } }] };
  const refused = await post({ properties: { titel: { type: 'string' } }, authorization: match });
  expect(refused.status).toBe(400);
  await expectStatus(201, post({ properties: { titel: { type: 'string' } } }));
});

test('neither credentials nor values of objects are written to the log of the service', async () => {
  const marked = 'geheim-7f3a91';
  await expectStatus(
    400,
    alice.post(table.objects, { titel: `${marked} that is far too long`, [marked]: 1 }),
  );
  await expectStatus(201, alice.post(table.objects, { titel: marked }));
  await expectStatus(401, world.anonymous.get(`${table.objects}?token=${marked}`));
  const log = world.platform.log('records');
  expect(log).toContain('service started');
  expect(log).not.toContain(marked);
  expect(log).not.toContain(alice.token);
  expect(log).not.toContain(world.platform.adminToken);
});
