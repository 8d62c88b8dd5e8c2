import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStatus, openSharedPlatform } from '../test/platform.ts';
import type { Answer, Caller, RecordsTestPlatform, TestTable } from '../test/platform.ts';

let world: RecordsTestPlatform;
let organisation: string;
let alice: Caller;
let bob: Caller;

const SCHEMA = {
  properties: { titel: { type: 'string' }, status: { type: 'string' } },
  authorization: {
    create: ['authenticated'],
    read: [{ group: 'authenticated', match: { status: 'open' } }],
    update: ['authenticated'],
    delete: ['authenticated'],
  },
};
const BEGINNING = '1970-01-01T00:00:00Z';

beforeAll(async () => {
  world = await openSharedPlatform();
  organisation = await world.createOrganisation();
  alice = await world.createPrincipal(organisation);
  bob = await world.createPrincipal(organisation);
});
afterAll(() => world[Symbol.asyncDispose]());

async function create(table: TestTable, status: string): Promise<string> {
  const { body } = await expectStatus(201, alice.post(table.objects, { titel: 'a', status }));
  return String(body['id']);
}

function poll(who: Caller, table: TestTable, since: unknown, query = ''): Promise<Answer> {
  const text = encodeURIComponent(String(since));
  return expectStatus(200, who.get(`${table.objects}?_updatedSince=${text}&_includeDeleted=true${query}`));
}

function rowsOf({ body }: Answer): Record<string, unknown>[] {
  return body['results'] as Record<string, unknown>[];
}

test('a poll brings what changed, page by page, then nothing until something changes', async () => {
  const table = await world.createTable(SCHEMA);
  const ids = [await create(table, 'open'), await create(table, 'open'), await create(table, 'open')];
  await create(table, 'dicht');
  const first = await poll(bob, table, BEGINNING, '&_limit=2&_fields=titel');
  expect(first.body).toMatchObject({ total: 3, limit: 2, pages: 2, _more: true });
  expect(first.headers.get('x-event-position')).toBe(first.body['_position']);
  expect(rowsOf(first)[0]).toMatchObject({ id: ids[0], titel: 'a', _version: 1 });
  expect(rowsOf(first)[0]).not.toHaveProperty('status');
  const second = await poll(bob, table, first.body['_next'], '&_limit=2');
  expect([...rowsOf(first), ...rowsOf(second)].map((row) => row['id'])).toEqual(ids);
  expect(second.body).toMatchObject({ total: 1, _more: false });
  const third = await poll(bob, table, second.body['_next']);
  expect(third.body).toMatchObject({ results: [], total: 0, _more: false, _next: second.body['_next'] });
  await expectStatus(200, alice.patch(`${table.objects}/${ids[1]}`, { titel: 'b' }));
  await expectStatus(204, alice.delete(`${table.objects}/${ids[0]}`));
  expect(rowsOf(await poll(bob, table, third.body['_next']))).toEqual([
    expect.objectContaining({ id: ids[1], titel: 'b', _version: 2 }),
    { id: ids[0], _uuid: ids[0], _version: 2, _updated: expect.any(String), _deleted: true },
  ]);
});

test('a poll never tells of what may not be read, and of its delete neither', async () => {
  const table = await world.createTable(SCHEMA);
  const hidden = await create(table, 'dicht');
  const { body } = await poll(bob, table, BEGINNING);
  await expectStatus(200, alice.patch(`${table.objects}/${hidden}`, { titel: 'geheim' }));
  await expectStatus(204, alice.delete(`${table.objects}/${hidden}`));
  expect((await poll(bob, table, body['_next'])).body).toMatchObject({ results: [], total: 0 });
  expect(rowsOf(await poll(alice, table, BEGINNING))).toMatchObject([{ id: hidden, _deleted: true }]);
  const stranger = await world.createPrincipal(await world.createOrganisation());
  expect(rowsOf(await poll(stranger, table, BEGINNING))).toEqual([]);
  expect((await world.anonymous.get(`${table.objects}?_updatedSince=${BEGINNING}`)).status).toBe(401);
});

