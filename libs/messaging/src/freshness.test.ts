import { expect, test } from 'vitest';
import { Freshness } from './freshness.ts';

interface HandClock {
  wall: number;
  mono: number;
  now(): number;
  monotonic(): number;
}

const createClock = (): HandClock => ({
  wall: 1_000_000,
  mono: 0,
  now() {
    return this.wall;
  },
  monotonic() {
    return this.mono;
  },
});

function advance(clock: HandClock, ms: number): void {
  clock.wall += ms;
  clock.mono += ms;
}

const at = (sequence: number, epoch = 'epoch001') => ({ epoch, sequence });
const beat = (clock: HandClock, sequence: number, backlogAgeMs = 0, epoch = 'epoch001') => ({
  head: `evt-${epoch}-${String(sequence).padStart(12, '0')}`,
  sentAt: clock.wall,
  backlogAgeMs,
});

test('nothing is fresh before a beat whose head was applied', () => {
  const clock = createClock();
  const freshness = new Freshness({ clock });
  expect(freshness.isFresh()).toBe(false);
  freshness.noteApplied(at(5));
  expect(freshness.isFresh()).toBe(false);
  freshness.noteBeat(beat(clock, 6));
  expect(freshness.isFresh()).toBe(false);
  freshness.noteApplied(at(6));
  expect(freshness.isFresh()).toBe(true);
});

test('covers an instant once all that was committed before it was applied', () => {
  const clock = createClock();
  const freshness = new Freshness({ clock });
  freshness.noteApplied(at(5));
  advance(clock, 1000);
  const loaded = clock.monotonic();
  expect(freshness.covers(loaded)).toBe(false);
  advance(clock, 200);
  // Fresh, but what was committed in the last half second may still be on its way.
  freshness.noteBeat(beat(clock, 5, 500));
  expect(freshness.isFresh()).toBe(true);
  expect(freshness.covers(loaded)).toBe(false);
  advance(clock, 200);
  freshness.noteBeat(beat(clock, 6));
  expect(freshness.covers(loaded)).toBe(false);
  freshness.noteApplied(at(6));
  expect(freshness.covers(loaded)).toBe(true);
});

test('without beats freshness ends at the limit, on the monotonic clock alone and on the wall clock alone', () => {
  for (const name of ['wall', 'mono'] as const) {
    const clock = createClock();
    const freshness = new Freshness({ clock, limitMs: 10_000 });
    freshness.noteApplied(at(1));
    freshness.noteBeat(beat(clock, 1));
    clock[name] += 10_000;
    expect(freshness.isFresh(), name).toBe(true);
    clock[name] += 1;
    expect(freshness.isFresh(), name).toBe(false);
  }
});

test('beats keep coming but the consumer stands still: not fresh', () => {
  const clock = createClock();
  const freshness = new Freshness({ clock, limitMs: 10_000 });
  freshness.noteApplied(at(1));
  freshness.noteBeat(beat(clock, 1));
  for (let turn = 0; turn < 40; turn += 1) {
    advance(clock, 500);
    freshness.noteBeat(beat(clock, 2 + turn));
  }
  expect(freshness.isFresh()).toBe(false);
  freshness.noteApplied(at(41));
  expect(freshness.isFresh()).toBe(true);
});

test('beats that were read late, after the process stood still, count from when they were sent', () => {
  const clock = createClock();
  const freshness = new Freshness({ clock, limitMs: 10_000 });
  freshness.noteApplied(at(1));
  const old = beat(clock, 1);
  clock.wall += 30_000; // the monotonic clock of a suspended machine stands still
  freshness.noteBeat(old);
  expect(freshness.isFresh()).toBe(false);
});

test('a backlog of the relay makes what is applied older by its age', () => {
  const clock = createClock();
  const freshness = new Freshness({ clock, limitMs: 10_000 });
  freshness.noteApplied(at(1));
  freshness.noteBeat(beat(clock, 1, 9_000));
  expect(freshness.isFresh()).toBe(true);
  advance(clock, 1_001);
  expect(freshness.isFresh()).toBe(false);
});

test('a head of another epoch is never reached', () => {
  const clock = createClock();
  const freshness = new Freshness({ clock });
  freshness.noteApplied(at(9));
  freshness.noteBeat(beat(clock, 3, 0, 'epoch002'));
  expect(freshness.isFresh()).toBe(false);
});

test('a reset forgets everything', () => {
  const clock = createClock();
  const freshness = new Freshness({ clock });
  freshness.noteApplied(at(1));
  freshness.noteBeat(beat(clock, 1));
  freshness.reset();
  expect(freshness.isFresh()).toBe(false);
});
