import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStatus, openTestPlatform } from '../../test/platform.ts';
import type { Caller, RecordsTestPlatform } from '../../test/platform.ts';
import { createRecords, createRow, listRows, namesOf } from '../../test/table.ts';
import type { Row } from '../../test/table.ts';

let world: RecordsTestPlatform;
let alice: Caller;
let bob: Caller;

beforeAll(async () => {
  world = await openTestPlatform();
  const organisation = await world.createOrganisation();
  alice = await world.createPrincipal(organisation, ['chiefs']);
  bob = await world.createPrincipal(organisation);
});
afterAll(() => world[Symbol.asyncDispose]());

test('a page says where it lies in the list, and page, limit and offset are honoured', async () => {
  const { path } = await createRecords(world);
  await expectStatus(
    201,
    alice.post(`${path}/batch`, { records: [1, 2, 3, 4, 5].map((total) => ({ fields: { total } })) }),
  );
  const pageOf = async (query: string): Promise<unknown> => {
    const { body, headers } = await expectStatus(200, alice.get(`${path}?sort=total&${query}`));
    expect(headers.get('x-event-position')).toBe(body['position']);
    const totals = (body['records'] as Row[]).map(({ fields }) => fields['total']);
    return [totals, body['pagination']];
  };
  const whole = { total: 5, totalPages: 3, limit: 2 };
  expect(await pageOf('limit=2')).toEqual([
    [1, 2],
    { ...whole, page: 1, offset: 0, hasNextPage: true, hasPreviousPage: false },
  ]);
  expect(await pageOf('page=3&limit=2')).toEqual([
    [5],
    { ...whole, page: 3, offset: 4, hasNextPage: false, hasPreviousPage: true },
  ]);
  expect(await pageOf('offset=3&limit=2')).toEqual([
    [4, 5],
    { ...whole, page: 2, offset: 3, hasNextPage: false, hasPreviousPage: true },
  ]);
});

test.each([
  ['filter=status:open', 'a c'],
  ['filter=status:equals:open', 'a c'],
  ['filter=status:neq:open', 'b'],
  [
    filter({
      and: [
        { field: 'total', operator: 'greaterThan', value: 1 },
        { field: 'rush', operator: 'isTrue' },
      ],
    }),
    'c',
  ],
  [
    filter({
      or: [
        { field: 'total', operator: 'lt', value: 2 },
        { field: 'name', operator: 'eq', value: 'c' },
      ],
    }),
    'a c',
  ],
  [filter({ field: 'status', operator: 'in', value: ['done', 'gone'] }), 'b'],
  [filter({ field: 'status', operator: 'notEquals', value: 'done' }), 'a c'],
  [filter({ field: 'total', operator: 'greaterThanOrEqual', value: 2 }), 'b c'],
  [filter({ field: 'total', operator: 'lessThanOrEqual', value: 2 }), 'a b'],
  [filter({ field: 'name', operator: 'contains', value: 'b' }), 'b'],
  [filter({ field: 'status', operator: 'startsWith', value: 'op' }), 'a c'],
  [filter({ field: 'status', operator: 'endsWith', value: 'ne' }), 'b'],
  [filter({ field: 'rush', operator: 'isFalse' }), 'b'],
  [filter({ field: 'rush', operator: 'isNull' }), 'a'],
  [filter({ field: 'rush', operator: 'isNotNull' }), 'b c'],
  [filter({ field: 'rush', operator: 'isEmpty' }), 'a'],
  ['filter=due:gte:2026-03-01T13:00:00%2B01:00', 'c'],
  ['filter=createdAt:gt:2026-01-01T00:00:00Z', 'a b c'],
  ['filter=updatedAt:lt:2026-01-01T00:00:00Z', ''],
  ['q=B', 'b'],
  ['sort=total:desc', 'c b a'],
  ['sort=total&order=desc', 'c b a'],
  ['sort=status:desc,total:desc', 'c a b'],
  ['sort=createdAt:desc,id:asc&limit=1', 'c'],
  ['sort=updatedAt:asc&limit=1', 'a'],
])('a list is filtered and sorted: %s', async (query, names) => {
  expect(namesOf(await listRows(alice, await filterRecords(), query)).join(' ')).toBe(names);
});

