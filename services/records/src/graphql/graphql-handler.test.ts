import { createHash } from 'node:crypto';
import { TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { openFace, presented, uuidOf } from '../../test/graphql-face.ts';
import { answerMediaType } from './media-type.ts';

const GRAPHQL = 'application/graphql-response+json';
const QUERY = '{ meldingen { nodes { titel } } }';
const page = async () => [presented(uuidOf(1), { titel: 'Tegel' })];
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const persistedQuery = (text: string) => ({ persistedQuery: { version: 1, sha256Hash: hashOf(text) } });

test.each([
  [undefined, 'application/json; charset=utf-8'],
  ['*/*', 'application/json; charset=utf-8'],
  ['application/json', 'application/json; charset=utf-8'],
  [GRAPHQL, `${GRAPHQL}; charset=utf-8`],
  [`${GRAPHQL}, application/json;q=0.9`, `${GRAPHQL}; charset=utf-8`],
  ['text/html', 'application/json; charset=utf-8'],
])('to those who accept %s it answers %s', async (accept, type) => {
  const face = openFace({ page });
  const { status, headers, body } = await face.ask({
    query: QUERY,
    ...(accept === undefined ? {} : { accept }),
  });
  expect([status, headers['content-type']]).toEqual([200, type]);
  expect(body).toEqual({ data: { meldingen: { nodes: [{ titel: 'Tegel' }] } } });
});

test('a refused document is a success as application/json only, because that is what old clients look at', async () => {
  const face = openFace({ page });
  const query = '{ nothing }';
  expect(await face.ask({ query })).toMatchObject({ status: 200, codes: ['BAD_REQUEST'] });
  expect(await face.ask({ query, accept: GRAPHQL })).toMatchObject({ status: 400, codes: ['BAD_REQUEST'] });
});

test.each([
  [{ query: 'query ($a: UUID!) { meldingen(filter: {_uuid: $a}) { totalCount } }' }],
  [{ query: 'query ($a: Int) { meldingen(first: $a) { totalCount } }', variables: { a: 'x' } }],
  [{ query: 'query ($a: Int) { meldingen(first: $a) { totalCount } }', variables: { a: 2 ** 40 } }],
  [{ query: 'query A { __typename }', operationName: 'B' }],
])('%j is refused because of its variables or operation', async (request) => {
  const { status, codes, body } = await openFace({ page }).ask({ ...request, accept: GRAPHQL });
  expect([status, codes]).toEqual([400, ['BAD_REQUEST']]);
  expect(body).not.toHaveProperty('data');
});

test('what is no request of GraphQL is a problem, or an answer of GraphQL to who asks for one', async () => {
  const face = openFace({ page });
  for (const request of [{}, { query: 1 as unknown as string }, { query: QUERY, variables: [] }]) {
    const plain = await face.ask(request);
    expect([plain.status, plain.headers['content-type']]).toEqual([400, 'application/problem+json']);
    expect(plain.body).toMatchObject({
      success: false,
      code: expect.stringMatching(/^(BAD_REQUEST|VALIDATION_ERROR)$/),
    });
    const strict = await face.ask({ ...request, accept: GRAPHQL });
    expect([strict.status, strict.codes.length]).toEqual([400, 1]);
  }
});

test('a GET carries variables as JSON text, and no mutation', async () => {
  const face = openFace({ page });
  const query = 'query ($first: Int) { meldingen(first: $first) { totalCount } }';
  expect((await face.ask({ method: 'GET', query, variables: { first: 3 } })).codes).toEqual([]);
  expect(await face.ask({ method: 'GET', query, variables: '{', accept: GRAPHQL })).toMatchObject({
    status: 400,
    codes: ['BAD_REQUEST'],
  });
  const mutation = {
    method: 'GET',
    query: 'mutation { createMelding(input: {titel: "x"}) { titel } }',
  } as const;
  expect(await face.ask({ ...mutation, accept: GRAPHQL })).toMatchObject({
    status: 405,
    headers: { allow: 'POST' },
    codes: ['METHOD_NOT_ALLOWED'],
  });
  expect(await face.ask(mutation)).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
});

test('a document that was sent with its hash is known by its hash', async () => {
  const face = openFace({ page });
  const extensions = persistedQuery(QUERY);
  expect((await face.ask({ extensions })).codes).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
  expect((await face.ask({ query: QUERY, extensions })).codes).toEqual([]);
  expect((await face.ask({ extensions })).body.data).toEqual({ meldingen: { nodes: [{ titel: 'Tegel' }] } });
  expect((await face.ask({ method: 'GET', extensions })).codes).toEqual([]);
});

test('a hash that is another document’s is refused, and remembers nothing', async () => {
  const face = openFace({ page });
  const extensions = persistedQuery(QUERY);
  const wrong = await face.ask({ query: `${QUERY} `, extensions, accept: GRAPHQL });
  expect([wrong.status, wrong.codes]).toEqual([400, ['BAD_REQUEST']]);
  expect((await face.ask({ extensions })).codes).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
  const otherVersion = { persistedQuery: { version: 2, sha256Hash: hashOf(QUERY) } };
  expect((await face.ask({ query: QUERY, extensions: otherVersion, accept: GRAPHQL })).codes).toEqual([
    'BAD_REQUEST',
  ]);
});

test('what may not be executed is not remembered, and of what is remembered what was used last', async () => {
  const face = openFace({ page, persisted: 2 });
  const documents = [1, 2, 3].map((first) => `{ meldingen(first: ${first}) { totalCount } }`);
  const [one = '', two = '', three = ''] = documents;
  await face.ask({ query: '{ nothing }', extensions: persistedQuery('{ nothing }') });
  for (const query of [one, two, one, three]) await face.ask({ query, extensions: persistedQuery(query) });
  const known = async (text: string) =>
    (await face.ask({ extensions: persistedQuery(text) })).codes.length === 0;
  expect(await known('{ nothing }')).toBe(false);
  expect([await known(one), await known(two), await known(three)]).toEqual([true, false, true]);
});

test('a fault inside is told as such and nothing more, and found in the log by the id of the request', async () => {
  const fault = new Error('relation "records.objects" does not exist');
  const face = openFace({ page: async () => Promise.reject(fault) });
  const { status, text, codes, body } = await face.ask({ query: QUERY });
  expect([status, codes]).toEqual([200, ['INTERNAL_ERROR']]);
  expect(body.errors).toMatchObject([{ message: 'Internal error', path: ['meldingen'] }]);
  expect(text).not.toMatch(/records|stack|\.ts/);
  expect(face.logged).toEqual([
    ['request failed', { code: 'INTERNAL_ERROR', correlationId: 'correlation-1', error: fault }],
  ]);
});

const unavailable = new TidewireError('SERVICE_UNAVAILABLE', 'Not now.', { retryAfterSeconds: 3 });

test('when nothing can be told at the moment HTTP says so, and when to come again', async () => {
  const face = openFace({ page: async () => Promise.reject(unavailable) });
  const strict = await face.ask({ query: QUERY, accept: GRAPHQL });
  expect(strict).toMatchObject({
    status: 503,
    headers: { 'retry-after': '3' },
    codes: ['SERVICE_UNAVAILABLE'],
  });
  const plain = await face.ask({ query: QUERY });
  expect(plain).toMatchObject({
    status: 503,
    headers: { 'retry-after': '3' },
    body: { code: 'SERVICE_UNAVAILABLE' },
  });
  const early = openFace({ judge: async () => Promise.reject(unavailable) });
  expect(await early.ask({ query: QUERY, accept: GRAPHQL })).toMatchObject({
    status: 503,
    headers: { 'retry-after': '3' },
    codes: ['SERVICE_UNAVAILABLE'],
  });
});

test('too many requests are told with 429', async () => {
  const limited = new TidewireError('RATE_LIMITED', 'Too many.', { retryAfterSeconds: 9 });
  const face = openFace({ page: async () => Promise.reject(limited) });
  expect(await face.ask({ query: QUERY, accept: GRAPHQL })).toMatchObject({
    status: 429,
    headers: { 'retry-after': '9' },
    codes: ['RATE_LIMITED'],
  });
});

test('what could be told is told beside what could not', async () => {
  const face = openFace({
    get: async () => presented(uuidOf(1), { titel: 'Tegel' }),
    page: async () => Promise.reject(unavailable),
    create: async () => presented(uuidOf(2), { titel: 'Nieuw' }),
  });
  const id = uuidOf(1);
  const single = await face.ask({
    query: `{ melding(id: "${id}") { titel } besluit(id: "${id}") { titel } }`,
  });
  expect(single.status).toBe(200);
  const mutation = await face.ask({
    query: 'mutation { createMelding(input: {titel: "Nieuw"}) { titel } }',
    accept: GRAPHQL,
  });
  expect(mutation).toMatchObject({ status: 200, body: { data: { createMelding: { titel: 'Nieuw' } } } });
});

test('who may ask for the schema is a setting', async () => {
  const query = '{ __schema { queryType { name } } a: __type(name: "Meldingen") { name } }';
  const codesWhen = async (introspection: 'all' | 'signed-in' | 'off', isSignedIn: boolean) => {
    const face = openFace({ introspection, ...(isSignedIn ? {} : { who: null }) });
    return (await face.ask({ query })).codes;
  };
  expect(await codesWhen('all', false)).toEqual([]);
  expect(await codesWhen('signed-in', true)).toEqual([]);
  for (const [introspection, isSignedIn] of [
    ['signed-in', false],
    ['off', true],
    ['off', false],
  ] as const) {
    expect(await codesWhen(introspection, isSignedIn)).toEqual(['INTROSPECTION_DISABLED']);
  }
});

test('asking for the schema within a fragment is asking for it', async () => {
  const face = openFace({ introspection: 'off' });
  for (const query of [
    '{ ...F } fragment F on Query { __schema { types { name } } }',
    '{ ... { ... on Query { x: __type(name: "Meldingen") { name } } } }',
    '{ ...F } fragment F on Query { ...G } fragment G on Query { __type(name: "Meldingen") { name } }',
  ]) {
    expect((await face.ask({ query })).codes).toEqual(['INTROSPECTION_DISABLED']);
  }
});

test.each([
  [`application/json, ${GRAPHQL};q=0.5`, 'application/json'],
  [`application/json;q=0.5, ${GRAPHQL};q=0.5`, GRAPHQL],
  [`${GRAPHQL};q=0, */*`, 'application/json'],
  [`*/*, ${GRAPHQL}`, GRAPHQL],
  [`${GRAPHQL};q=much`, 'application/json'],
])('of %s the client likes %s best', (accept, type) => {
  expect(answerMediaType(accept)).toBe(type);
});

test('what is written is part of the request that it came with', async () => {
  const asked: unknown[] = [];
  const face = openFace({
    create: async ({ who, correlationId, traceparent }) => {
      asked.push([who.principal.id, correlationId, traceparent]);
      return presented(uuidOf(1), {});
    },
  });
  await face.ask({
    query: 'mutation { a: createMelding(input: {}) { _uuid } b: createMelding(input: {}) { _uuid } }',
  });
  expect(asked).toEqual([
    ['alice', 'correlation-1', 'trace-1'],
    ['alice', 'correlation-1', 'trace-1'],
  ]);
});
