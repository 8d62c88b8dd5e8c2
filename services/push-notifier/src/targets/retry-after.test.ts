import { expect, test } from 'vitest';
import { parseRetryAfter } from './retry-after.ts';

const NOW = Date.parse('1994-11-06T08:49:07Z');

test.each([
  ['0', 0],
  ['120', 120_000],
  [' 7 ', 7000],
  ['Sun, 06 Nov 1994 08:49:37 GMT', 30_000],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 30_000],
  ['Sun Nov  6 08:49:37 1994', 30_000],
  ['Sun, 06 Nov 1994 08:00:00 GMT', 0],
  ['9999999999', 86_400_000],
  ['Fri, 31 Dec 9999 23:59:59 GMT', 86_400_000],
])('%s is a wait of %i ms', (text, ms) => {
  expect(parseRetryAfter(text, NOW)).toBe(ms);
});

test.each([
  [undefined],
  [''],
  ['-1'],
  ['1.5'],
  ['1e3'],
  ['soon'],
  ['99999999999'],
  ['1994-11-06T08:49:37Z'],
  ['Xyz, 99 Abc 1994 99:99:99 GMT'],
])('%s is none', (text) => {
  expect(parseRetryAfter(text, NOW)).toBeUndefined();
});

test('never asks to wait longer than the caller wants to', () => {
  expect(parseRetryAfter('600', NOW, 60_000)).toBe(60_000);
});