function filter(node: unknown): string {
  return `filter=${encodeURIComponent(JSON.stringify(node))}`;
}

let filtered: Promise<string> | undefined;
function filterRecords(): Promise<string> {
  filtered ??= (async () => {
    const { path } = await createRecords(world);
    await createRow(alice, path, { name: 'a', status: 'open', total: 1 });
    await createRow(alice, path, {
      name: 'b',
      status: 'done',
      total: 2,
      rush: false,
      due: '2026-03-01T11:59:59Z',
    });
    await createRow(alice, path, {
      name: 'c',
      status: 'open',
      total: 3,
      rush: true,
      due: '2026-03-01T12:00:00Z',
    });
    return path;
  })();
  return filtered;
}

test('a record comes with the fields that were asked for, and its system members', async () => {
  const path = await filterRecords();
  const [row] = await listRows(alice, path, 'fields=name,total,createdAt&filter=name:a');
  expect(row).toMatchObject({ fields: { name: 'a', total: 1 }, updatedAt: expect.any(String) });
  expect(Object.keys(row?.fields ?? {})).toEqual(['name', 'total']);
});

test.each([
  ['limit=1001', 'BAD_REQUEST', 'limit is a whole number from 1 to 1000.'],
  ['page=0', 'BAD_REQUEST', 'page is a whole number from 1.'],
  ['offset=100001', 'BAD_REQUEST', '100000 rows deep'],
  ['filters=status:open', 'BAD_REQUEST', 'There is no parameter filters; did you mean filter?'],
  ['status=open', 'BAD_REQUEST', 'There is no parameter status; known are page, limit'],
  ['filter=status:like:open', 'MALFORMED_FILTER', 'known are eq equals neq notEquals gt'],
  ['filter=status:open&filter=total:1', 'BAD_REQUEST', 'filter is given more than once.'],
  ['filter={"and":', 'MALFORMED_FILTER', 'not valid JSON'],
  ['sort=total:up', 'BAD_REQUEST', 'sort is asc or desc.'],
  ['sort=total&order=up', 'BAD_REQUEST', 'order is asc or desc.'],
  ['sort=nee', 'UNKNOWN_FIELD', "Unknown field 'nee'"],
  ['fields=nee', 'UNKNOWN_FIELD', "Unknown field 'nee'"],
  ['filter=nee:1', 'UNKNOWN_FIELD', "Unknown field 'nee'"],
])('a list that cannot be meant is refused: %s', async (query, code, message) => {
  const refused = await alice.get(`${await filterRecords()}?${query}`);
  expect(refused).toMatchObject({ status: 400, body: { success: false, code } });
  expect(refused.body['message']).toContain(message);
});

test('a field that the reader may not see is refused like one that does not exist', async () => {
  const { path } = await createRecords(world);
  const { id } = await createRow(alice, path, { name: 'a', secret: 's' });
  for (const query of ['filter=secret:s', 'sort=secret', 'fields=secret']) {
    const hidden = await bob.get(`${path}?${query}`);
    const absent = await bob.get(`${path}?${query.replace('secret', 'nobody')}`);
    expect(hidden.status).toBe(400);
    expect(JSON.stringify(hidden.body).replaceAll('secret', 'nobody')).toBe(JSON.stringify(absent.body));
  }
  expect(namesOf(await listRows(alice, path, 'filter=secret:s'))).toEqual(['a']);
  expect(await listRows(bob, path, 'q=s')).toEqual([]);
  const seen = await expectStatus(200, bob.get(`${path}/${id}`));
  expect(seen.body['fields']).toEqual({ name: 'a', status: 'new' });
  const key = { records: [{ fields: { secret: 's' } }], fieldsToMergeOn: ['secret'] };
  expect((await bob.post(`${path}/upsert`, key)).body).toMatchObject({ code: 'UNKNOWN_FIELD' });
});

