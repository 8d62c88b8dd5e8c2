import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStatus, openTestPlatform } from '../../test/platform.ts';
import type { Answer, Caller, RecordsTestPlatform } from '../../test/platform.ts';
import { createRecords, createRow, errorsOf, listRows, namesOf } from '../../test/table.ts';
import type { Row } from '../../test/table.ts';

let world: RecordsTestPlatform;
let alice: Caller;
let bob: Caller;
let stranger: Caller;

beforeAll(async () => {
  world = await openTestPlatform();
  const organisation = await world.createOrganisation();
  alice = await world.createPrincipal(organisation, ['chiefs']);
  bob = await world.createPrincipal(organisation);
  stranger = await world.createPrincipal(await world.createOrganisation());
});
afterAll(() => world[Symbol.asyncDispose]());

test('a record is created wrapped or flat, read by slug or schema id, and names who wrote it', async () => {
  const { path, schemaId } = await createRecords(world);
  const first = await createRow(alice, path, { name: 'a', total: 1.5 });
  expect(first).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    fields: { name: 'a', total: 1.5, status: 'new' },
    createdAt: expect.stringMatching(/Z$/),
    updatedAt: first.createdAt,
    createdBy: { id: alice.id, name: `Name of ${alice.id}` },
    updatedBy: { id: alice.id, name: `Name of ${alice.id}` },
  });
  const flat = await expectStatus(201, bob.post(path, { name: 'b' }));
  expect(flat.headers.get('location')).toBe(`${path}/${String(flat.body['id'])}`);
  const byId = await expectStatus(200, bob.get(`/api/tables/${schemaId}/records/${first.id}`));
  expect(byId.body).toEqual(first);
  const changed = await expectStatus(200, bob.patch(`${path}/${first.id}`, { total: 2 }));
  expect(changed.body).toMatchObject({
    fields: { name: 'a', total: 2 },
    createdBy: { id: alice.id },
    updatedBy: { id: bob.id },
  });
});

test('both faces show one object', async () => {
  const { path, table } = await createRecords(world);
  const { id } = await createRow(alice, path, { name: 'a' });
  const schemas = await expectStatus(200, world.admin.get(`/api/schemas/${table}`));
  const objects = `/api/objects/${String(schemas.body['register'])}/${String(schemas.body['id'])}`;
  const object = await expectStatus(200, alice.get(`${objects}/${id}`));
  expect(object.body).toMatchObject({ id, name: 'a', _version: 1 });
  expect(Object.keys(object.body)).not.toContain('_createdBy');
});

test('a stale token is 409 with the words of the contract, a newer one too, and an unreadable one 400', async () => {
  const { path } = await createRecords(world);
  const { id, updatedAt } = await createRow(alice, path, { name: 'a' });
  const item = `${path}/${id}`;
  const fresh = await expectStatus(200, bob.patch(item, { fields: { total: 1 }, updatedAt }));
  expect(String(fresh.body['updatedAt']) > updatedAt).toBe(true);
  const stale = {
    status: 409,
    body: {
      success: false,
      code: 'CONFLICT',
      message: 'The record was modified after you last read it. Reload the latest version and retry.',
    },
  };
  expect(await alice.patch(item, { fields: { total: 2 }, updatedAt })).toMatchObject(stale);
  expect(await alice.patch(item, { total: 2, updatedAt })).toMatchObject(stale);
  expect(await alice.patch(item, { fields: {}, updatedAt })).toMatchObject(stale);
  const ahead = new Date(Date.parse(String(fresh.body['updatedAt'])) + 1000).toISOString();
  expect(await alice.patch(item, { fields: { total: 2 }, updatedAt: ahead })).toMatchObject(stale);
  for (const bad of ['yesterday', '', 7]) {
    expect(await alice.patch(item, { fields: {}, updatedAt: bad })).toMatchObject({ status: 400 });
    expect(await alice.patch(item, { total: 2, updatedAt: bad })).toMatchObject({ status: 400 });
  }
  expect((await alice.get(item)).body).toEqual(fresh.body);
  const offset = String(fresh.body['updatedAt']).replace(/Z$/, '000+00:00');
  await expectStatus(200, alice.patch(item, { ...fresh.body, fields: { total: 3 }, updatedAt: offset }));
});

