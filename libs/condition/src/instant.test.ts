import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatInstant, parseInstant } from './instant.ts';

test('reads RFC 3339 with any offset, cut to the millisecond', () => {
  const noon = Date.UTC(2026, 2, 1, 12);
  expect(parseInstant('2026-03-01T12:00:00Z')).toBe(noon);
  expect(parseInstant('2026-03-01T13:30:00+01:30')).toBe(noon);
  expect(parseInstant('2026-03-01 04:00:00.9999-08:00')).toBe(noon + 999);
  expect(parseInstant('0050-01-01T00:00:00Z')).toBe(Date.parse('0050-01-01T00:00:00Z'));
});

test('carries a day past the end of its month over, as SQL does', () => {
  expect(parseInstant('2026-02-31T00:00:00Z')).toBe(Date.UTC(2026, 2, 3));
});

test.each(['', '2026-03-01', '2026-03-01T12:00:00', '2026-3-1T12:00:00Z', '2026-13-01T00:00:00Z'])(
  'does not take %j for a moment',
  (text) => expect(parseInstant(text)).toBeUndefined(),
);

test('reads back what it writes', () => {
  const earliest = Date.parse('0001-01-01T00:00:00Z');
  fc.assert(
    fc.property(fc.integer({ min: earliest, max: 253_402_300_799_999 }), (ms) => {
      expect(parseInstant(formatInstant(ms))).toBe(ms);
    }),
  );
});
