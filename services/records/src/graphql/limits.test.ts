import { TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { openFace, presented, uuidOf } from '../../test/graphql-face.ts';

const page = async () => [presented(uuidOf(1), { titel: 'Tegel' })];
const fields = (count: number, field = '_uuid'): string =>
  Array.from({ length: count }, (_, index) => `f${index}: ${field}`).join(' ');

const bomb = (): string => {
  const levels = Array.from(
    { length: 30 },
    (_, level) => `fragment F${level} on Meldingen { ...F${level + 1} ...F${level + 1} }`,
  );
  return `{ meldingen { nodes { ...F0 } } } ${levels.join(' ')} fragment F30 on Meldingen { titel }`;
};

test.each([
  [
    'too deep',
    `{ besluiten { nodes { ${'meldingObject { besluitenObjects { '.repeat(5)} titel ${'} } '.repeat(5)} } } }`,
  ],
  ['too wide', `{ meldingen { nodes { ${fields(501)} } } }`],
  ['full of roots', `{ ${fields(21, 'meldingen { totalCount }')} }`],
  ['too long', `{ meldingen { totalCount } } # ${'x'.repeat(20_000)}`],
  ['a bomb of fragments', bomb()],
  ['about too many rows', '{ a: meldingen(first: 1000) { nodes { besluitenObjects { titel } } } }'],
  ['about too many rows in all', `{ ${fields(6, 'meldingen(first: 1000) { totalCount }')} }`],
  ['about too many values', `{ meldingen(first: 1000) { nodes { ${fields(120)} } } }`],
])('a document that is %s is refused before anything is read', async (_what, query) => {
  const { codes, status } = await openFace().ask({ query, accept: 'application/graphql-response+json' });
  expect([codes, status]).toEqual([['QUERY_TOO_COMPLEX'], 400]);
});

test('what is asked for within the limits is answered, rows given in a variable too', async () => {
  const face = openFace({ page, maxRows: 100 });
  const query = 'query ($first: Int) { meldingen(first: $first) { nodes { titel } } }';
  expect((await face.ask({ query, variables: { first: 100 } })).codes).toEqual([]);
  expect((await face.ask({ query, variables: { first: 101 } })).codes).toEqual(['QUERY_TOO_COMPLEX']);
  expect((await face.ask({ query })).codes).toEqual([]);
});

test('a list of ids that leads to more objects than an answer has ends it', async () => {
  const ids = Array.from({ length: 150 }, (_, index) => uuidOf(index));
  const face = openFace({
    page: async () => [presented(uuidOf(1), { besluiten: ids })],
    find: async (_schemaId, uuids) => ({
      objects: new Map(uuids.map((id) => [id, presented(id, {})])),
      bytes: 1,
    }),
    maxRows: 100,
  });
  const query = '{ meldingen(first: 1) { nodes { besluitenObjects { titel } } } }';
  const { body, codes } = await face.ask({ query });
  expect([body.data, codes]).toEqual([null, ['QUERY_TOO_COMPLEX']]);
});

test('a large value that stands in an answer many times ends it', async () => {
  const extra = { text: 'x'.repeat(10_000) };
  const face = openFace({ page: async () => [presented(uuidOf(1), { extra })], maxBytes: 100_000 });
  const ask = (count: number) => face.ask({ query: `{ meldingen { nodes { ${fields(count, 'extra')} } } }` });
  expect((await ask(9)).codes).toEqual([]);
  const { body, codes } = await ask(11);
  expect([body.data, codes]).toEqual([null, ['PAYLOAD_TOO_LARGE']]);
});

test('of very many forbidden fields the first thousand are told, and how many more there are', async () => {
  const rows = Array.from({ length: 600 }, (_, index) => presented(uuidOf(index), {}, ['titel', 'extra']));
  const face = openFace({ page: async () => rows });
  const { body } = await face.ask({ query: '{ meldingen(first: 600) { nodes { titel extra } } }' });
  expect(body.errors).toHaveLength(1000);
  expect(body.extensions).toEqual({ errorsLeftOut: 200 });
});

test('statements of one request run four at a time', async () => {
  let running = 0;
  let most = 0;
  const face = openFace({
    page: async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return [];
    },
  });
  const { codes } = await face.ask({ query: `{ ${fields(20, 'meldingen(first: 1) { totalCount }')} }` });
  expect([codes, most]).toEqual([[], 4]);
});

