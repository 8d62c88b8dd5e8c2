import { expect, test } from 'vitest';
import { createManualClock } from './clock.ts';

test('runs what falls due in the order of due times, and nothing that was cancelled', () => {
  const clock = createManualClock();
  const ran: string[] = [];
  clock.setTimeout(() => ran.push('late'), 20);
  clock.setTimeout(() => {
    ran.push('early');
    clock.setTimeout(() => ran.push('nested'), 5);
  }, 10);
  clock.setTimeout(() => ran.push('never'), 12).cancel();
  clock.advance(30);
  expect(ran).toEqual(['early', 'nested', 'late']);
});

test('repeats an interval until it is cancelled', () => {
  const clock = createManualClock(0);
  let count = 0;
  const timer = clock.setInterval(() => count++, 10);
  clock.advance(35);
  timer.cancel();
  clock.advance(100);
  expect([count, clock.now(), clock.monotonic()]).toEqual([3, 135, 135]);
});
