import { expect, test } from 'vitest';
import { isAtLeast } from './nats-server-version.ts';

test.each([
  ['2.12.0', true],
  ['2.12.0-RC.4', true],
  ['2.15.1', true],
  ['3.0.0', true],
  ['2.11.99', false],
  ['2.9.10', false],
  ['1.99.0', false],
])('%s is new enough for 2.12.0: %s', (version, expected) => {
  expect(isAtLeast(version, '2.12.0')).toBe(expected);
});
