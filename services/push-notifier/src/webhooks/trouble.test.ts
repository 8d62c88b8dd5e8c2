import { expect, test } from 'vitest';
import { Trouble } from './trouble.ts';

test('the gateways are left alone for longer and longer, up to half a minute, until one lets somebody in', () => {
  const trouble = new Trouble(() => 1);
  const delays = Array.from({ length: 8 }, () => trouble.delay());
  expect(delays).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map((seconds) => seconds * 1000));
  trouble.over();
  expect(trouble.delay()).toBe(1000);
});

test('those who ask again differ, and none comes before it was told to', () => {
  expect(new Trouble(() => 0).delay()).toBe(500);
  expect(new Trouble(() => 0).delay(7)).toBe(7000);
});
