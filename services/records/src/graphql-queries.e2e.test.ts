import { parseEventId } from '@tidewire/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codesOf, createGraphqlTables, dataOf, send } from '../test/graphql.ts';
import type { GraphqlTable } from '../test/graphql.ts';
import { expectStatus, openSharedPlatform, uniqueSlug } from '../test/platform.ts';
import type { Caller, RecordsTestPlatform } from '../test/platform.ts';

let world: RecordsTestPlatform;
let handler: Caller;
let member: Caller;
let stranger: Caller;
let cases: GraphqlTable;
let secrets: GraphqlTable;
const ids = new Map<string, string>();

const ROWS = [
  { titel: 'Tegel', status: 'nieuw', prioriteit: 3, email: 'jan@example.org' },
  { titel: 'Lamp', status: 'nieuw', prioriteit: 2, tags: ['straat', 'licht'] },
  { titel: 'Klacht', status: 'vertrouwelijk', prioriteit: 5 },
  { titel: 'Boom', status: 'gereed', prioriteit: 4, extra: { bron: 'app' } },
];

/** Handlers see everything, members what is not confidential, and no addresses. */
const rules = {
  read: ['handlers', { group: 'authenticated', match: { status: { $ne: 'vertrouwelijk' } } }],
  create: ['handlers'],
  update: ['handlers'],
  delete: ['handlers'],
};

beforeAll(async () => {
  world = await openSharedPlatform();
  const organisation = await world.createOrganisation();
  handler = await world.createPrincipal(organisation, ['handlers', 'spies']);
  member = await world.createPrincipal(organisation);
  stranger = await world.createPrincipal(await world.createOrganisation());
  ({ cases, secrets } = await createGraphqlTables(world, {
    cases: () => ({
      authorization: rules,
      properties: {
        'titel': { type: 'string' },
        'status': { type: 'string' },
        'prioriteit': { type: 'integer', minimum: 1, maximum: 5 },
        'email': { type: 'string', format: 'email', authorization: { read: ['handlers'] } },
        'tags': { type: 'array', items: { type: 'string' } },
        'extra': { type: 'object' },
        'odd-name': { type: 'string' },
      },
    }),
    secrets: () => ({
      authorization: { read: ['spies'], create: ['spies'], update: ['spies'], delete: ['spies'] },
      properties: { what: { type: 'string' } },
    }),
  }));
  for (const row of ROWS) {
    const { body } = await expectStatus(201, handler.post(cases.objects, row));
    ids.set(row.titel, String(body['_uuid']));
  }
});
afterAll(() => world[Symbol.asyncDispose]());

function idOf(titel: string): string {
  return ids.get(titel) ?? '';
}

async function titles(given: string, caller = handler): Promise<unknown> {
  const { list } = cases.names;
  const data = await dataOf(caller, `{ ${list}${given === '' ? '' : `(${given})`} { nodes { titel } } }`);
  const page = data[list] as { nodes: { titel: string }[] };
  return page.nodes.map(({ titel }) => titel);
}

test('an object is read by its id, with system members and values of every kind', async () => {
  const { single } = cases.names;
  const data = await dataOf(
    handler,
    `query ($id: UUID!) { ${single}(id: $id) {
       __typename _uuid _register _schema _version _created titel prioriteit tags extra leeg: odd_name } }`,
    { id: idOf('Boom').toUpperCase() },
  );
  expect(data[single]).toEqual({
    __typename: cases.names.type,
    _uuid: idOf('Boom'),
    _register: cases.register,
    _schema: cases.schema,
    _version: 1,
    _created: expect.stringMatching(/^\d{4}-.*Z$/),
    titel: 'Boom',
    prioriteit: 4,
    tags: null,
    extra: { bron: 'app' },
    leeg: null,
  });
});

test('an object that may not be read and one that does not exist are both null', async () => {
  const { single } = cases.names;
  const document = (id: string): string => `{ ${single}(id: "${id}") { titel } }`;
  const hidden = await send(member, document(idOf('Klacht')));
  const absent = await send(member, document('550e8400-e29b-41d4-a716-446655440000'));
  expect([hidden.body, hidden.status]).toEqual([{ data: { [single]: null } }, 200]);
  expect(absent.body).toEqual(hidden.body);
});

