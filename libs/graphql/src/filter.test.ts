import { fieldTypesOf, parseFieldFilter } from '@tidewire/condition';
import { parseConstValue } from 'graphql';
import { expect, test } from 'vitest';
import { objectType, register } from '../test/example-catalogue.ts';
import { filterScalar, isFilterScalar } from './filter-scalar.ts';
import { readFilter } from './filter.ts';
import { leafOf } from './leaf.ts';
import { objectFields } from './object-fields.ts';

const fields = objectFields(
  objectType('meldingen', 1, {
    properties: Object.fromEntries(
      ['a b', '$and', 'constructor'].map((name) => [name, { type: 'string' as const }]),
    ),
  }),
  { register: () => register('zaken'), find: () => undefined },
);

test('a filter is read by the names that the log has', () => {
  const filter = readFilter(fields, {
    a_b: 'x',
    _and_2: 'y',
    constructor: 'z',
    _uuid: null,
    _or: [{ a_b: { ne: 'x' } }, { _and: [{ _version: 1 }] }],
  });
  expect(JSON.parse(JSON.stringify(filter))).toEqual({
    'a b': 'x',
    '$and': 'y',
    'constructor': 'z',
    '_uuid': null,
    '_or': [{ 'a b': { ne: 'x' } }, { _and: [{ _version: 1 }] }],
  });
});

test('a group of nothing is an empty list, and filters within filters end', () => {
  expect(readFilter(fields, { _or: null })).toEqual({ _or: [] });
  const nest = (depth: number): unknown => (depth === 0 ? {} : { _and: [nest(depth - 1)] });
  expect(() => readFilter(fields, nest(8))).not.toThrow();
  expect(() => readFilter(fields, nest(9))).toThrow('A filter is at most 8 deep');
});

test('as deep as a filter may be, it can be parsed', () => {
  const nest = (depth: number): unknown =>
    depth === 0 ? { a_b: { in: ['x'] } } : { _and: [nest(depth - 1)] };
  const types = fieldTypesOf({ 'a b': { type: 'string' } });
  expect(parseFieldFilter(readFilter(fields, nest(8)), types).ok).toBe(true);
});

test('conditions are a scalar for each type of value, and one for lists', () => {
  const text = filterScalar(leafOf({ type: 'string' }));
  expect(text.name).toBe('StringFilter');
  expect(filterScalar(leafOf({ type: 'string', format: 'ipv4' }))).toBe(text);
  expect(filterScalar(leafOf({ type: 'integer' })).name).toBe('SafeIntFilter');
  const list = filterScalar(leafOf({ type: 'array', items: { type: 'string' } }));
  expect(list.name).toBe('ListFilter');
  expect(filterScalar(leafOf({ type: 'array' }))).toBe(list);
  expect(isFilterScalar('StringFilter')).toBe(true);
  expect(isFilterScalar('String')).toBe(false);
});

test('a condition is whatever JSON there is; what it means is looked at when it is parsed', () => {
  const text = filterScalar(leafOf({ type: 'string' }));
  expect(text.coerceInputLiteral?.(parseConstValue('{in: ["a", null]}'))).toEqual({ in: ['a', null] });
  expect(text.coerceInputValue(5)).toBe(5);
  expect(() => text.coerceInputLiteral?.(parseConstValue('nieuw'))).toThrow('A text has quotes');
});
