import { afterAll, beforeAll, expect, test } from 'vitest';
import { codesOf, createGraphqlTables, dataOf, send } from '../test/graphql.ts';
import type { GraphqlTable } from '../test/graphql.ts';
import { expectStatus, openSharedPlatform } from '../test/platform.ts';
import type { Caller, RecordsTestPlatform } from '../test/platform.ts';

let world: RecordsTestPlatform;
let organisation: string;
let handler: Caller;
let member: Caller;
let stranger: Caller;
let cases: GraphqlTable;
let box: GraphqlTable;

beforeAll(async () => {
  world = await openSharedPlatform();
  organisation = await world.createOrganisation();
  handler = await world.createPrincipal(organisation, ['handlers']);
  member = await world.createPrincipal(organisation);
  stranger = await world.createPrincipal(await world.createOrganisation());
  ({ cases, box } = await createGraphqlTables(world, {
    cases: () => ({
      required: ['titel'],
      authorization: {
        read: ['handlers', { group: 'authenticated', match: { status: { $ne: 'geheim' } } }],
        create: ['handlers'],
        update: ['handlers'],
        delete: ['handlers'],
      },
      properties: {
        'titel': { type: 'string', maxLength: 20 },
        'status': { type: 'string', default: 'nieuw' },
        'extra': { type: 'object' },
        'odd-name': { type: 'string' },
        'intern': { type: 'string', authorization: { read: ['chiefs'], update: ['chiefs'] } },
      },
    }),
    // What is put in is for others to read.
    box: () => ({
      authorization: {
        read: [{ group: 'handlers', match: { _owner: 'nobody' } }],
        create: ['authenticated'],
      },
      // Every object has a member of the second name.
      properties: { what: { type: 'string' }, ['constructor']: { type: 'object' } },
    }),
  }));
});
afterAll(() => world[Symbol.asyncDispose]());

/** A new case; its id. */
async function create(titel: string, caller = handler): Promise<string> {
  const { body } = await expectStatus(201, caller.post(cases.objects, { titel }));
  return String(body['_uuid']);
}

async function read(id: string): Promise<Record<string, unknown>> {
  return (await expectStatus(200, handler.get(`${cases.objects}/${id}`))).body;
}

test('what is created, changed and deleted is what REST would have made of it', async () => {
  const { create: createCase, update, delete: remove, type } = cases.names;
  const created = await dataOf(
    handler,
    `mutation ($input: ${type}Input!) { made: ${createCase}(input: $input) { _uuid _version _owner titel status odd_name } }`,
    { input: { titel: 'Nieuw', odd_name: 'x', extra: JSON.parse('{"__proto__": {"a": 1}}') as unknown } },
  );
  const made = created['made'] as Record<string, unknown>;
  expect(made).toMatchObject({
    _version: 1,
    _owner: handler.id,
    titel: 'Nieuw',
    status: 'nieuw',
    odd_name: 'x',
  });
  const id = String(made['_uuid']);
  expect(JSON.stringify((await read(id))['extra'])).toBe('{"__proto__":{"a":1}}');
  const changed = await dataOf(
    handler,
    `mutation ($id: UUID!, $status: String) {
       ${update}(id: $id, version: 1, input: {status: $status, odd_name: null}) { _version status odd_name titel } }`,
    { id, status: 'gereed' },
  );
  expect(changed[update]).toEqual({ _version: 2, status: 'gereed', odd_name: null, titel: 'Nieuw' });
  expect(await dataOf(handler, `mutation { ${remove}(id: "${id}", version: 2) { _uuid } }`)).toEqual({
    [remove]: { _uuid: id },
  });
  await expectStatus(404, handler.get(`${cases.objects}/${id}`));
});

test('a write on what was changed meanwhile is refused with STALE_VERSION, and changes nothing', async () => {
  const { update, delete: remove } = cases.names;
  const id = await create('Twee');
  await expectStatus(200, handler.patch(`${cases.objects}/${id}`, { status: 'b' }));
  const stale = await send(
    handler,
    `mutation { ${update}(id: "${id}", version: 1, input: {status: "c"}) { status } }`,
  );
  expect([codesOf(stale), stale.result.data, stale.status]).toEqual([
    ['STALE_VERSION'],
    { [update]: null },
    200,
  ]);
  expect(codesOf(await send(handler, `mutation { ${remove}(id: "${id}", version: 1) { _uuid } }`))).toEqual([
    'STALE_VERSION',
  ]);
  expect(await read(id)).toMatchObject({ status: 'b', _version: 2 });
});

test('an object that its schema refuses is told with the place of each fault in the input', async () => {
  const { create: createCase, update } = cases.names;
  const answer = await send(
    handler,
    `mutation { ${createCase}(input: {titel: "much longer than twenty characters"}) { _uuid } }`,
  );
  expect(answer.result.errors).toMatchObject([
    { path: [createCase], extensions: { code: 'VALIDATION_ERROR', errors: [{ field: '/input/titel' }] } },
  ]);
  const id = await create('Drie');
  const cleared = await send(handler, `mutation { ${update}(id: "${id}", input: {titel: null}) { _uuid } }`);
  expect(cleared.result.errors).toMatchObject([
    { extensions: { code: 'VALIDATION_ERROR', errors: [{ field: '/input/titel' }] } },
  ]);
  const missing = await send(handler, `mutation { ${createCase}(input: {status: "x"}) { _uuid } }`);
  expect(codesOf(missing)).toEqual(['BAD_REQUEST']);
});