test('a list says what REST says: the same rows, their number, and a position to subscribe from', async () => {
  const { list } = cases.names;
  const data = await dataOf(
    member,
    `{ ${list} { totalCount position nodes { titel } edges { node { titel } }
       pageInfo { hasNextPage hasPreviousPage } } }`,
  );
  const rest = await expectStatus(200, member.get(cases.objects));
  const page = data[list] as Record<string, unknown>;
  expect(page).toMatchObject({
    totalCount: 3,
    nodes: [{ titel: 'Tegel' }, { titel: 'Lamp' }, { titel: 'Boom' }],
    edges: [{ node: { titel: 'Tegel' } }, { node: { titel: 'Lamp' } }, { node: { titel: 'Boom' } }],
    pageInfo: { hasNextPage: false, hasPreviousPage: false },
  });
  expect((rest.body['results'] as Record<string, unknown>[]).map(({ titel }) => titel)).toEqual([
    'Tegel',
    'Lamp',
    'Boom',
  ]);
  expect(parseEventId(String(page['position']))?.sequence).toBeGreaterThan(0);
});

test('filters take values, operators, groups and variables', async () => {
  expect(await titles('filter: {status: "nieuw"}')).toEqual(['Tegel', 'Lamp']);
  expect(await titles('filter: {status: "nieuw", prioriteit: {gte: 3}}')).toEqual(['Tegel']);
  expect(await titles('filter: {_or: [{titel: "Boom"}, {prioriteit: 2}]}')).toEqual(['Lamp', 'Boom']);
  expect(await titles('filter: {tags: {contains: "licht"}}')).toEqual(['Lamp']);
  expect(await titles('filter: {tags: null, status: {in: ["nieuw", "gereed"]}}')).toEqual(['Tegel', 'Boom']);
  expect(await titles(`filter: {_uuid: "${idOf('Boom')}"}`)).toEqual(['Boom']);
  const { list, type } = cases.names;
  const data = await dataOf(
    handler,
    `query ($filter: ${type}Filter, $status: String) {
       a: ${list}(filter: $filter) { totalCount } b: ${list}(filter: {status: $status}) { totalCount } }`,
    { filter: { prioriteit: { lt: 4 } }, status: 'gereed' },
  );
  expect(data).toEqual({ a: { totalCount: 2 }, b: { totalCount: 1 } });
});

test('order, search and pages are those of every list', async () => {
  expect(await titles('order: [{prioriteit: DESC}], first: 2')).toEqual(['Klacht', 'Boom']);
  expect(await titles('order: [{status: ASC}, {titel: DESC}]')).toEqual(['Boom', 'Tegel', 'Lamp', 'Klacht']);
  expect(await titles('search: "LAM"')).toEqual(['Lamp']);
  expect(await titles('first: 2, offset: 1')).toEqual(['Lamp', 'Klacht']);
  expect(await titles('offset: 9')).toEqual([]);
});

