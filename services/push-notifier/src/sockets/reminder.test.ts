import { createManualClock } from '@tidewire/service-kit';
import type { ManualClock } from '@tidewire/service-kit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Reminder } from './reminder.ts';

function start(openSockets = 1, factor = 1): { clock: ManualClock; reminder: Reminder; sent: number[] } {
  const clock = createManualClock();
  const sent: number[] = [];
  const send = (): void => void sent.push(clock.monotonic());
  return { clock, sent, reminder: new Reminder({ clock, factor, openSockets: () => openSockets, send }) };
}

test('the first call after quiet is answered after 100 ms, and so are those that come until then', () => {
  const { clock, reminder, sent } = start();
  reminder.call();
  clock.advance(99);
  expect(sent).toEqual([]);
  clock.advance(1);
  expect(sent).toEqual([100]);
  clock.advance(60_000);
  reminder.call();
  reminder.call();
  clock.advance(60_000);
  expect(sent).toEqual([100, 60_200]);
});

test.each([
  [1, 1, 1000],
  [10, 0.5, 500],
  [50, 1, 5000],
  [50, 1.5, 7500],
  [150, 1, 15_000],
  [100_000, 1.5, 22_500],
])('of %i open sockets one with the factor %d is reminded every %i ms at most', (open, factor, interval) => {
  const { clock, reminder, sent } = start(open, factor);
  reminder.call();
  clock.advance(200);
  reminder.call();
  clock.advance(interval - 101);
  expect(sent).toEqual([100]);
  clock.advance(1);
  expect(sent).toEqual([100, 100 + interval]);
});

test('calls that never stop are answered once in an interval and 100 ms', () => {
  const { clock, reminder, sent } = start();
  for (let ms = 0; ms < 5000; ms += 50) {
    reminder.call();
    clock.advance(50);
  }
  expect(sent).toEqual([1100, 2200, 3300, 4400]);
});

test('what was sent otherwise stands for the calls before it', () => {
  const { clock, reminder, sent } = start();
  reminder.call();
  reminder.sent();
  clock.advance(10_000);
  expect(sent).toEqual([]);
});

test('nothing is sent after the end', () => {
  const { clock, reminder, sent } = start();
  reminder.call();
  reminder.stop();
  clock.advance(10_000);
  expect(sent).toEqual([]);
});

test('whatever the calls: none waits longer than it may, and none is answered too soon', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0.5, max: 1.5, noNaN: true }),
      (pauses, openSockets, factor) => {
        const { clock, reminder, sent } = start(openSockets, factor);
        const interval = Math.max(1000, openSockets * 100) * factor;
        const calls: number[] = [];
        for (const pause of pauses) {
          clock.advance(pause);
          calls.push(clock.monotonic());
          reminder.call();
        }
        clock.advance(interval + 200);
        for (const [index, at] of sent.entries()) {
          const since = index === 0 ? -Infinity : (sent[index - 1] ?? 0);
          const first = calls.find((call) => call >= since) ?? Infinity;
          const last = calls.findLast((call) => call < at) ?? Infinity;
          expect(at - since).toBeGreaterThanOrEqual(interval - 0.001);
          expect(at - first).toBeLessThanOrEqual(interval + 100.001);
          const hurried = at - first >= interval + 99.999;
          expect(hurried || at - last >= 99.999).toBe(true);
        }
        // Each call has something behind it.
        expect(sent.at(-1)).toBeGreaterThanOrEqual(calls.at(-1) ?? Infinity);
      },
    ),
  );
});