test('a poll tells what changed since the last one, deletes included, and then nothing', async () => {
  const { path } = await createRecords(world);
  const kept = await createRow(alice, path, { name: 'kept' });
  const gone = await createRow(alice, path, { name: 'gone' });
  const poll = async (since: string): Promise<Record<string, unknown>> => {
    const query = new URLSearchParams({ updatedSince: since, includeDeleted: 'true', fields: 'name' });
    return (await expectStatus(200, bob.get(`${path}?${query.toString()}`))).body;
  };
  const first = await poll('2026-01-01T00:00:00Z');
  expect(namesOf(first['records'] as Row[])).toEqual(['kept', 'gone']);
  expect(first).toMatchObject({ more: false, next: expect.any(String), position: expect.any(String) });
  await expectStatus(204, alice.delete(`${path}/${gone.id}`));
  await expectStatus(200, alice.patch(`${path}/${kept.id}`, { name: 'changed' }));
  const second = await poll(String(first['next']));
  expect(second['records']).toMatchObject([
    { id: gone.id, updatedAt: expect.any(String), deleted: true },
    { id: kept.id, fields: { name: 'changed' } },
  ]);
  expect(Object.keys((second['records'] as Row[])[0] ?? {}).toSorted()).toEqual([
    'deleted',
    'id',
    'updatedAt',
  ]);
  expect((await poll(String(second['next'])))['records']).toEqual([]);
  for (const query of [
    'updatedSince=gisteren',
    'includeDeleted=true',
    'updatedSince=2026-01-01T00:00:00Z&sort=name',
  ])
    await expectStatus(400, bob.get(`${path}?${query}`));
});

test('an answer that the reader has is 304, and its tag is a condition of the next write', async () => {
  const { path } = await createRecords(world);
  const { id } = await createRow(alice, path, { name: 'a' });
  for (const url of [path, `${path}/${id}`]) {
    const { headers } = await expectStatus(200, bob.get(url));
    const tag = headers.get('etag') ?? '';
    const again = await bob.call('GET', url, undefined, { 'if-none-match': tag });
    expect([again.status, again.headers.get('etag')]).toEqual([304, tag]);
    expect(again.headers.get('x-event-position')).toMatch(/^evt-/);
  }
  const tag = (await bob.get(`${path}/${id}`)).headers.get('etag') ?? '';
  const write = (name: string): Promise<number> =>
    bob.call('PATCH', `${path}/${id}`, { name }, { 'if-match': tag }).then(({ status }) => status);
  expect([await write('b'), await write('c')]).toEqual([200, 412]);
  expect((await bob.delete(`${path}/${id}`, { 'if-match': tag })).status).toBe(412);
  const changed = await bob.call('GET', `${path}/${id}`, undefined, { 'if-none-match': tag });
  expect(changed).toMatchObject({ status: 200, body: { fields: { name: 'b' } } });
});

test('a parameter that a request does not take is refused, and nothing is done', async () => {
  const { path } = await createRecords(world);
  const { id } = await createRow(alice, path, { name: 'a' });
  const refused = [
    await alice.get(`${path}/${id}?fields=name`),
    await alice.post(`${path}?permanent=true`, { name: 'b' }),
    await alice.patch(`${path}/${id}?upsert=true`, { name: 'b' }),
    await alice.delete(`${path}/${id}?force=true`),
    await alice.call('DELETE', `${path}/batch?permanent=true`, { ids: [id] }),
    await alice.post(`${path}/batch/delete?permanent=true`, { ids: [id] }),
  ];
  for (const answer of refused) expect(answer).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
  expect(namesOf(await listRows(alice, path))).toEqual(['a']);
});
