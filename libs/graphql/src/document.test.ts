import { GRAPHQL_LIMITS } from '@tidewire/contract';
import { GraphQLError, getIntrospectionQuery } from 'graphql';
import { expect, test } from 'vitest';
import { asBadRequest, fieldNamesIn, parseDocument } from './document.ts';

/** What is said against a document; empty: it may be read. */
function refusal(text: string): string {
  try {
    parseDocument(text);
    return '';
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return `${String(error.extensions['code'])}: ${error.message}`;
  }
}

const repeat = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');

test('what is no document is a bad request', () => {
  for (const text of ['', '{', 'subscription', '{ a(b: ) }', '{ a } }', '"', '{ a \u0000 }', '# nothing']) {
    expect(refusal(text)).toMatch(/^BAD_REQUEST: Syntax Error/);
  }
});

test('a document is as long as the limit, and no longer', () => {
  const fill = (length: number): string => `{ a } #${'x'.repeat(length - 7)}`;
  expect(refusal(fill(GRAPHQL_LIMITS.maxDocumentBytes))).toBe('');
  expect(refusal(fill(GRAPHQL_LIMITS.maxDocumentBytes + 1))).toMatch(/^QUERY_TOO_COMPLEX: .* characters$/);
  expect(refusal('{'.repeat(10_000_000))).toMatch(/^QUERY_TOO_COMPLEX/);
});

test('a document has as many words as the limit, and no more', () => {
  const list = (count: number): string => `{ a(b: [${repeat(count, () => '1')}]) }`;
  expect(refusal(list(1991))).toBe('');
  expect(refusal(list(1992))).toBe('QUERY_TOO_COMPLEX: The document has more than 2000 words and signs');
});

test.each([
  ['lists', `{ a(b: ${'['.repeat(1900)}`],
  ['objects', `{ a(b: ${'{c:'.repeat(600)}`],
  ['types', `query ($a: ${'['.repeat(1900)}`],
  ['selections', '{a'.repeat(900)],
  ['inline fragments', '{...'.repeat(900)],
])('brackets of %s within each other without end are refused before they are read', (_, text) => {
  expect(refusal(text)).toBe('QUERY_TOO_COMPLEX: The document has brackets more than 100 deep');
});

test('fields are as deep as the limit, and no deeper, also by way of fragments', () => {
  const nest = (depth: number): string => `${'{a'.repeat(depth)}${'}'.repeat(depth)}`;
  expect(refusal(nest(10))).toBe('');
  expect(refusal(nest(11))).toBe('QUERY_TOO_COMPLEX: The document is more than 10 fields deep');
  const spread = (depth: number): string => `{a{a{...F}}} fragment F on A ${nest(depth)}`;
  expect(refusal(spread(8))).toBe('');
  expect(refusal(spread(9))).toMatch(/^QUERY_TOO_COMPLEX/);
});

test('fields are as many as the limit, fragments in all of their places', () => {
  const wide = 'QUERY_TOO_COMPLEX: The document selects more than 500 fields';
  expect(refusal(`{ ${repeat(500, (index) => `a${index}`)} }`)).toBe('');
  expect(refusal(`{ ${repeat(501, (index) => `a${index}`)} }`)).toBe(wide);
  expect(refusal(`{ ${repeat(600, () => 'a')} }`)).toBe(wide);
  // Each spread counts, and each of its 10 fields.
  const spreads = (count: number): string =>
    `{ ${repeat(count, () => '...F')} } fragment F on A { ${repeat(10, () => 'a')} }`;
  expect(refusal(spreads(45))).toBe('');
  expect(refusal(spreads(46))).toBe(wide);
});

test('the fields of all operations count together', () => {
  const operations = (count: number): string => repeat(count, (index) => `query Q${index} { a b }`);
  expect(refusal(operations(250))).toBe('');
  expect(refusal(operations(251))).toMatch(/^QUERY_TOO_COMPLEX/);
});

test('fragments that double in each other are not followed to the end, whether or not they have fields', () => {
  const doubling = (last: string): string =>
    `{ ...F0 } ${repeat(60, (index) => `fragment F${index} on A { ...F${index + 1} ...F${index + 1} }`)} fragment F60 on A { ${last} }`;
  expect(refusal(doubling('a'))).toMatch(/^QUERY_TOO_COMPLEX/);
  expect(refusal(doubling('... { a }'))).toMatch(/^QUERY_TOO_COMPLEX/);
  expect(refusal(doubling('...F0'))).toMatch(/^QUERY_TOO_COMPLEX/);
});

test('fragments in circles come to an end, and are left to the rules of GraphQL', () => {
  expect(refusal('{ ...A } fragment A on X { ...B } fragment B on X { ...A a }')).toBe('');
  expect(refusal('{ ...A } fragment A on X { ...A }')).toBe('');
});

test('fragments that nothing uses count, and so do several of one name', () => {
  const fields = (count: number): string => repeat(count, () => 'a');
  expect(refusal(`{ a } fragment F on A { ${fields(501)} }`)).toMatch(/^QUERY_TOO_COMPLEX/);
  expect(refusal(`{ ...F } fragment F on A { ${fields(501)} } fragment F on A { a }`)).toMatch(
    /^QUERY_TOO_COMPLEX/,
  );
  expect(refusal(`fragment F on A { ${fields(501)} }`)).toMatch(/^QUERY_TOO_COMPLEX/);
});

test('what tools ask about a schema is not too complex', () => {
  const question = getIntrospectionQuery({
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  });
  expect(refusal(question)).toBe('');
});

test('the names at the roots are those of all operations, in fragments too, and none from below', () => {
  const document = parseDocument(`
    query Q { a: orders { nodes { customer } } ...F ... { note } ... on Query { card } }
    subscription S { ordersEvents { status ...E } }
    fragment F on Query { articles { nodes { titel } } }
    fragment E on OrdersEvent { total }
    fragment M on Mutation { createOrder(input: {}) { _uuid } }
  `);
  expect(fieldNamesIn(document)).toEqual(
    new Set(['orders', 'note', 'card', 'ordersEvents', 'articles', 'createOrder']),
  );
});

test('an error is cut to a readable length, and keeps a code that it has', () => {
  const long = asBadRequest(new GraphQLError('x'.repeat(70_000)));
  expect(long.message).toBe(`${'x'.repeat(500)}…`);
  expect(long.extensions).toEqual({ code: 'BAD_REQUEST' });
  const own = new GraphQLError('no', { extensions: { code: 'NOT_FOUND' } });
  expect(asBadRequest(own)).toBe(own);
  expect(() => asBadRequest(new RangeError('a fault of ours'))).toThrow('a fault of ours');
});
