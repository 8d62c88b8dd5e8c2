import { objectListSchema, parseEventId, problemSchema } from '@tidewire/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStatus, openSharedPlatform } from '../test/platform.ts';
import type { Answer, Caller, RecordsTestPlatform, TestTable } from '../test/platform.ts';

let world: RecordsTestPlatform;
let alice: Caller;
let manager: Caller;
let table: TestTable;

const rows = [
  { titel: 'Berg', aantal: 3, open: true, geheim: 'x1', wanneer: '2026-01-01T10:00:00Z', bsn: '1' },
  { titel: 'boom', aantal: 10, open: false, geheim: 'x2', wanneer: '2026-01-01T11:30:00+02:00', bsn: '2' },
  { titel: 'Éden', aantal: 2, open: true, geheim: 'x3', bsn: '3' },
  { titel: 'zee', open: false, geheim: 'x4', tags: ['nat', 'zout'], bsn: '4' },
];

beforeAll(async () => {
  world = await openSharedPlatform();
  const organisation = await world.createOrganisation();
  alice = await world.createPrincipal(organisation);
  manager = await world.createPrincipal(organisation, ['managers']);
  table = await world.createTable({
    properties: {
      titel: { type: 'string' },
      aantal: { type: 'integer' },
      open: { type: 'boolean' },
      wanneer: { type: 'string', format: 'date-time' },
      tags: { type: 'array', items: { type: 'string' } },
      // Readable by others only on rows that are open.
      geheim: {
        type: 'string',
        authorization: { read: ['managers', { group: 'authenticated', match: { open: true } }] },
      },
      // Readable by managers only.
      bsn: { type: 'string', authorization: { read: ['managers'], update: ['managers'] } },
    },
  });
  for (const row of rows) await expectStatus(201, manager.post(table.objects, row));
});
afterAll(() => world[Symbol.asyncDispose]());

async function titles(query: string, caller = alice): Promise<unknown[]> {
  const answer = await expectStatus(200, caller.get(`${table.objects}?${query}`));
  return objectListSchema.parse(answer.body).results.map((object) => object['titel']);
}

function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer.body).toMatchObject({ status, code });
  problemSchema.parse(answer.body);
}

test('a list says how much there is, where it stands, and what position in the log it includes', async () => {
  const answer = await expectStatus(200, alice.get(`${table.objects}?_limit=3`));
  expect(answer.body).toMatchObject({ total: 4, page: 1, pages: 2, limit: 3, offset: 0 });
  const position = String(answer.body['_position']);
  expect(parseEventId(position)?.sequence).toBeGreaterThan(0);
  expect(answer.headers.get('x-event-position')).toBe(position);
});

test('the default order is that of creation, and pages neither repeat nor skip', async () => {
  expect(await titles('')).toEqual(['Berg', 'boom', 'Éden', 'zee']);
  expect(await titles('_limit=3&_page=2')).toEqual(['zee']);
  expect(await titles('_limit=2&_offset=1')).toEqual(['boom', 'Éden']);
  expect(await titles('_limit=2&_page=9')).toEqual([]);
});

test('filters in both dialects', async () => {
  expect(await titles('titel=boom')).toEqual(['boom']);
  expect(await titles('aantal[gte]=3')).toEqual(['Berg', 'boom']);
  expect(await titles('aantal[>=]=3&open=true')).toEqual(['Berg']);
  expect(await titles('titel[in]=zee,boom')).toEqual(['boom', 'zee']);
  expect(await titles('tags=nat')).toEqual(['zee']);
  expect(await titles('aantal[exists]=false')).toEqual(['zee']);
  expect(await titles('wanneer[lt]=2026-01-01T09:45:00Z')).toEqual(['boom']);
  expect(await titles('filter[_version][gte]=1&titel[~]=e')).toEqual(['Berg', 'Éden', 'zee']);
});

test('orders by several fields, numbers as numbers, times as instants, texts by code point, absent values last', async () => {
  expect(await titles('_order[aantal]=asc')).toEqual(['Éden', 'Berg', 'boom', 'zee']);
  expect(await titles('_order[aantal]=desc')).toEqual(['boom', 'Berg', 'Éden', 'zee']);
  expect(await titles('_order[titel]=asc')).toEqual(['Berg', 'boom', 'zee', 'Éden']);
  expect(await titles('_order[open]=desc&_order[titel]=desc')).toEqual(['Éden', 'Berg', 'zee', 'boom']);
  expect(await titles('_order[wanneer]=asc&_limit=2')).toEqual(['boom', 'Berg']);
  expect(await titles('_order[_created]=desc')).toEqual(['zee', 'Éden', 'boom', 'Berg']);
});

test('search looks into the texts that may be read, whatever the case', async () => {
  expect(await titles('_search=BO')).toEqual(['boom']);
  expect(await titles('_search=x')).toEqual(['Berg', 'Éden']);
  expect(await titles('_search=x', manager)).toEqual(['Berg', 'boom', 'Éden', 'zee']);
  expect(await titles('_search=%25')).toEqual([]);
});

test('answers with the fields that were asked for', async () => {
  const answer = await expectStatus(200, alice.get(`${table.objects}?_fields=titel,aantal&_limit=1`));
  const [object] = objectListSchema.parse(answer.body).results;
  expect(
    Object.keys(object ?? {})
      .filter((name) => !name.startsWith('_'))
      .toSorted(),
  ).toEqual(['aantal', 'id', 'titel']);
});

