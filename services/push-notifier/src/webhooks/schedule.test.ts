import { WEBHOOK_LIMITS } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { afterFailure, isCircuitOpen, retryDelay } from './schedule.ts';

const SECOND = 1000;
const HOUR = 3_600 * SECOND;

test('delays begin at five seconds, double, and never exceed an hour', () => {
  expect([1, 2, 3, 4, 5].map((failures) => retryDelay(failures, 0))).toEqual(
    [5, 10, 20, 40, 80].map((s) => s * SECOND),
  );
  for (const random of [0, 0.5, 1]) {
    const delays = Array.from({ length: 40 }, (_, index) => retryDelay(index + 1, random));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(5 * SECOND);
    expect(Math.max(...delays)).toBeLessThanOrEqual(HOUR);
    expect(delays).toEqual(delays.toSorted((a, b) => a - b));
  }
});

test('the longest delays of several endpoints differ, too', () => {
  expect(retryDelay(30, 0)).toBe(40 * 60 * SECOND);
  expect(retryDelay(30, 1)).toBe(HOUR);
});

test.each([
  ['is honoured', 120 * SECOND, 120 * SECOND],
  ['shortens nothing', 0, 5 * SECOND],
  ['is bounded', 100 * HOUR, HOUR],
])('what an endpoint asks for %s', (_what, retryAfterMs, expected) => {
  expect(retryDelay(1, 0, retryAfterMs)).toBe(expected);
});

test('the circuit opens with the fifth failure in a row', () => {
  expect([0, 4, 5, 6].map(isCircuitOpen)).toEqual([false, false, true, true]);
});

test('attempts are counted for each event, and failures over all of them', () => {
  const facts = { nowMs: 1000, retryAfterMs: undefined, random: 0 };
  const first = afterFailure({ failing: null, failures: 0 }, { ...facts, eventId: 'a' });
  expect(first).toEqual({
    attempt: 1,
    failing: { eventId: 'a', attempts: 1, sinceMs: 1000 },
    failures: 1,
    dueAtMs: 1000 + 5 * SECOND,
  });
  const second = afterFailure(first, { ...facts, eventId: 'a', nowMs: 2000 });
  expect(second).toMatchObject({ attempt: 2, failing: { attempts: 2, sinceMs: 1000 }, failures: 2 });
  const other = afterFailure(second, { ...facts, eventId: 'b', nowMs: 3000 });
  expect(other).toMatchObject({ attempt: 1, failing: { eventId: 'b', sinceMs: 3000 }, failures: 3 });
});

test('an event is passed over when it has failed for a day, and not a moment before', () => {
  const failing = { eventId: 'a', attempts: 30, sinceMs: 0 };
  const facts = { eventId: 'a', retryAfterMs: undefined, random: 0 };
  const at = (nowMs: number) => afterFailure({ failing, failures: 30 }, { ...facts, nowMs }).failing;
  expect(at(WEBHOOK_LIMITS.giveUpMs - 1)).not.toBeNull();
  expect(at(WEBHOOK_LIMITS.giveUpMs)).toBeNull();
});
