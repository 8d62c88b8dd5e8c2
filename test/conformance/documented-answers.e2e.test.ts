import { randomUUID } from 'node:crypto';
import { sharedPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';
import { AnswerCheck } from './answer-check.ts';
import { ApiDocument } from './api-document.ts';

type Who = 'admin' | 'alice' | 'bob' | 'carol' | 'nobody';

interface Sent {
  readonly as?: Who;
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const ABSENT_STREAM = { 'x-graphql-event-stream-token': 'mG2pV7Qx0bT9yR4cLw8sKz3nHd6fJa1e' };
const STARTED = { query: 'subscription { nothingEvents { _uuid } }', extensions: { operationId: '1' } };

const document = new ApiDocument();
const check = new AnswerCheck(document);
let platform: Platform;
let town: Town;
let register: string;
let uuid: string;

beforeAll(async () => {
  platform = await sharedPlatform();
  town = await buildTown(platform.origin, platform.adminToken);
  [register = ''] = town.collection.split('/');
  const created = await town.as('alice').send<{ id: string }>('POST', `/api/objects/${town.collection}`, {
    titel: 'Losse tegel',
    status: 'nieuw',
  });
  uuid = created.id;
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

/** Sends what an operation takes, and holds the answer to the document: status, media type, headers, body, code. */
async function ask(id: string, { as = 'alice', path = {}, query, body, headers = {} }: Sent) {
  const operation = document.operations.find(({ operationId }) => operationId === id);
  if (operation === undefined) throw new Error(`the document has no operation ${id}`);
  const values: Readonly<Record<string, string>> = { register, schema: 'cases', uuid, ...path };
  const pathname = operation.path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => values[name] ?? name);
  const target = query === undefined ? pathname : `${pathname}?${query}`;
  const response = await fetch(`${platform.origin}${target}`, {
    method: operation.method,
    headers: {
      ...(as === 'nobody' ? {} : { authorization: `Bearer ${town.tokens[as]}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const answer = { status: response.status, headers: Object.fromEntries(response.headers), body: bytes };
  const request = { operation, method: operation.method, target, headers: {}, body: undefined, onPath: true };
  expect([id, answer.status, check.faultIn(request, answer)]).toEqual([id, answer.status, undefined]);
  const isJson = String(answer.headers['content-type']).includes('json');
  return { status: response.status, body: isJson ? (JSON.parse(bytes.toString()) as { code?: string }) : {} };
}

test.each<[id: string, status: number, sent: Sent]>([
  ['listObjects', 200, { query: '_limit=1&_order[_created]=desc' }],
  ['getObject', 200, {}],
  ['listRecords', 200, { path: { table: 'cases' } }],
  ['listTopics', 200, {}],
  ['getStreamStatus', 200, {}],
  ['getStreamStatus', 200, { as: 'admin' }],
  ['poll', 200, { query: 'topic=register/REGISTER&timeoutMs=0' }],
  // Nothing of it is left, so that it ends.
  ['subscribeToSeveral', 200, { body: { subscriptions: [{ table: 'nowhere' }] } }],
  ['explain', 200, { query: 'topic=register/REGISTER' }],
  ['explain', 200, { as: 'admin', query: 'principal=admin&topic=register/REGISTER&limit=5' }],
  ['explain', 403, { query: 'principal=admin&topic=register/REGISTER' }],
  ['queryWithGraphql', 200, { query: 'query={__typename}' }],
  ['queryWithGraphql', 405, { query: 'query=mutation{__typename}' }],
  ['executeGraphql', 200, { body: { query: '{ __typename }' } }],
  ['executeGraphql', 200, { body: { query: '{ nothing }' } }],
  ['subscribeWithGraphql', 200, { query: 'query=subscription{nothingEvents{_uuid}}' }],
  ['subscribeWithGraphql', 204, { query: 'query=x', headers: { 'last-event-id': 'complete' } }],
  ['postGraphqlSubscription', 200, { body: { query: 'subscription {' } }],
  ['reserveGraphqlStream', 201, {}],
  ['openGraphqlStream', 404, { headers: ABSENT_STREAM }],
  ['startGraphqlOperation', 404, { headers: ABSENT_STREAM, body: STARTED }],
  ['startGraphqlOperation', 400, { headers: ABSENT_STREAM, body: { query: '{ __typename }' } }],
  ['endGraphqlOperation', 404, { headers: ABSENT_STREAM, query: 'operationId=1' }],
  ['listRegisters', 200, { as: 'admin' }],
  ['getRegister', 200, { as: 'bob' }],
  ['listSchemas', 200, { as: 'admin' }],
  ['getCaller', 200, {}],
  ['listTokens', 200, {}],
  ['listPrincipals', 200, { as: 'admin' }],
  ['listOrganisations', 200, {}],
  ['listPolicies', 200, { as: 'admin', query: 'target=schema' }],
  ['listAudit', 200, { as: 'admin', query: 'order=newest&limit=50' }],
  ['listAudit', 403, {}],
  ['listConnections', 200, { as: 'admin', query: 'address=203.0.113.1&limit=5' }],
  ['listConnections', 400, { as: 'admin', query: 'principle=alice' }],
  ['listConnections', 403, {}],
  ['endConnections', 200, { as: 'admin', query: 'address=203.0.113.1' }],
  ['endConnections', 400, { as: 'admin' }],
  ['endConnection', 404, { as: 'admin', path: { id: randomUUID() } }],
  ['renewConnection', 404, { path: { id: randomUUID() } }],
  ['readDocumentation', 200, { as: 'nobody' }],
  ['readOpenApi', 200, { as: 'nobody' }],
  ['readAsyncApi', 200, { as: 'nobody' }],
  ['readMessageSchema', 200, { as: 'nobody', path: { name: 'cloud-event' } }],
  ['getLiveness', 200, { as: 'nobody' }],
  ['getReadiness', 200, { as: 'nobody' }],
])('%s answers %i as documented', async (id, status, sent) => {
  const query = sent.query?.replace('REGISTER', register);
  const table = await tableOf();
  const path = { ...sent.path, ...(sent.path?.['table'] && { table }) };
  expect((await ask(id, { ...sent, path, ...(query && { query }) })).status).toBe(status);
});

async function tableOf(): Promise<string> {
  const schema = await town.admin.send<{ table: string }>('GET', `/api/schemas/${town.schemaId}`);
  return schema.table;
}

test('what is created, changed and deleted is answered as documented', async () => {
  const slug = `r-${randomUUID().slice(0, 8)}`;
  const statuses = [
    await ask('createRegister', { as: 'admin', body: { slug, title: 'Library' } }),
    await ask('changeRegister', { as: 'admin', path: { register: slug }, body: { title: 'The library' } }),
    await ask('createSchema', {
      as: 'admin',
      body: { register: slug, slug: 'books', properties: { title: { type: 'string' } }, required: ['title'] },
    }),
    await ask('createObject', { body: { titel: 'Lantaarn stuk', status: 'nieuw' } }),
    await ask('changeObject', { body: { prioriteit: 2 } }),
    await ask('replaceObject', { body: { titel: 'Losse tegels', status: 'nieuw' } }),
    await ask('createToken', { body: { name: 'dashboard', scopes: { actions: ['read'] } } }),
    await ask('createOrganisation', { as: 'admin', body: { slug: `o-${slug}`, name: 'Town' } }),
    await ask('createPrincipal', { as: 'admin', body: { id: `p-${slug}`, name: 'Dana' } }),
    await ask('changePrincipal', { as: 'admin', path: { id: `p-${slug}` }, body: { name: 'Dana D.' } }),
    await ask('deletePrincipal', { as: 'admin', path: { id: `p-${slug}` } }),
    await ask('deleteRegister', { as: 'admin', path: { register: slug } }),
  ].map(({ status }) => status);
  expect(statuses).toEqual([201, 200, 201, 201, 200, 200, 201, 201, 201, 200, 204, 204]);
});

test.each<[status: number, code: string, id: string, sent: Sent]>([
  [400, 'BAD_REQUEST', 'listObjects', { query: '_limmit=1' }],
  [400, 'UNKNOWN_FIELD', 'listObjects', { as: 'bob', query: 'melderEmail=x' }],
  [400, 'MALFORMED_FILTER', 'listObjects', { query: 'filter[prioriteit][gt]=many' }],
  [400, 'VALIDATION_ERROR', 'createObject', { body: { status: 'nieuw' } }],
  [400, 'VALIDATION_ERROR', 'createRegister', { as: 'admin', body: { title: 'No slug' } }],
  [400, 'MALFORMED_TOPIC', 'subscribe', { query: 'topic=everything' }],
  [401, 'UNAUTHORIZED', 'createObject', { as: 'nobody', body: { titel: 'x' } }],
  [400, 'VALIDATION_ERROR', 'subscribeToSeveral', { body: { subscriptions: [] } }],
  [401, 'UNAUTHORIZED', 'subscribe', { as: 'nobody', query: 'topic=register/x' }],
  [401, 'UNAUTHORIZED', 'subscribeToSeveral', { as: 'nobody', body: { subscriptions: [{ table: 'x' }] } }],
  [403, 'FORBIDDEN', 'changeObject', { as: 'bob', body: { status: 'afgehandeld' } }],
  [403, 'FORBIDDEN', 'createRegister', { body: { slug: 'mine' } }],
  [404, 'NOT_FOUND', 'getObject', { as: 'carol' }],
  [404, 'NOT_FOUND', 'subscribe', { query: 'topic=register/absent' }],
  [404, 'NOT_FOUND', 'readMessageSchema', { path: { name: 'absent' } }],
  [409, 'SLUG_RESERVED', 'createRegister', { as: 'admin', body: { slug: 'REGISTER' } }],
  [412, 'STALE_VERSION', 'changeObject', { body: { titel: 'x' }, headers: { 'if-match': '"999"' } }],
  [413, 'PAYLOAD_TOO_LARGE', 'createObject', { body: { titel: 'x'.repeat(300_000) } }],
  [413, 'PAYLOAD_TOO_LARGE', 'subscribeToSeveral', { body: { subscriptions: ['x'.repeat(600_000)] } }],
  [
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    'createObject',
    { body: 'titel=x', headers: { 'content-type': 'text/plain' } },
  ],
  [429, 'TOO_MANY_SUBSCRIPTIONS', 'subscribe', { query: 'MANY' }],
])('%i %s of %s is answered as documented', async (status, code, id, sent) => {
  const many = Array.from({ length: 101 }, () => `topic=object/${randomUUID()}`).join('&');
  const query = sent.query?.replace('MANY', many);
  const body =
    typeof sent.body === 'object' ? JSON.stringify(sent.body).replace('REGISTER', register) : sent.body;
  const answer = await ask(id, { ...sent, ...(query && { query }), ...(body === undefined ? {} : { body }) });
  expect([answer.status, answer.body.code]).toEqual([status, code]);
});

test('a wrong method and an unknown path are problems too', async () => {
  const wrong = await town.as('alice').ask('PUT', '/api/auth/me', {});
  expect([wrong.status, wrong.headers.get('allow'), (wrong.body as { code: string }).code]).toEqual([
    405,
    'GET, HEAD',
    'METHOD_NOT_ALLOWED',
  ]);
  const unknown = await town.as('alice').ask('GET', '/api/nothing');
  expect([unknown.status, (unknown.body as { code: string }).code]).toEqual([404, 'NOT_FOUND']);
});
