import { GraphQLError } from 'graphql';
import { expect, test } from 'vitest';
import { readVariables } from './variables.ts';

function codeOf(variables: unknown): unknown {
  try {
    readVariables(variables);
    return undefined;
  } catch (error) {
    return error instanceof GraphQLError ? error.extensions['code'] : error;
  }
}

test('variables are copied, and have no members but those that were sent', () => {
  const sent: unknown = JSON.parse('{"f":{"a":[1,{"__proto__":{"x":1}}],"n":null}}');
  const read = readVariables(sent);
  expect(JSON.stringify(read)).toBe(JSON.stringify(sent));
  const filter = read['f'] as Record<string, unknown>;
  expect(filter['constructor']).toBeUndefined();
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});

test('no variables are none', () => {
  expect(readVariables(undefined)).toEqual({});
  expect(readVariables(null)).toEqual({});
  expect(Object.keys(readVariables({ a: undefined }))).toEqual([]);
});

test.each([['x'], [5], [[]], [true]])('%j are no variables', (variables) => {
  expect(codeOf(variables)).toBe('BAD_REQUEST');
});

test('too many, too long and too deep ones are refused', () => {
  const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
  expect(codeOf({ a: nested(39) })).toBeUndefined();
  expect(codeOf({ a: nested(40) })).toBe('QUERY_TOO_COMPLEX');
  expect(codeOf({ a: nested(100_000) })).toBe('QUERY_TOO_COMPLEX');
  expect(codeOf({ a: 'x'.repeat(65_000) })).toBeUndefined();
  expect(codeOf({ a: 'x'.repeat(65_536) })).toBe('QUERY_TOO_COMPLEX');
  expect(codeOf({ ['x'.repeat(65_536)]: 1 })).toBe('QUERY_TOO_COMPLEX');
  expect(codeOf({ a: Array.from({ length: 70_000 }, () => null) })).toBe('QUERY_TOO_COMPLEX');
});
