import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStatus, openSharedPlatform, uniqueSlug } from '../test/platform.ts';
import type { Answer, Caller, RecordsTestPlatform, TestTable } from '../test/platform.ts';

let world: RecordsTestPlatform;
let member: Caller;
let stranger: Caller;

beforeAll(async () => {
  world = await openSharedPlatform();
  const organisation = await world.createOrganisation();
  member = await world.createPrincipal(organisation);
  stranger = await world.createPrincipal(await world.createOrganisation());
});
afterAll(() => world[Symbol.asyncDispose]());

/** A schema that no rule opens to anybody. */
function createClosedTable(): Promise<TestTable> {
  return world.createTable({
    properties: { geheim: { type: 'string' } },
    authorization: { read: ['directie'], create: ['directie'], update: ['directie'], delete: ['directie'] },
  });
}

/** Everything of an answer that a client can see, but for what differs between any two requests. */
function visible({ status, headers, body }: Answer): unknown {
  const names = [...headers.keys()].toSorted();
  return { status, names, body };
}

test.each([
  ['GET', '', undefined],
  ['GET', '?geheim=x', undefined],
  ['GET', '?_order[geheim]=asc&_fields=geheim', undefined],
  ['GET', '?_search=x', undefined],
  ['POST', '', { geheim: 'x' }],
  ['POST', '', { gehaim: 1 }],
  ['GET', '/{uuid}', undefined],
  ['PUT', '/{uuid}', { geheim: 'x' }],
  ['PUT', '/{uuid}', { gehaim: 1 }],
  ['PATCH', '/{uuid}', { geheim: 1 }],
  ['PATCH', '/{uuid}', { gehaim: null, _version: 1 }],
  ['DELETE', '/{uuid}', undefined],
] as const)(
  '%s %s %j does not reveal whether a schema exists to who may not know of it',
  async (method, rest, body) => {
    const table = await createClosedTable();
    const suffix = rest.replace('{uuid}', randomUUID());
    for (const caller of [member, stranger]) {
      const closed = await caller.call(method, `${table.objects}${suffix}`, body);
      const absent = await caller.call(method, `/api/objects/${table.register}/nothing-here${suffix}`, body);
      expect(closed.status).toBe(404);
      expect(visible(closed)).toEqual(visible(absent));
    }
  },
);

test('what is wrong with a body is told to who owns the object, though no rule lets it read the schema', async () => {
  const table = await world.createTable({ properties: { titel: { type: 'string' } } });
  const created = await expectStatus(201, member.post(table.objects, { titel: 'a' }));
  const path = `${table.objects}/${String(created.body['id'])}`;
  const closed = { read: ['directie'], create: ['directie'], update: ['directie'], delete: ['directie'] };
  await expectStatus(200, world.admin.patch(`/api/schemas/${table.schemaId}`, { authorization: closed }));
  await expectStatus(200, member.get(path));
  const refused = await expectStatus(400, member.patch(path, { titel: 1 }));
  expect(refused.body['errors']).toEqual([{ field: '/titel', message: expect.stringContaining('text') }]);
});

test('a property named __proto__ is refused, not left out without a word', async () => {
  const { register } = await world.createTable({});
  const text = `{"register":"${register}","slug":"${uniqueSlug('s')}","properties":{"__proto__":{"type":"string"}}}`;
  const created = await world.admin.call('POST', '/api/schemas', text);
  expect([created.status, created.body['code']]).toEqual([400, 'VALIDATION_ERROR']);
  expect(created.body['errors']).toEqual([
    { field: '/properties', message: '__proto__ cannot be the name of a property' },
  ]);
});

test('the way out that a list too deep is refused with can be taken', async () => {
  const { objects } = await world.createTable({ properties: { titel: { type: 'string' } } });
  const refused = await expectStatus(400, member.get(`${objects}?_offset=100001`));
  const named = /such as (\S+)/.exec(String(refused.body['message']))?.[1] ?? '';
  await expectStatus(200, member.get(`${objects}?${named}=2026-01-01T00:00:00.000Z`));
});

test('a limited token of an administrator sees of the catalogue what it may read, and no rules', async () => {
  const open = await world.createTable({ properties: { titel: { type: 'string' } } });
  const other = await createClosedTable();
  const topics = [`register/${open.register}/schema/${open.schema}`];
  const limited = await world.createToken('admin', { topics, actions: ['read'] });
  const registers = await expectStatus(200, limited.get('/api/registers'));
  expect(registers.body).toMatchObject({ total: 1, results: [{ slug: open.register }] });
  expect(JSON.stringify(registers.body)).not.toContain('authorization');
  expect((await expectStatus(200, limited.get('/api/schemas'))).body['total']).toBe(1);
  await expectStatus(404, limited.get(`/api/schemas/${other.schemaId}`));
  await expectStatus(200, limited.get(open.objects));
  await expectStatus(200, world.admin.get(`/api/schemas/${other.schemaId}`));
});

test('a delete with a parameter that nobody knows deletes nothing', async () => {
  const table = await world.createTable({ properties: { titel: { type: 'string' } } });
  const created = await expectStatus(201, world.admin.call('POST', table.objects, { titel: 'blijft' }));
  const { id } = created.body as { readonly id: string };
  const refused = await world.admin.call('DELETE', `${table.objects}/${id}?force=true`);
  expect(refused).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
  expect((await world.admin.call('GET', `${table.objects}/${id}`)).status).toBe(200);
});

test('a write does not wait for a row of another organisation, which would tell that somebody writes it', async () => {
  const table = await world.createTable({ properties: { titel: { type: 'string' } } });
  const created = await expectStatus(201, member.post(table.objects, { titel: 'a' }));
  const path = `${table.objects}/${String(created.body['id'])}`;
  const record = { id: created.body['id'], fields: { titel: 'b' } };
  const writer = new Client({ connectionString: world.platform.ownerUrl });
  await writer.connect();
  try {
    await writer.query('begin');
    await writer.query('select from records.objects where uuid = $1 for update', [created.body['id']]);
    // The row stays locked until all of them are answered.
    await expectStatus(404, stranger.patch(path, { titel: 'b' }));
    await expectStatus(404, stranger.put(path, { titel: 'b' }));
    await expectStatus(404, stranger.call('DELETE', path));
    const batch = `/api/tables/${table.schemaId}/records/batch`;
    await expectStatus(404, stranger.call('PATCH', batch, { records: [record] }));
  } finally {
    await writer.query('rollback');
    await writer.end();
  }
  await expectStatus(200, member.patch(path, { titel: 'c' }));
});
