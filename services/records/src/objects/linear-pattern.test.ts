import { expect, test } from 'vitest';
import { compilePattern, patternProblem } from './linear-pattern.ts';

test('matches what people write in schemas', () => {
  for (const [pattern, text] of [
    ['^[0-9]{4} ?[A-Z]{2}$', '1234 AB'],
    ['^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$', 'a@b.nl'],
    ['\\d+', 'no 7'],
  ] as const) {
    expect(patternProblem(pattern)).toBeUndefined();
    expect(compilePattern(pattern).test(text)).toBe(true);
    expect(compilePattern(pattern).test('')).toBe(false);
  }
});

test('a pattern that makes other engines run for ever is matched in linear time', () => {
  const started = performance.now();
  for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(a|ab)*(b|ba)*$', 'a*a*a*a*b']) {
    expect(patternProblem(pattern)).toBeUndefined();
    expect(compilePattern(pattern).test(`${'a'.repeat(50_000)}!`)).toBe(false);
  }
  expect(performance.now() - started).toBeLessThan(5_000);
});

test('refuses what cannot be matched in linear time, is no pattern or is too long, and says why', () => {
  expect(patternProblem('(?=a)b')).toContain('linear time');
  expect(patternProblem('(a)\\1')).toContain('linear time');
  expect(patternProblem('((a{1,100}){1,100}){1,100}')).toContain('linear time');
  expect(patternProblem('(')).toBe('is not a regular expression');
  expect(patternProblem('a'.repeat(501))).toContain('500');
  expect(patternProblem('^\\p{L}+$')).toContain('\\p');
  expect(patternProblem('^\\\\p{2}$')).toBeUndefined();
});
