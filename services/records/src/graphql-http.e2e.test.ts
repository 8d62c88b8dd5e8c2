import { auditServer } from 'graphql-http';
import { buildClientSchema, getIntrospectionQuery, isObjectType } from 'graphql';
import type { IntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codesOf, createGraphqlTables, dataOf, send } from '../test/graphql.ts';
import type { GraphqlTable } from '../test/graphql.ts';
import { expectStatus, openSharedPlatform } from '../test/platform.ts';
import type { Caller, RecordsTestPlatform } from '../test/platform.ts';

let world: RecordsTestPlatform;
let spy: Caller;
let member: Caller;
let tables: Record<'cases' | 'secrets', GraphqlTable>;

beforeAll(async () => {
  world = await openSharedPlatform();
  const organisation = await world.createOrganisation();
  spy = await world.createPrincipal(organisation, ['spies']);
  member = await world.createPrincipal(organisation);
  tables = await createGraphqlTables(world, {
    cases: (slugOf) => ({
      properties: {
        titel: { type: 'string' },
        secret: { type: 'string', format: 'uuid', relation: slugOf('secrets') },
        secrets: { type: 'array', items: { type: 'string', format: 'uuid' }, relation: slugOf('secrets') },
      },
    }),
    secrets: (slugOf) => ({
      authorization: { read: ['spies'], create: ['spies'], update: ['spies'], delete: ['spies'] },
      properties: {
        what: { type: 'string' },
        about: { type: 'string', format: 'uuid', relation: slugOf('cases') },
      },
    }),
  });
});
afterAll(() => world[Symbol.asyncDispose]());

