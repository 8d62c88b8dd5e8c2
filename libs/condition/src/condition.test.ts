import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALWAYS, and, canonical, compare, exists, matchText, NEVER, NOW, oneOf, or } from './condition.ts';
import { compareText } from './compare.ts';

const isOpen = compare('eq', 'status', 'open');
const isUrgent = compare('gte', 'priority', 3);

test('the order, nesting and repetition of terms do not change a condition', () => {
  const one = and(isOpen, and(isUrgent, isOpen), ALWAYS);
  expect(one).toEqual(and(isUrgent, isOpen));
  expect(canonical(or(isOpen, isUrgent))).toBe(canonical(or(isUrgent, isOpen, NEVER)));
  expect(canonical(and(isOpen, isUrgent))).not.toBe(canonical(or(isOpen, isUrgent)));
});

test('a constant decides or disappears', () => {
  expect(and(isOpen, NEVER)).toBe(NEVER);
  expect(or(isOpen, ALWAYS)).toBe(ALWAYS);
  expect(and()).toBe(ALWAYS);
  expect(or()).toBe(NEVER);
  expect(and(isOpen)).toBe(isOpen);
});

test('null as an operand asks for absence, and an ordering with it never matches', () => {
  expect(compare('eq', 'a', null)).toEqual(exists('a', false));
  expect(compare('ne', 'a', null)).toEqual(exists('a', true));
  expect(compare('lte', 'a', null)).toBe(NEVER);
  expect(oneOf('in', 'a', [null])).toBe(NEVER);
  expect(oneOf('nin', 'a', [null])).toEqual(exists('a', true));
});

test('a list of one value is an equality, an empty list none or any value', () => {
  expect(oneOf('in', 'a', ['x', 'x'])).toEqual(compare('eq', 'a', 'x'));
  expect(oneOf('nin', 'a', [1])).toEqual(compare('ne', 'a', 1));
  expect(oneOf('in', 'a', [])).toBe(NEVER);
  expect(oneOf('nin', 'a', [])).toEqual(exists('a', true));
  expect(oneOf('nin', 'a', [1, 'x'])).toBe(NEVER);
});

test('what no stored value can equal never matches', () => {
  for (const value of ['a\u0000b', '\ud83d', Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(compare('ne', 'a', value)).toBe(NEVER);
    expect(oneOf('nin', 'a', [value, 'x'])).toBe(NEVER);
    expect(matchText('contains', 'a', value)).toBe(NEVER);
  }
  expect(compare('gt', 'a', true)).toBe(NEVER);
  expect(compare('eq', 'a\u0000', 1)).toBe(NEVER);
});

test('no value can be written so that two different conditions have one canonical text', () => {
  const text = fc.string({ unit: fc.constantFrom('"', ',', '[', ']', '\\', 'a', ':', '|') });
  fc.assert(
    fc.property(text, text, text, text, (fieldA, valueA, fieldB, valueB) => {
      const [a, b] = [compare('eq', fieldA, valueA), compare('eq', fieldB, valueB)];
      expect(canonical(a) === canonical(b)).toBe(fieldA === fieldB && valueA === valueB);
      expect(canonical(and(a, b)) === canonical(a)).toBe(canonical(a) === canonical(b));
    }),
  );
  expect(canonical(compare('eq', 'a', 1))).not.toBe(canonical(compare('eq', 'a', '1')));
  expect(canonical(compare('eq', 'a', 1))).not.toBe(canonical(compare('eq', 'a', 1, 'instant')));
  expect(canonical(compare('eq', 'a', '{"variable":"now"}'))).not.toBe(canonical(compare('eq', 'a', NOW)));
});

test('texts are ordered by code point, not by UTF-16 unit', () => {
  expect(compareText('～', '😀')).toBeLessThan(0);
  expect(['😀', '～'].sort(compareText)).toEqual(['～', '😀']);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(compareText(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
  );
});

test('a condition cannot be changed after it was made', () => {
  expect(Object.isFrozen(and(isOpen, isUrgent))).toBe(true);
  expect(Object.isFrozen(isOpen)).toBe(true);
});