test('what only the system writes is refused by name, and never ignored', async () => {
  const { path } = await createRecords(world);
  const { id } = await createRow(alice, path, { name: 'a' });
  for (const name of ['id', 'createdAt', 'updatedAt', 'createdBy', 'updatedBy', '_version']) {
    const message = `Cannot write to readonly field '${name}'`;
    const wrapped = [{ field: `/fields/${name}`, message }];
    expect(errorsOf(await alice.post(path, { fields: { [name]: 'x' } }))).toEqual(wrapped);
    expect(errorsOf(await alice.patch(`${path}/${id}`, { fields: { [name]: 'x' } }))).toEqual(wrapped);
    expect(errorsOf(await alice.post(path, { [name]: 'x' }))).toEqual([{ field: `/${name}`, message }]);
    const batch = await alice.post(`${path}/batch`, {
      records: [{ fields: {} }, { fields: { [name]: 'x' } }],
    });
    expect(errorsOf(batch)).toEqual([{ field: `/records/1/fields/${name}`, message }]);
  }
  expect(await listRows(alice, path, '')).toHaveLength(1);
});

test('a field of the table that is named like a system member is written in fields', async () => {
  const { path } = await createRecords(world, {
    properties: { createdAt: { type: 'string' }, fields: { type: 'string' } },
  });
  const row = await createRow(alice, path, { createdAt: 'gisteren', fields: 'x' });
  expect(row.fields).toEqual({ createdAt: 'gisteren', fields: 'x' });
  expect(row.createdAt).not.toBe('gisteren');
});

test('what may not be done looks like what is not there', async () => {
  const { path } = await createRecords(world, {
    authorization: { read: ['authenticated'], create: ['chiefs'], update: ['chiefs'], delete: ['chiefs'] },
  });
  const { id, updatedAt } = await createRow(alice, path, { name: 'a' });
  const nothing = { status: 404, body: { code: 'NOT_FOUND', message: 'Resource not found' } };
  const absent = '00000000-0000-4000-8000-000000000000';
  for (const who of [bob, stranger]) {
    for (const uuid of [id, absent]) {
      const answers = [
        await who.patch(`${path}/${uuid}`, { name: 'b', updatedAt }),
        await who.delete(`${path}/${uuid}`),
        await who.post(`${path}/${uuid}/restore`, undefined),
        await who.call('PATCH', `${path}/batch`, { records: [{ id: uuid, fields: { name: 'b' } }] }),
        await who.call('DELETE', `${path}/batch`, { ids: [uuid] }),
        await who.post(`${path}/batch/restore`, { ids: [uuid] }),
      ];
      for (const answer of answers) expect(answer).toMatchObject(nothing);
    }
    expect(await who.post(path, { name: 'b' })).toMatchObject(nothing);
    expect(await who.post(`${path}/batch`, { records: [{ fields: {} }] })).toMatchObject(nothing);
    const upsert = { records: [{ fields: { name: 'a' } }], fieldsToMergeOn: ['name'] };
    expect(await who.post(`${path}/upsert`, upsert)).toMatchObject(nothing);
  }
  expect(await stranger.get(`${path}/${id}`)).toMatchObject(nothing);
  expect(await alice.get('/api/tables/nothing-here/records')).toMatchObject(nothing);
  expect(await world.anonymous.get(path)).toMatchObject({ status: 401 });
  expect(await world.anonymous.post(path, { name: 'b' })).toMatchObject({ status: 401 });
  expect((await listRows(alice, path, '')).map((row) => row.updatedAt)).toEqual([updatedAt]);
});

test('a deleted record can be restored as it was, a permanently deleted one cannot', async () => {
  const { path } = await createRecords(world);
  const row = await createRow(bob, path, { name: 'a' });
  const item = `${path}/${row.id}`;
  await expectStatus(204, bob.delete(item));
  await expectStatus(404, bob.get(item));
  const restored = await expectStatus(200, bob.post(`${item}/restore`, undefined));
  expect(restored.body).toMatchObject({
    success: true,
    record: { id: row.id, fields: row.fields, createdAt: row.createdAt, createdBy: row.createdBy },
  });
  await expectStatus(404, bob.post(`${item}/restore`, undefined));
  await expectStatus(400, bob.delete(`${item}?permanent=maybe`));
  await expectStatus(400, bob.delete(`${item}?force=true`));
  const gone = await expectStatus(200, bob.delete(`${item}?permanent=true`));
  expect(gone.body).toEqual({ success: true });
  await expectStatus(404, bob.post(`${item}/restore`, undefined));
});