test('every audit of GraphQL over HTTP passes', async () => {
  const results = await auditServer({
    url: `${world.platform.origin}/api/graphql`,
    fetchFn: (url: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${member.token ?? ''}`);
      return fetch(url, { ...init, headers });
    },
  });
  const failed = results.flatMap((result) => {
    return result.status === 'ok'
      ? []
      : [`${result.name}: ${result.status === 'notice' ? 'notice, ' : ''}${result.reason}`];
  });
  expect(results.length).toBeGreaterThan(50);
  // No audit is waived, those that only MAY hold included.
  expect(failed).toEqual([]);
});

async function typesOf(caller: Caller): Promise<ReadonlyMap<string, readonly string[]>> {
  const data = await dataOf(caller, getIntrospectionQuery());
  const schema = buildClientSchema(data as unknown as IntrospectionQuery);
  return new Map(
    Object.values(schema.getTypeMap()).map((type) => [
      type.name,
      isObjectType(type) ? Object.keys(type.getFields()) : [],
    ]),
  );
}

test('tools can ask for the schema, and are shown what their principal may see', async () => {
  const [forSpy, forMember] = [await typesOf(spy), await typesOf(member)];
  const { cases, secrets } = tables;
  expect([forSpy.has(cases.names.type), forMember.has(cases.names.type)]).toEqual([true, true]);
  expect([forSpy.has(secrets.names.type), forMember.has(secrets.names.type)]).toEqual([true, false]);
  expect(forSpy.get(cases.names.type)).toEqual(
    expect.arrayContaining(['secret', 'secretObject', 'secretsObjects']),
  );
  const fields = forMember.get(cases.names.type) ?? [];
  expect(fields).toEqual(expect.arrayContaining(['secret', 'secrets']));
  expect(fields).not.toContain('secretObject');
  expect([...forMember.values()].flat()).not.toContain(secrets.names.list);
});

test('who is nobody is not told the schema', async () => {
  const { list } = tables.cases.names;
  expect(codesOf(await send(world.anonymous, '{ __schema { types { name } } }'))).toEqual([
    'INTROSPECTION_DISABLED',
  ]);
  expect(codesOf(await send(world.anonymous, `{ ${list} { totalCount } }`))).toEqual(['BAD_REQUEST']);
});

test('a relation leads only to who may see both ends', async () => {
  const { cases, secrets } = tables;
  const titel = 'Relatie';
  const secret = await expectStatus(201, spy.post(secrets.objects, { what: 'geheim' }));
  const id = String(secret.body['_uuid']);
  const gone = '550e8400-e29b-41d4-a716-446655440000';
  await expectStatus(201, member.post(cases.objects, { titel, secret: id, secrets: [gone, id, gone] }));
  const { list } = cases.names;
  const query = `{ ${list}(filter: {titel: "${titel}"}) { nodes { secret secretObject { what } secretsObjects { _uuid } } } }`;
  expect(await dataOf(spy, query)).toEqual({
    [list]: { nodes: [{ secret: id, secretObject: { what: 'geheim' }, secretsObjects: [{ _uuid: id }] }] },
  });
  const refused = await send(member, query);
  expect(codesOf(refused)).toEqual(['BAD_REQUEST', 'BAD_REQUEST']);
  expect(refused.result.errors?.[0]?.message).toBe(
    `Cannot query field "secretObject" on type "${cases.names.type}".`,
  );
});

test('rows of a relation are judged one by one', async () => {
  const { parts, wholes } = await createGraphqlTables(world, {
    parts: () => ({
      authorization: { read: [{ group: 'authenticated', match: { open: true } }], create: ['authenticated'] },
      properties: { name: { type: 'string' }, open: { type: 'boolean' } },
    }),
    wholes: (slugOf) => ({
      properties: {
        parts: { type: 'array', items: { type: 'string', format: 'uuid' }, relation: slugOf('parts') },
      },
    }),
  });
  const ids: string[] = [];
  for (const open of [true, false, true]) {
    const { body } = await expectStatus(
      201,
      spy.post(parts.objects, { name: open ? 'open' : 'dicht', open }),
    );
    ids.push(String(body['_uuid']));
  }
  await expectStatus(201, spy.post(wholes.objects, { parts: ids }));
  const { list } = wholes.names;
  const query = `{ ${list} { nodes { partsObjects { name } } } }`;
  expect(await dataOf(member, query)).toEqual({
    [list]: { nodes: [{ partsObjects: [{ name: 'open' }, { name: 'open' }] }] },
  });
});

test('what an object refers to is read by its id, for which nobody has to be allowed to list', async () => {
  const { keys, locks } = await createGraphqlTables(world, {
    keys: () => ({
      authorization: { read: ['authenticated'], list: ['spies'], create: ['authenticated'] },
      properties: { name: { type: 'string' } },
    }),
    locks: (slugOf) => ({
      properties: { key: { type: 'string', format: 'uuid', relation: slugOf('keys') } },
    }),
  });
  const { body } = await expectStatus(201, spy.post(keys.objects, { name: 'k' }));
  await expectStatus(201, spy.post(locks.objects, { key: body['_uuid'] }));
  const query = `{ ${keys.names.list} { totalCount } ${locks.names.list} { nodes { keyObject { name } } } }`;
  expect(await dataOf(member, query)).toEqual({
    [keys.names.list]: { totalCount: 0 },
    [locks.names.list]: { nodes: [{ keyObject: { name: 'k' } }] },
  });
});

test('a document is known by its hash over HTTP, in a body and in an address', async () => {
  const query = `{ ${tables.cases.names.list} { totalCount } } # ${tables.cases.schemaId}`;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(query));
  const extensions = { persistedQuery: { version: 1, sha256Hash: Buffer.from(digest).toString('hex') } };
  const unknown = await member.post('/api/graphql', { extensions });
  expect(unknown.body).toMatchObject({ errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] });
  const kept = await member.post('/api/graphql', { query, extensions });
  const again = await member.get(`/api/graphql?extensions=${encodeURIComponent(JSON.stringify(extensions))}`);
  expect(again.body).toEqual(kept.body);
  expect(kept.body).toHaveProperty('data');
});

test('what is no JSON and what is no request are problems before anybody looks for a document', async () => {
  const answers = [
    await member.call('POST', '/api/graphql', '{'),
    await member.call('POST', '/api/graphql', '[]'),
    await member.call('POST', '/api/graphql', '{}', { 'content-type': 'text/plain' }),
    await member.call('POST', '/api/graphql', JSON.stringify({ query: 'x'.repeat(1_100_000) })),
    await member.call('PUT', '/api/graphql', {}),
    await member.get('/api/graphql'),
    await member.get('/api/graphql?query=%7B__typename%7D&query=x'),
    await world.anonymous.call('GET', '/api/graphql?query=%7B__typename%7D&token=nobody-has-this'),
  ];
  expect(answers.map(({ status, body }) => [status, body['code']])).toEqual([
    [400, 'VALIDATION_ERROR'],
    [400, 'VALIDATION_ERROR'],
    [415, 'UNSUPPORTED_MEDIA_TYPE'],
    [413, 'PAYLOAD_TOO_LARGE'],
    [405, 'METHOD_NOT_ALLOWED'],
    [400, 'BAD_REQUEST'],
    [400, 'BAD_REQUEST'],
    [401, 'UNAUTHORIZED'],
  ]);
});
