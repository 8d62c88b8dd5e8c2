import type { JsonValue, Property } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { fitsLeaf, leafOf, leafType, systemLeaf } from './leaf.ts';

test.each<[Property, string]>([
  [{ type: 'string' }, 'String'],
  [{ type: 'string', format: 'hostname' }, 'String'],
  [{ type: 'string', format: 'date-time' }, 'DateTime'],
  [{ type: 'string', format: 'date' }, 'Date'],
  [{ type: 'string', format: 'time' }, 'Time'],
  [{ type: 'string', format: 'email' }, 'Email'],
  [{ type: 'string', format: 'uri' }, 'URI'],
  [{ type: 'string', format: 'uuid' }, 'UUID'],
  [{ type: 'boolean' }, 'Boolean'],
  [{ type: 'number' }, 'Float'],
  [{ type: 'integer' }, 'SafeInt'],
  [{ type: 'integer', minimum: 0 }, 'SafeInt'],
  [{ type: 'integer', maximum: 9 }, 'SafeInt'],
  [{ type: 'integer', minimum: 0, maximum: 9 }, 'Int'],
  [{ type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }, 'Int'],
  [{ type: 'integer', minimum: -(2 ** 31) - 1, maximum: 9 }, 'SafeInt'],
  [{ type: 'integer', minimum: 0, maximum: 2 ** 31 }, 'SafeInt'],
  [{ type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 9 }, 'Int'],
  [{ type: 'object', properties: {} }, 'JSON'],
  [{ type: 'array' }, '[JSON]'],
  [{ type: 'array', items: { type: 'string', format: 'date' } }, '[Date]'],
  [{ type: 'array', items: { type: 'integer', minimum: 1, maximum: 2 } }, '[Int]'],
  [{ type: 'array', items: { type: 'integer', minimum: 'low', maximum: [] } }, '[SafeInt]'],
  [{ type: 'array', items: { type: 'array', items: { type: 'string' } } }, '[JSON]'],
  [{ type: 'array', items: { type: ['string', 'null'], format: 7 } }, '[JSON]'],
])('%j is of type %s', (property, type) => {
  expect(String(leafType(leafOf(property)))).toBe(type);
});

const id = '550e8400-e29b-41d4-a716-446655440000';
const whole: Property = { type: 'integer', minimum: 0, maximum: 9 };

test.each<[Property, JsonValue[], JsonValue[]]>([
  [{ type: 'string' }, ['', 'x'], [1, true, [], {}]],
  [{ type: 'boolean' }, [true, false], [0, 1, 'true']],
  [{ type: 'number' }, [0, -1.5, 1e300], ['1', true]],
  [whole, [0, 2 ** 31 - 1, -(2 ** 31)], [2 ** 31, -(2 ** 31) - 1, 0.5, '1', true]],
  [{ type: 'integer' }, [2 ** 31, 2 ** 53 - 1, 1 - 2 ** 53], [2 ** 53, -(2 ** 53), 0.5, '1', false]],
  [{ type: 'string', format: 'uuid' }, [id, id.toUpperCase()], ['', 'x', `${id}0`, 5]],
  [{ type: 'string', format: 'date-time' }, ['2026-03-21T12:00:00Z'], [5, {}]],
  [{ type: 'object' }, [{}, { constructor: 1 }, 'anything', 5, []], []],
  [{ type: 'array', items: { type: 'string' } }, [[], ['a', null]], ['a', [1], {}, [['a']]]],
  [{ type: 'array', items: { type: 'integer' } }, [[1, null, 2]], [[1.5], ['1'], [[1]]]],
  [{ type: 'array' }, [[{}, null, [1]]], [{}, 'x']],
])('%j holds its values and no others', (property, right, wrong) => {
  const leaf = leafOf(property);
  expect(right.filter((value) => !fitsLeaf(leaf, value))).toEqual([]);
  expect(wrong.filter((value) => fitsLeaf(leaf, value))).toEqual([]);
  expect(fitsLeaf(leaf, null)).toBe(true);
});

test('system members have types of their own', () => {
  expect(String(leafType(systemLeaf('_uuid')))).toBe('UUID');
  expect(String(leafType(systemLeaf('_version')))).toBe('Int');
  expect(String(leafType(systemLeaf('_updated')))).toBe('DateTime');
});
