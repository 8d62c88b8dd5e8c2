import { createManualClock } from '@tidewire/service-kit';
import { expect, test } from 'vitest';
import { BeatSource } from './beat.ts';

const position = { epoch: 'epoch001', sequence: 7 };

test('says nothing before something is known, and nothing in doubt', () => {
  const beat = new BeatSource(createManualClock());
  expect(beat.current()).toBeUndefined();
  beat.noteCovered(position, 0);
  expect(beat.current()).toMatchObject({ head: 'evt-epoch001-000000000007', backlogAgeMs: 0 });
  beat.forget();
  expect(beat.current()).toBeUndefined();
});

test('a relay that stands still says how old its knowledge is', () => {
  const clock = createManualClock();
  const beat = new BeatSource(clock);
  beat.noteCovered(position, clock.monotonic() - 40);
  clock.advance(3000);
  expect(beat.current()?.backlogAgeMs).toBe(3040);
});

test('a machine that slept without its monotonic clock says so by the wall clock', () => {
  const clock = createManualClock();
  let slept = 0;
  const beat = new BeatSource({ ...clock, now: () => clock.now() + slept });
  beat.noteCovered(position, 0);
  slept = 60_000;
  expect(beat.current()?.backlogAgeMs).toBe(60_000);
});

test('what was once covered stays covered when a later batch knows less', () => {
  const clock = createManualClock();
  clock.advance(10_000);
  const beat = new BeatSource(clock);
  beat.noteCovered(position, 9_900);
  beat.noteCovered({ ...position, sequence: 9 }, 5_000);
  expect(beat.current()).toMatchObject({ head: 'evt-epoch001-000000000009', backlogAgeMs: 100 });
});