test('a batch is written whole or not at all, and its refusal names the row', async () => {
  const { path } = await createRecords(world);
  const many = await expectStatus(
    201,
    alice.post(`${path}/batch`, {
      records: ['a', 'b', 'c'].map((name) => ({ fields: { name } })),
      returnRecords: true,
    }),
  );
  const rows = many.body['records'] as Row[];
  expect([many.body['created'], namesOf(rows)]).toEqual([3, ['a', 'b', 'c']]);
  const [a, b, c] = rows;
  if (a === undefined || b === undefined || c === undefined) throw new Error('three records are expected');
  const absent = '00000000-0000-4000-8000-000000000000';
  const patchOf = (id: string, fields: unknown, updatedAt?: string): unknown => ({ id, fields, updatedAt });
  const refusals: [number, unknown[], string][] = [
    [404, [patchOf(a.id, { total: 1 }), patchOf(absent, { total: 1 })], '/records/1'],
    [400, [patchOf(a.id, { total: 1 }), patchOf(b.id, { total: 'x' })], '/records/1/fields/total'],
    [409, [patchOf(c.id, { total: 1 }), patchOf(a.id, { total: 1 }, '2026-01-01T00:00:00Z')], '/records/1'],
    [400, [patchOf(a.id, { total: 1 }), patchOf(a.id, { total: 2 })], '/records/1/id'],
  ];
  for (const [status, records, field] of refusals) {
    const refused = await expectStatus(status, alice.call('PATCH', `${path}/batch`, { records }));
    expect(errorsOf(refused)).toMatchObject([{ field }]);
  }
  const deleted = await expectStatus(404, alice.post(`${path}/batch/delete`, { ids: [a.id, absent, b.id] }));
  expect(errorsOf(deleted)).toMatchObject([{ field: '/ids/1' }]);
  expect(await listRows(alice, path, 'sort=name')).toEqual(rows);
  const records = [patchOf(c.id, { total: 3 }, c.updatedAt), patchOf(a.id, { total: 1 }, a.updatedAt)];
  const patched = await expectStatus(
    200,
    alice.call('PATCH', `${path}/batch`, { records, returnRecords: true }),
  );
  expect(namesOf(patched.body['records'] as Row[])).toEqual(['c', 'a']);
  const removed = await expectStatus(200, alice.call('DELETE', `${path}/batch`, { ids: [a.id, b.id] }));
  expect(removed.body).toEqual({ deleted: 2 });
  const restored = await expectStatus(200, alice.post(`${path}/batch/restore`, { ids: [b.id, a.id] }));
  expect(restored.body).toEqual({ success: true, restored: 2 });
  expect(namesOf(await listRows(alice, path, 'sort=name'))).toEqual(['a', 'b', 'c']);
});

test('a record that only grows too large by being merged is named too', async () => {
  const { path } = await createRecords(world, {
    properties: { big: { type: 'object' }, name: { type: 'string' } },
  });
  const big = (name: string): unknown => ({ [name]: 'x'.repeat(200_000) });
  const a = await createRow(alice, path, { name: 'a' });
  const b = await createRow(alice, path, { name: 'b', big: big('left') });
  const fields = { big: big('right') };
  const records = [a, b].map(({ id }) => ({ id, fields }));
  const refused = await expectStatus(413, alice.call('PATCH', `${path}/batch`, { records }));
  expect(errorsOf(refused)).toMatchObject([{ field: '/records/1' }]);
  const upserts = {
    records: [{ fields: { name: 'c' } }, { fields: { name: 'b', ...fields } }],
    matchFields: ['name'],
  };
  const again = await expectStatus(413, alice.post(`${path}/upsert`, upserts));
  expect(errorsOf(again)).toMatchObject([{ field: '/records/1' }]);
  expect(namesOf(await listRows(alice, path))).toEqual(['a', 'b']);
});

test('each row of a batch is an event of its own, all with one correlation id', async () => {
  const { path } = await createRecords(world);
  // Answered when the rights of the new table are known, which nobody would learn without the relay.
  await createRow(alice, path, { name: 'first' });
  await world.platform.kill('relay');
  try {
    const headers = { 'x-correlation-id': 'batch-1' };
    const records = ['a', 'b', 'c'].map((name) => ({ fields: { name } }));
    await expectStatus(201, alice.call('POST', `${path}/batch`, { records }, headers));
    const rows = await world.platform.sql<{ message: string }>('select message from outbox.rows order by id');
    const messages = rows
      .map(({ message }) => JSON.parse(message) as Record<string, unknown>)
      .filter(({ correlationId }) => correlationId === 'batch-1');
    expect(messages.map(({ action }) => action)).toEqual(['created', 'created', 'created']);
    expect(new Set(messages.map(({ uuid }) => uuid)).size).toBe(3);
  } finally {
    await world.platform.restart('relay', 'SIGTERM');
  }
});