test('cursors lead from page to page without repeating or skipping', async () => {
  const { list } = cases.names;
  const seen: string[] = [];
  let after: string | null = null;
  for (let hasNextPage = true; hasNextPage;) {
    const data = await dataOf(
      handler,
      `query ($after: String) { ${list}(first: 3, after: $after) {
         edges { cursor node { titel } } pageInfo { hasNextPage endCursor } } }`,
      { after },
    );
    const page = data[list] as {
      edges: { cursor: string; node: { titel: string } }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
    seen.push(...page.edges.map(({ node }) => node.titel));
    expect(page.edges.at(-1)?.cursor).toBe(page.pageInfo.endCursor);
    ({ hasNextPage, endCursor: after } = page.pageInfo);
  }
  expect(seen).toEqual(['Tegel', 'Lamp', 'Klacht', 'Boom']);
});

test.each([
  ['first: 0', 'BAD_REQUEST'],
  ['first: 1001', 'BAD_REQUEST'],
  ['after: "nonsense"', 'BAD_REQUEST'],
  ['after: "YWZ0ZXI6MQ", offset: 1', 'BAD_REQUEST'],
  ['offset: 100001', 'BAD_REQUEST'],
  ['filter: {prioriteit: {like: 3}}', 'MALFORMED_FILTER'],
  ['filter: {prioriteit: "high"}', 'MALFORMED_FILTER'],
  ['filter: {titel: {in: ["a", 1]}}', 'MALFORMED_FILTER'],
  ['filter: {_or: []}', 'MALFORMED_FILTER'],
  ['order: [{tags: ASC}]', 'BAD_REQUEST'],
])('a list with %s is refused with %s', async (given, code) => {
  const { list } = cases.names;
  const answer = await send(handler, `{ ${list}(${given}) { totalCount } }`);
  expect(codesOf(answer)).toEqual([code]);
  expect(answer.result).toMatchObject({ data: null, errors: [{ path: [list] }] });
});

test('a field that may not be read is null with FIELD_FORBIDDEN at its path, one without a value only null', async () => {
  const { list } = cases.names;
  const answer = await send(member, `{ ${list}(first: 2) { nodes { titel mail: email tags } } }`);
  expect(answer.status).toBe(200);
  expect(answer.result).toMatchObject({
    data: {
      [list]: {
        nodes: [
          { titel: 'Tegel', mail: null, tags: null },
          { titel: 'Lamp', mail: null, tags: ['straat', 'licht'] },
        ],
      },
    },
    errors: [0, 1].map((index) => ({
      message: "You may not read 'mail'",
      path: [list, 'nodes', index, 'mail'],
      extensions: { code: 'FIELD_FORBIDDEN' },
    })),
  });
});

test('a field that may not be read can be neither filtered nor ordered by', async () => {
  const { list } = cases.names;
  for (const given of ['filter: {email: "jan@example.org"}', 'order: [{email: ASC}]']) {
    expect(codesOf(await send(member, `{ ${list}(${given}) { totalCount } }`))).toEqual(['UNKNOWN_FIELD']);
  }
  expect(await titles('filter: {email: "jan@example.org"}')).toEqual(['Tegel']);
});

test('a stored value that is none of its type is null and told as a fault, beside what is in order', async () => {
  const { single } = cases.names;
  const { body } = await expectStatus(201, handler.post(cases.objects, { titel: 'Odd' }));
  const id = String(body['_uuid']);
  await world.platform.sql(
    `update records.objects set properties = properties || '{"prioriteit": "hoog", "tags": 7}' where uuid = $1`,
    [id],
  );
  const answer = await send(handler, `{ ${single}(id: "${id}") { titel prioriteit tags } }`);
  await expectStatus(204, handler.delete(`${cases.objects}/${id}`));
  expect(answer.result.data).toEqual({ [single]: { titel: 'Odd', prioriteit: null, tags: null } });
  expect(codesOf(answer)).toEqual(['INTERNAL_ERROR', 'INTERNAL_ERROR']);
  expect(JSON.stringify(answer.body)).not.toContain('hoog');
});

test('a schema that may not be known is refused in the very words of one that does not exist', async () => {
  const ask = async (caller: Caller, name: string): Promise<string> => {
    const { result, status } = await send(
      caller,
      `query ($f: ${name}Filter) { ${name}(filter: $f) { nodes { what } } ${name}ById(id: 1) { what } }`,
    );
    return `${status} ${JSON.stringify(result)}`.replaceAll(name, 'NAME');
  };
  const absent = uniqueSlug('secrets').split('-').join('');
  expect(await ask(member, secrets.names.list)).toBe(await ask(member, absent));
  expect(await ask(stranger, secrets.names.list)).toBe(await ask(stranger, absent));
  expect(await ask(world.anonymous, secrets.names.list)).toBe(await ask(world.anonymous, absent));
  expect(await dataOf(handler, `{ ${secrets.names.list} { totalCount } }`)).toEqual({
    [secrets.names.list]: { totalCount: 0 },
  });
});

test('members of another organisation get empty lists', async () => {
  expect(await titles('', stranger)).toEqual([]);
});

test('anonymous readers get what a public rule allows, and nothing else', async () => {
  const { open } = await createGraphqlTables(world, {
    open: () => ({
      authorization: { read: [{ group: 'public', match: { open: true } }], create: ['handlers'] },
      properties: {
        name: { type: 'string' },
        open: { type: 'boolean' },
        inner: { type: 'string', authorization: { read: ['handlers'] } },
      },
    }),
  });
  await expectStatus(201, handler.post(open.objects, { name: 'seen', open: true, inner: 'x' }));
  await expectStatus(201, handler.post(open.objects, { name: 'unseen', open: false }));
  const { list, create } = open.names;
  const answer = await send(world.anonymous, `{ ${list} { totalCount nodes { name inner } } }`);
  expect(answer.result.data).toEqual({ [list]: { totalCount: 1, nodes: [{ name: 'seen', inner: null }] } });
  expect(codesOf(answer)).toEqual(['FIELD_FORBIDDEN']);
  const written = await send(world.anonymous, `mutation { ${create}(input: {name: "x"}) { _uuid } }`);
  expect(codesOf(written)).toEqual(['UNAUTHORIZED']);
});

test('a schema that was made a moment ago can be asked for', async () => {
  const { fresh } = await createGraphqlTables(world, {
    fresh: () => ({ properties: { a: { type: 'string' } } }),
  });
  expect(await dataOf(handler, `{ ${fresh.names.list} { totalCount } }`)).toEqual({
    [fresh.names.list]: { totalCount: 0 },
  });
});