test('a property that may be read on some rows is absent on the others, for filter, order and answer alike', async () => {
  const answer = await expectStatus(200, alice.get(table.objects));
  expect(objectListSchema.parse(answer.body).results.map((object) => object['geheim'])).toEqual([
    'x1',
    undefined,
    'x3',
    undefined,
  ]);
  expect(await titles('geheim=x2')).toEqual([]);
  expect(await titles('geheim=x1')).toEqual(['Berg']);
  expect(await titles('geheim[ne]=x1')).toEqual(['Éden']);
  expect(await titles('geheim[exists]=false')).toEqual(['boom', 'zee']);
  expect(await titles('_order[geheim]=desc')).toEqual([
    'Éden',
    'Berg',
    ...(await titles('open=false&_order[id]=asc')),
  ]);
});

test('a property that may be read nowhere is refused like one that does not exist', async () => {
  for (const query of ['NAME=1', 'NAME[gt]=1', '_order[NAME]=asc', '_fields=NAME']) {
    const unreadable = await alice.get(`${table.objects}?${query.replace('NAME', 'bsn')}`);
    const absent = await alice.get(`${table.objects}?${query.replace('NAME', 'nee')}`);
    expectProblem(unreadable, 400, 'UNKNOWN_FIELD');
    expect(JSON.stringify(unreadable.body).replaceAll('bsn', 'nee')).toBe(JSON.stringify(absent.body));
  }
  expect(await titles('bsn=2', manager)).toEqual(['boom']);
});

test('who may not read a property does not lose it by a PUT, nor sets it', async () => {
  const created = await expectStatus(
    201,
    manager.post(table.objects, { titel: 'put', bsn: '9', open: false, geheim: 'g' }),
  );
  const path = `${table.objects}/${String(created.body['id'])}`;
  const mine = await expectStatus(200, alice.get(path));
  expect(mine.body).not.toHaveProperty('bsn');
  await expectStatus(200, alice.put(path, { ...mine.body, titel: 'PUT' }));
  expect((await manager.get(path)).body).toMatchObject({ titel: 'PUT', bsn: '9', geheim: 'g', _version: 2 });
  const refused = await alice.patch(path, { bsn: '7' });
  expectProblem(refused, 403, 'FORBIDDEN');
  expect(refused.body['errors']).toEqual([{ field: '/bsn', message: 'may not be written by you' }]);
  expectProblem(await alice.post(table.objects, { titel: 'x', bsn: '1' }), 403, 'FORBIDDEN');
  await expectStatus(204, manager.delete(path));
});

test('refuses parameters that mean nothing, bad numbers and lists that are too deep, and says what would be right', async () => {
  for (const [query, text] of [
    ['_limit=1001', 'from 1 to 1000'],
    ['_limit=0', 'from 1 to 1000'],
    ['_limit=x', 'from 1 to 1000'],
    ['_limit=1&_limit=2', 'more than once'],
    ['_limt=1', 'did you mean _limit?'],
    ['_offset=100001', 'filter'],
    ['_limit=1000&_page=999', 'filter'],
    ['_order=titel', '_order[field]'],
    ['_order[titel]=up', 'asc or desc'],
    ['_order[tags]=asc', 'no order'],
  ] as const) {
    const answer = await alice.get(`${table.objects}?${query}`);
    expectProblem(answer, 400, 'BAD_REQUEST');
    expect(answer.body['message']).toContain(text);
  }
  expectProblem(await alice.get(`${table.objects}?aantal=many`), 400, 'MALFORMED_FILTER');
});

test('a list holds nothing of other organisations, and an administrator may look at one of them', async () => {
  const organisation = await world.createOrganisation();
  const other = await world.createPrincipal(organisation);
  await expectStatus(201, other.post(table.objects, { titel: 'ginds' }));
  expect(await titles('')).not.toContain('ginds');
  expect(await titles('', other)).toEqual(['ginds']);
  expect(await titles(`_organisation=${organisation}`, world.admin)).toEqual(['ginds']);
  expect(await titles(`_organisation=${organisation}`)).not.toContain('ginds');
  const child = await world.createPrincipal(await world.createOrganisation(organisation));
  expect(await titles('', child)).toEqual(['ginds']);
});

test('what a public rule lets everybody read is read without a credential, and nothing else is', async () => {
  const open = await world.createTable({
    properties: { titel: { type: 'string' }, status: { type: 'string' } },
    authorization: { read: [{ group: 'public', match: { status: 'open' } }, 'authenticated'] },
  });
  await expectStatus(201, alice.post(open.objects, { titel: 'a', status: 'open' }));
  await expectStatus(201, alice.post(open.objects, { titel: 'b', status: 'dicht' }));
  const answer = await expectStatus(200, world.anonymous.get(open.objects));
  expect(answer.body).toMatchObject({ total: 1 });
  expect((await world.anonymous.post(open.objects, { titel: 'c' })).status).toBe(401);
});

test('a token that is limited to reading one topic reads that and no more', async () => {
  const topic = `register/${table.register}/schema/${table.schema}`;
  const reader = await world.createToken(alice.id, { actions: ['read'], topics: [topic] });
  await expectStatus(200, reader.get(table.objects));
  expectProblem(await reader.post(table.objects, { titel: 'x' }), 403, 'FORBIDDEN');
  const other = await world.createTable({ properties: {} });
  expectProblem(await reader.get(other.objects), 404, 'NOT_FOUND');
});