test('an upsert changes what has the key and creates the rest', async () => {
  const { path } = await createRecords(world);
  const old = await createRow(alice, path, { name: 'a', total: 1, status: 'open' });
  const upsert = (records: unknown[], more = {}): Promise<Answer> =>
    alice.post(`${path}/upsert`, { records, fieldsToMergeOn: ['name'], ...more });
  const done = await expectStatus(
    200,
    upsert([{ fields: { name: 'b', total: 2 } }, { fields: { name: 'a', total: 9 } }]),
  );
  expect(done.body).toMatchObject({
    created: 1,
    updated: 1,
    records: [
      { fields: { name: 'b', total: 2, status: 'new' } },
      { id: old.id, fields: { name: 'a', total: 9, status: 'open' } },
    ],
  });
  const stale = await expectStatus(
    409,
    upsert([{ fields: { name: 'c' } }, { fields: { name: 'a' }, updatedAt: old.updatedAt }]),
  );
  expect(errorsOf(stale)).toMatchObject([{ field: '/records/1' }]);
  const missing = await expectStatus(400, upsert([{ fields: { total: 1 } }]));
  expect(errorsOf(missing)).toMatchObject([{ field: '/records/0/fields/name' }]);
  const twice = await expectStatus(400, upsert([{ fields: { name: 'd' } }, { fields: { name: 'd' } }]));
  expect(errorsOf(twice)).toMatchObject([{ field: '/records/1' }]);
  const alias = { records: [{ fields: { name: 'e' } }], matchFields: ['name'], returnRecords: false };
  expect((await alice.post(`${path}/upsert`, alias)).body).toEqual({ created: 1, updated: 0 });
  await expectStatus(400, alice.post(`${path}/upsert`, { records: [{ fields: { name: 'e' } }] }));
  await createRow(alice, path, { name: 'e' });
  const ambiguous = await expectStatus(409, upsert([{ fields: { name: 'e', total: 1 } }]));
  expect(errorsOf(ambiguous)).toMatchObject([{ field: '/records/0' }]);
  expect(namesOf(await listRows(alice, path, 'sort=name'))).toEqual(['a', 'b', 'e', 'e']);
});

test('an upsert neither finds nor changes what belongs to others', async () => {
  const { path } = await createRecords(world, {
    authorization: {
      read: [{ group: 'authenticated', match: { status: 'open' } }],
      create: ['authenticated'],
    },
  });
  const hidden = await createRow(alice, path, { name: 'a', status: 'dicht' });
  const upsert = (who: Caller, name: string): Promise<Answer> =>
    who.post(`${path}/upsert`, {
      records: [{ fields: { name, status: 'open' } }],
      fieldsToMergeOn: ['name'],
    });
  expect((await upsert(bob, 'a')).body).toMatchObject({ created: 1, updated: 0 });
  expect((await upsert(stranger, 'a')).body).toMatchObject({ created: 1, updated: 0 });
  expect((await alice.get(`${path}/${hidden.id}`)).body).toEqual(hidden);
});

test('batches are bounded, and a thousand records take one request', { timeout: 60_000 }, async () => {
  const { path } = await createRecords(world);
  const records = (count: number): unknown[] =>
    Array.from({ length: count }, (_, index) => ({ fields: { name: `n${index}`, total: index } }));
  const created = await expectStatus(201, alice.post(`${path}/batch`, { records: records(1000) }));
  expect(created.body).toEqual({ created: 1000 });
  await expectStatus(400, alice.post(`${path}/batch`, { records: records(1001) }));
  await expectStatus(400, alice.post(`${path}/batch`, { records: [] }));
  await expectStatus(400, alice.post(`${path}/upsert`, { records: records(101), matchFields: ['name'] }));
  const rows = await listRows(alice, path, 'limit=101');
  const ids = rows.map(({ id }) => id);
  await expectStatus(400, alice.post(`${path}/batch/delete`, { ids }));
  const patches = rows.slice(0, 100).map(({ id }) => ({ id, fields: { total: 0 } }));
  await expectStatus(200, alice.call('PATCH', `${path}/batch`, { records: patches }));
  await expectStatus(200, alice.post(`${path}/batch/delete`, { ids: ids.slice(0, 100) }));
  const { body } = await expectStatus(200, alice.get(`${path}?limit=1`));
  expect(body['pagination']).toMatchObject({ total: 900 });
});

test('names of JavaScript are fields like any other', async () => {
  const { path } = await createRecords(world, { properties: { constructor: { type: 'string' } } });
  const row = await createRow(alice, path, { constructor: 'x' });
  expect(row.fields['constructor']).toBe('x');
  const refused = await alice.call('POST', path, '{"fields":{"__proto__":"x"}}');
  expect(refused).toMatchObject({ status: 400 });
  expect(errorsOf(refused)).toMatchObject([{ field: '/fields/__proto__' }]);
});
