import { expect, test } from 'vitest';
import { numberIntervals } from './sql-number.ts';

/** Long enough that JavaScript rounds by it exactly. */
const isIn = (text: string): number => Number(text);

test.each([0, 1, 3, 0.1, 0.3, -0.1, 2 ** 53, 2 ** -1022, 5e-324, 1e22, 12345.678, Number.MAX_VALUE, -5e-324])(
  'the bounds of %d are half-way decimals: what lies on one is in when it rounds to the value',
  (value) => {
    const [interval] = numberIntervals('eq', value);
    for (const bound of [interval?.low, interval?.high]) {
      if (bound === undefined) throw new Error('no interval');
      const rounded = isIn(bound.at);
      expect([bound.at, rounded === value]).toEqual([bound.at, bound.included]);
      // One digit more, on either side of it, decides by itself.
      const [inner, outer] = [isIn(`${bound.at}${bound.at.includes('.') ? '' : '.'}1`), value];
      expect(Number.isNaN(inner) || Number.isNaN(outer)).toBe(false);
    }
  },
);

test('every comparison is an interval between the largest doubles, and ne two', () => {
  const [above] = numberIntervals('gt', 3);
  expect(above?.low.at.startsWith('3.0000000000000002')).toBe(true);
  expect(above?.high.at.startsWith('17976931348623158')).toBe(true);
  expect(isIn(above?.high.at ?? '')).toBe(Infinity);
  expect(above?.high.included).toBe(false);
  expect(numberIntervals('ne', 3)).toHaveLength(2);
});
