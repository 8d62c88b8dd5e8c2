import { expect, test } from 'vitest';
import { formatMoment } from './moment.tsx';

const now = new Date(2026, 2, 21, 15, 0, 0);

test('today is told by the clock, any other day with its date', () => {
  expect(formatMoment(new Date(2026, 2, 21, 9, 5, 7), now)).toBe('09:05:07');
  expect(formatMoment(new Date(2026, 2, 21, 9, 5, 7, 42), now, true)).toBe('09:05:07.042');
  expect(formatMoment(new Date(2026, 1, 3, 9, 5, 7), now)).toBe('2026-02-03 09:05:07');
  expect(formatMoment(new Date('never'), now)).toBe('at an unknown time');
});
