import { expect, test } from 'vitest';
import { entriesOfQuery, getRequestSchema, listRequestSchema, queryRequestSchema } from './read-request.ts';

const read = (query: unknown): unknown => queryRequestSchema.safeParse({ query }).data?.query;

test('a query is read as its query string would be, in its order', () => {
  const query = queryRequestSchema.parse({ query: { b: ['1', '2'], a: '', none: [] } }).query;
  expect(entriesOfQuery(query)).toEqual([
    ['b', '1'],
    ['b', '2'],
    ['a', ''],
  ]);
  expect(entriesOfQuery()).toEqual([]);
});

test('names that every object has are parameters like any other, and none is left out without a word', () => {
  const query = read(JSON.parse('{"__proto__":"x","constructor":["y"]}'));
  expect(entriesOfQuery(query as Record<string, string>)).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
  expect(listRequestSchema.safeParse(JSON.parse('{"__proto__":{"table":"t"}}')).success).toBe(false);
});

test.each([
  ['a number', { a: 1 }],
  ['null', { a: null }],
  ['a list of lists', { a: [['x']] }],
  ['a list', ['a']],
  ['a text', 'a=b'],
  ['no name', { '': 'x' }],
  ['a name that is too long', { ['x'.repeat(201)]: 'x' }],
  ['too many values', { a: Array(101).fill('') }],
  ['more than a query string may have', { a: 'x'.repeat(16 * 1024) }],
  ['more than that in many values', { a: Array(100).fill('x'.repeat(200)) }],
])('a query that is or has %s is refused', (_what, query) => {
  expect(queryRequestSchema.safeParse({ query }).success).toBe(false);
});

test('what is named by its id needs one', () => {
  expect(getRequestSchema.safeParse({ table: 't' }).success).toBe(false);
  expect(getRequestSchema.safeParse({ table: 't', id: 'x' }).success).toBe(true);
});