test('who may not write is refused as REST refuses: readable is FORBIDDEN, unreadable and absent are NOT_FOUND', async () => {
  const { create: createCase, update, delete: remove } = cases.names;
  const open = await create('Open');
  const { body } = await expectStatus(201, handler.post(cases.objects, { titel: 'Dicht', status: 'geheim' }));
  const hidden = String(body['_uuid']);
  const absent = '550e8400-e29b-41d4-a716-446655440000';
  const change = (id: string): string =>
    `mutation { ${update}(id: "${id}", input: {status: "x"}) { _uuid } }`;
  const drop = (id: string): string => `mutation { ${remove}(id: "${id}") { _uuid } }`;
  expect(codesOf(await send(member, change(open)))).toEqual(['FORBIDDEN']);
  expect(codesOf(await send(member, drop(open)))).toEqual(['FORBIDDEN']);
  for (const document of [change, drop]) {
    const unreadable = await send(member, document(hidden));
    expect(codesOf(unreadable)).toEqual(['NOT_FOUND']);
    expect(unreadable.body).toEqual((await send(member, document(absent))).body);
    expect(codesOf(await send(stranger, document(open)))).toEqual(['NOT_FOUND']);
  }
  expect(codesOf(await send(member, `mutation { ${createCase}(input: {titel: "x"}) { _uuid } }`))).toEqual([
    'FORBIDDEN',
  ]);
  expect(await read(open)).toMatchObject({ _version: 1 });
});

test('a property that the caller may not write is refused by its name, and its rule is not lost', async () => {
  const { create: createCase } = cases.names;
  const answer = await send(
    handler,
    `mutation { ${createCase}(input: {titel: "x", intern: "y"}) { _uuid } }`,
  );
  expect(answer.result.errors).toMatchObject([
    { extensions: { code: 'FORBIDDEN', errors: [{ field: '/input/intern' }] } },
  ]);
});

test('who may not read what it creates learns its id, version and times', async () => {
  const { create: put } = box.names;
  const writer = await world.createToken(member.id, { actions: ['create'] });
  const answer = await send(
    writer,
    `mutation { ${put}(input: {what: "x"}) { _uuid _version _schema _created what constructor _owner } }`,
  );
  const { result } = answer;
  expect(result.data?.[put]).toEqual({
    _uuid: expect.any(String),
    _version: 1,
    _schema: box.schema,
    _created: expect.any(String),
    what: null,
    ['constructor']: null,
    _owner: null,
  });
  expect(result.errors?.map(({ path }) => path)).toEqual([
    [put, 'what'],
    [put, 'constructor'],
    [put, '_owner'],
  ]);
  expect(codesOf(answer)).toEqual(['FIELD_FORBIDDEN', 'FIELD_FORBIDDEN', 'FIELD_FORBIDDEN']);
  expect(codesOf(await send(writer, `{ ${box.names.list} { totalCount } }`))).toEqual(['NOT_FOUND']);
});

test('mutations are carried out one after the other, and a refused one does not keep the next from it', async () => {
  const { create: createCase, update } = cases.names;
  const id = await create('Teller');
  const answer = await send(
    handler,
    `mutation {
       a: ${update}(id: "${id}", version: 1, input: {status: "een"}) { _version status }
       b: ${update}(id: "${id}", version: 1, input: {status: "twee"}) { _version status }
       c: ${update}(id: "${id}", version: 2, input: {status: "drie"}) { _version status }
       d: ${createCase}(input: {titel: "Na"}) { titel } }`,
  );
  expect(answer.result.data).toEqual({
    a: { _version: 2, status: 'een' },
    b: null,
    c: { _version: 3, status: 'drie' },
    d: { titel: 'Na' },
  });
  expect(answer.result.errors).toMatchObject([{ path: ['b'], extensions: { code: 'STALE_VERSION' } }]);
});

test('an administrator names the organisation of what it creates', async () => {
  const { create: createCase } = cases.names;
  const data = await dataOf(
    world.admin,
    `mutation { ${createCase}(input: {titel: "Elders"}, organisation: "${organisation.toUpperCase()}") { _organisation } }`,
  );
  expect(data[createCase]).toEqual({ _organisation: organisation });
});

test('a mutation needs a POST, and a cookie one from an own page', async () => {
  const { create: createCase } = cases.names;
  const query = `mutation { ${createCase}(input: {titel: "x"}) { _uuid } }`;
  const got = await handler.get(`/api/graphql?query=${encodeURIComponent(query)}`);
  expect([got.status, got.body['code'], got.headers.get('allow')]).toEqual([
    405,
    'METHOD_NOT_ALLOWED',
    'POST',
  ]);
  const answer = await world.anonymous.call(
    'POST',
    '/api/graphql',
    { query },
    { cookie: 'tidewire_session=stolen' },
  );
  expect([answer.status, answer.body['code']]).toEqual([403, 'FORBIDDEN']);
});