test('rights that were taken away count for the very next poll, which begins again', async () => {
  const table = await world.createTable(SCHEMA);
  const id = await create(table, 'open');
  for (let round = 0; round < 5; round += 1) {
    const { body } = await poll(bob, table, BEGINNING);
    expect(body['total']).toBe(1);
    const closed = { ...SCHEMA.authorization, read: ['managers'] };
    await expectStatus(200, world.admin.patch(`/api/schemas/${table.schemaId}`, { authorization: closed }));
    await expectStatus(204, alice.delete(`${table.objects}/${id}`));
    const after = await poll(bob, table, body['_next']);
    expect(after.body).toMatchObject({ results: [], _resync: { reason: 'rights-changed' } });
    expect((await poll(bob, table, after.body['_next'])).body).not.toHaveProperty('_resync');
    const { authorization } = SCHEMA;
    await expectStatus(200, world.admin.patch(`/api/schemas/${table.schemaId}`, { authorization }));
    await expectStatus(200, alice.post(`/api/tables/${table.schemaId}/records/${id}/restore`, {}));
  }
});

test('who has an answer already gets 304 and how far the log is included, until it changes', async () => {
  const table = await world.createTable(SCHEMA);
  const id = await create(table, 'open');
  const polled = await poll(bob, table, BEGINNING);
  const quiet = `?_updatedSince=${String(polled.body['_next'])}`;
  for (const path of [
    table.objects,
    `${table.objects}?_limit=5`,
    `${table.objects}/${id}`,
    `${table.objects}${quiet}`,
  ]) {
    const { headers } = await expectStatus(200, bob.get(path));
    const tag = headers.get('etag') ?? '';
    expect(tag).toMatch(/^"[\w-]+"$/);
    for (const given of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const same = await bob.call('GET', path, undefined, { 'if-none-match': given });
      expect([same.status, same.body, same.headers.get('etag')]).toEqual([304, {}, tag]);
      expect(same.headers.get('x-event-position')).toMatch(/^evt-/);
    }
    await expectStatus(200, alice.patch(`${table.objects}/${id}`, { titel: path }));
    const changed = await expectStatus(200, bob.call('GET', path, undefined, { 'if-none-match': tag }));
    expect(changed.headers.get('etag')).not.toBe(tag);
  }
  const malformed = await bob.call('GET', table.objects, undefined, { 'if-none-match': 'abc' });
  expect(malformed.status).toBe(400);
});

test('the tag of an object is a condition for a write', async () => {
  const table = await world.createTable(SCHEMA);
  const path = `${table.objects}/${await create(table, 'open')}`;
  const { headers, body } = await expectStatus(200, alice.get(path));
  const condition = { 'if-match': headers.get('etag') ?? '' };
  expect(headers.get('x-object-version')).toBe('1');
  await expectStatus(200, alice.call('PUT', path, { ...body, titel: 'b' }, condition));
  await expectStatus(412, alice.call('PATCH', path, { titel: 'c' }, condition));
  await expectStatus(412, alice.delete(path, condition));
});

test('a permanent delete cannot be restored, any other can', async () => {
  const table = await world.createTable(SCHEMA);
  const [gone, kept] = [await create(table, 'open'), await create(table, 'open')];
  await expectStatus(400, alice.delete(`${table.objects}/${gone}?permanent=yes`));
  await expectStatus(204, alice.delete(`${table.objects}/${gone}?permanent=true`));
  await expectStatus(204, alice.delete(`${table.objects}/${kept}?permanent=false`));
  const restore = (id: string): Promise<Answer> =>
    alice.post(`/api/tables/${table.schemaId}/records/${id}/restore`, {});
  await expectStatus(404, restore(gone));
  await expectStatus(200, restore(kept));
  expect(rowsOf(await poll(bob, table, BEGINNING))).toMatchObject([
    { id: gone, _deleted: true },
    { id: kept, _version: 3 },
  ]);
});