test('after a failure the next in line has its turn', async () => {
  let count = 0;
  const face = openFace({
    page: async () => {
      count += 1;
      if (count <= 5) throw new TidewireError('NOT_FOUND', 'Not found.');
      return [];
    },
  });
  const { codes } = await face.ask({ query: `{ ${fields(10, 'meldingen(first: 1) { totalCount }')} }` });
  expect([count, new Set(codes)]).toEqual([10, new Set(['NOT_FOUND'])]);
});

test('names that JavaScript has for its own are names like all others', async () => {
  const face = openFace({ page });
  const query = `query __proto__($__proto__: String, $constructor: Int) {
    __proto__: meldingen(filter: {titel: $__proto__}, first: $constructor) {
      nodes { ...__proto__ toString: _uuid } } }
    fragment __proto__ on Meldingen { __proto__: titel constructor: titel hasOwnProperty: titel }`;
  const { text, codes } = await face.ask({
    query,
    variables: JSON.parse('{"__proto__": "Tegel", "constructor": 3}') as unknown,
    operationName: '__proto__',
  });
  expect(codes).toEqual([]);
  expect(text).toBe(
    JSON.stringify({
      data: {
        X: { nodes: [{ Y: 'Tegel', constructor: 'Tegel', hasOwnProperty: 'Tegel', toString: uuidOf(1) }] },
      },
    })
      .replace('"X"', '"__proto__"')
      .replace('"Y"', '"__proto__"'),
  );
});

test('a property that is called like an inherited member is not written unless it was sent', async () => {
  const written: unknown[] = [];
  const face = openFace({
    create: async (_request, body) => {
      written.push({ ...body?.members });
      return presented(uuidOf(1), {});
    },
  });
  const query = 'mutation ($input: MeldingenInput!) { createMelding(input: $input) { _uuid } }';
  for (const input of ['{"titel": "x"}', '{"constructor": {"__proto__": 1}}'])
    expect((await face.ask({ query, variables: { input: JSON.parse(input) as unknown } })).codes).toEqual([]);
  expect(JSON.stringify(written)).toBe('[{"titel":"x"},{"constructor":{"__proto__":1}}]');
});

test('variables have a size and a depth', async () => {
  const face = openFace({ page });
  const query = '{ meldingen { totalCount } }';
  const codesOf = async (variables: unknown) => (await face.ask({ query, variables })).codes;
  expect(await codesOf({ a: 'x'.repeat(70_000) })).toEqual(['QUERY_TOO_COMPLEX']);
  expect(await codesOf({ a: JSON.parse('['.repeat(50) + ']'.repeat(50)) as unknown })).toEqual([
    'QUERY_TOO_COMPLEX',
  ]);
});

test.each([
  '{ __proto__ }',
  '{ constructor { x } }',
  '{ meldingen { nodes { __proto__ } } }',
  '{ meldingen(__proto__: 1) { totalCount } }',
  '{ meldingen(filter: {__proto__: {titel: "x"}}) { totalCount } }',
  '{ meldingen(order: [{toString: ASC}]) { totalCount } }',
  '{ ...constructor }',
  'query ($a: __proto__) { meldingen { totalCount } }',
  '{ meldingen @toString { totalCount } }',
  '{ meldingen { nodes { titel @defer } } }',
  '{ ...F } fragment F on Query { ...F }',
  'subscription { meldingenEvents { titel } }',
  'query A { __typename } query B { __typename }',
  '{',
  '',
])('%j is refused as a document that is wrong', async (query) => {
  const { codes, status, body } = await openFace({ page }).ask({
    query,
    accept: 'application/graphql-response+json',
  });
  expect(new Set(codes)).toEqual(new Set(['BAD_REQUEST']));
  expect([status, Object.hasOwn(body, 'data')]).toEqual([400, false]);
});
