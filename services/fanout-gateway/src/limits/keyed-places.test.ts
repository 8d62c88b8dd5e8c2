import { expect, test } from 'vitest';
import { KeyedPlaces } from './keyed-places.ts';

test('gives so many places to each key, and so many to all together', () => {
  const places = new KeyedPlaces({ total: 3, perKey: 2 });
  expect([places.take('a'), places.take('a'), places.take('a')].map((place) => place !== undefined)).toEqual([
    true,
    true,
    false,
  ]);
  expect(places.take('b')).toBeDefined();
  expect(places.take('c')).toBeUndefined();
  expect(places.size).toBe(3);
});

test('a place that is given back is free again, once', () => {
  const places = new KeyedPlaces({ total: 2, perKey: 1 });
  const leave = places.take('__proto__');
  expect(places.take('__proto__')).toBeUndefined();
  leave?.();
  const again = places.take('__proto__');
  leave?.();
  expect(again).toBeDefined();
  expect(places.take('__proto__')).toBeUndefined();
  expect(places.size).toBe(1);
  again?.();
  expect(places.size).toBe(0);
});
