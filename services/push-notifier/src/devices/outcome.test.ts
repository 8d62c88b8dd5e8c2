import { expect, test } from 'vitest';
import { TargetError } from '../targets/target-error.ts';
import type { TargetFailure } from '../targets/target-error.ts';
import { describeOutcome, judgeAnswer, judgeFailure } from './outcome.ts';
import { planRetry } from './retry-schedule.ts';

test.each([
  [200, 'delivered'],
  [201, 'delivered'],
  [202, 'delivered'],
  [204, 'delivered'],
  [301, 'refused'],
  [307, 'refused'],
  [400, 'refused'],
  [401, 'refused'],
  [403, 'refused'],
  [404, 'gone'],
  [408, 'later'],
  [410, 'gone'],
  [413, 'refused'],
  [425, 'later'],
  [429, 'later'],
  [500, 'later'],
  [503, 'later'],
  [599, 'later'],
])('an answer %i means: %s', (status, kind) => {
  expect(judgeAnswer({ status })).toMatchObject({ kind, status });
});

test.each([
  ['refused-address', 'refused'],
  ['unresolvable', 'later'],
  ['unreachable', 'later'],
  ['timed-out', 'later'],
  ['malformed-answer', 'later'],
  ['too-large', 'later'],
] as const)('no answer, because it is %s, means: %s', (reason: TargetFailure, kind) => {
  expect(judgeFailure(new TargetError(reason, 'x'))).toEqual({ kind, status: null, reason });
});

test('an owner cannot tell a private name from one that is not there', () => {
  const told = (reason: TargetFailure) => describeOutcome(judgeFailure(new TargetError(reason, 'x'))).message;
  expect(told('refused-address')).toBe(told('unresolvable'));
});

test('every outcome is told in words', () => {
  for (const status of [201, 307, 400, 404, 410, 413, 429, 503]) {
    expect(describeOutcome(judgeAnswer({ status }))).toMatchObject({
      status,
      message: expect.stringContaining(String(status)),
    });
  }
});

const MINUTE = 60_000;
const later = { kind: 'later', status: 503, reason: 'status-503' } as const;

test.each([
  [1, 0, 40_000],
  [1, 1, 30_000],
  [2, 0, 80_000],
  [7, 0, 2_560_000],
  [8, 0, 60 * MINUTE],
  [8, 1, 45 * MINUTE],
  [500, 0, 60 * MINUTE],
])('attempt %i is followed by another, with chance %d, after %i ms', (attempt, random, delayMs) => {
  const tried = { attempt, firstAtMs: 0, nowMs: MINUTE };
  expect(planRetry(later, tried, random)).toEqual({ kind: 'again', delayMs });
});

test('what the push service asks for counts when it is longer', () => {
  const tried = { attempt: 1, firstAtMs: 0, nowMs: 0 };
  expect(planRetry({ ...later, waitMs: 3 * 60 * MINUTE }, tried, 0)).toEqual({
    kind: 'again',
    delayMs: 3 * 60 * MINUTE,
  });
  expect(planRetry({ ...later, waitMs: 1000 }, tried, 0)).toEqual({ kind: 'again', delayMs: 40_000 });
});

test('after a day it is given up', () => {
  const tried = { attempt: 30, firstAtMs: 0, nowMs: 24 * 60 * MINUTE };
  expect(planRetry(later, tried, 0)).toEqual({ kind: 'never' });
  expect(planRetry(later, { ...tried, nowMs: tried.nowMs - 1 }, 0)).toMatchObject({ kind: 'again' });
});
