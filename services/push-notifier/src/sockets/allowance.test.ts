import { expect, test } from 'vitest';
import { Allowance } from './allowance.ts';

test('so much may come at once, and what is refilled by the second after that', () => {
  const allowance = new Allowance({ burst: 3, perSecond: 2 }, 0);
  const take = (now: number): boolean => allowance.take(now, 1);
  expect([take(0), take(0), take(0)]).toEqual([true, true, true]);
  expect([take(500), take(1500), take(1500), take(1500)]).toEqual([true, true, true, false]);
});

test('what was not used is not saved up', () => {
  const allowance = new Allowance({ burst: 2, perSecond: 100 }, 0);
  expect(allowance.take(60_000, 2)).toBe(true);
  expect(allowance.take(60_000, 1)).toBe(false);
});
