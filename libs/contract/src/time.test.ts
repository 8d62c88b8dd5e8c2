import { expect, test } from 'vitest';
import { formatTimestamp, parseTimestamp } from './time.ts';

test('offsets and any number of decimals mean the same instant', () => {
  const instant = Date.UTC(2026, 2, 21, 12, 0, 0, 123);
  for (const text of [
    '2026-03-21T12:00:00.123Z',
    '2026-03-21T13:00:00.123+01:00',
    '2026-03-21t12:00:00.123456z',
  ]) {
    expect(parseTimestamp(text), text).toBe(instant);
  }
  expect(formatTimestamp(instant)).toBe('2026-03-21T12:00:00.123Z');
});

test.each([
  '',
  'now',
  '2026-03-21',
  '2026-03-21T12:00:00',
  '2026-13-21T12:00:00Z',
  '1774094400000',
  '2026-03-21 12:00:00Z',
])('%j is not a timestamp', (text) => {
  expect(parseTimestamp(text)).toBeUndefined();
});
