import { expect, test } from 'vitest';
import { FeedWindow } from './feed-window.ts';

test('is open until a window full of messages waits, and again when one of them was answered', () => {
  const window = new FeedWindow({ messages: 3, bytes: 1000 });
  const numbers = [1, 2, 3].map((now) => window.sent(10, now));
  expect([numbers, window.open, window.waitingSince]).toEqual([[1, 2, 3], false, 1]);
  window.answered(2);
  expect([window.open, window.waitingSince]).toEqual([true, 3]);
  window.answered(3);
  expect(window.waitingSince).toBeUndefined();
});

test('bytes close it too, but one message fits always', () => {
  const window = new FeedWindow({ messages: 10, bytes: 100 });
  const large = window.sent(5000, 1);
  expect(window.open).toBe(false);
  window.answered(large);
  expect(window.open).toBe(true);
  window.sent(60, 2);
  expect(window.open).toBe(true);
  window.sent(60, 3);
  expect(window.open).toBe(false);
});

test('answers to what was never sent, or that come again or late, change nothing', () => {
  const window = new FeedWindow({ messages: 2, bytes: 1000 });
  window.sent(1, 1);
  window.sent(1, 2);
  for (const number of [0, 3, -1, Number.NaN, 1.5]) window.answered(number);
  expect(window.open).toBe(false);
  window.answered(2);
  window.sent(1, 3);
  window.sent(1, 4);
  window.answered(1);
  window.answered(2);
  expect(window.open).toBe(false);
});
