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
  expect(parseTimestamp('2028-02-29T00:00:00Z')).toBe(Date.UTC(2028, 1, 29));
  expect(parseTimestamp('0001-01-01T00:00:00Z')).toBeDefined();
});

test.each([
  '',
  'now',
  '2026-03-21',
  '2026-03-21T12:00:00',
  '2026-13-21T12:00:00Z',
  '1774094400000',
  '2026-03-21 12:00:00Z',
  '2027-02-30T12:00:00Z',
  '2027-02-29T12:00:00+01:00',
  '2027-04-31T00:00:00Z',
  '2027-00-10T00:00:00Z',
  '2026-03-21T24:00:00Z',
  '2026-03-21T12:60:00Z',
  '2026-03-21T12:00:00+24:00',
  '2026-03-21T12:00:00+01:60',
])('%j is not a timestamp', (text) => {
  expect(parseTimestamp(text)).toBeUndefined();
});
