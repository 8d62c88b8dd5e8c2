import { expect, test } from 'vitest';
import { TestSink, createTestScheduler } from '../../test/fan-out-builder.ts';
import { MemberSet } from './class-set.ts';
import type { Connection } from './connection.ts';
import { Delivery } from './delivery.ts';
import type { DeliveryOptions } from './delivery.ts';

const WIRE = { wire: 'sse', subscription: '', principalId: 'p' } as const;

function createBench(spec: Partial<DeliveryOptions> = {}) {
  const scheduler = createTestScheduler();
  const state = { evaluated: 0, fresh: true };
  const delivery = new Delivery({
    scheduler,
    control: {
      position: (_, sequence) => Buffer.from(`[${sequence}]`),
      resync: (_, reason, sequence) => Buffer.from(`<${reason} ${sequence}>`),
    },
    evaluated: () => state.evaluated,
    fresh: () => state.fresh,
    joinWindowMs: 20,
    sliceSize: 100,
    heartbeatIntervalMs: 10_000,
    budget: { maxQueuedBytes: 100, maxQueuedEvents: 10, stallMs: 30_000 },
    ...spec,
  });
  const set = new MemberSet();
  let names = 0;
  return {
    delivery,
    scheduler,
    state,
    open: (): { connection: Connection; sink: TestSink } => {
      const sink = new TestSink();
      const connection = delivery.addConnection({ id: `k${(names += 1)}`, sink, tick: 0, ...WIRE });
      set.add(connection);
      return { connection, sink };
    },
    push: (...sequences: readonly number[]): void => {
      for (const sequence of sequences) {
        delivery.push(set, 0, { sequence, source: set, bytes: Buffer.from(`${sequence}.`) });
        state.evaluated = sequence;
        delivery.endEvent();
      }
      if (state.fresh) scheduler.settle();
    },
  };
}

const text = (sink: TestSink): string => Buffer.concat(sink.written).toString();

test('tells a quiet connection the position once in its interval, and a busy one nothing', () => {
  const { scheduler, state, open, push } = createBench();
  const { sink } = open();
  state.evaluated = 5;
  scheduler.advance(10_000);
  expect(text(sink)).toBe('[5]');
  for (let second = 0; second < 9; second += 1) {
    push(10 + second);
    scheduler.advance(1000);
  }
  scheduler.advance(1000);
  expect(text(sink)).toBe('[5]10.11.12.13.14.15.16.17.18.');
});

test('spreads heartbeats over their interval', () => {
  const { scheduler, open, delivery } = createBench();
  const sinks = Array.from({ length: 1000 }, () => open().sink);
  scheduler.advance(5000);
  let worst = 0;
  for (let turn = 0; turn < 100; turn += 1) {
    const before = delivery.counters.heartbeats;
    scheduler.advance(100);
    worst = Math.max(worst, delivery.counters.heartbeats - before);
  }
  expect(worst).toBeLessThanOrEqual(11);
  expect(sinks.filter(({ written }) => written.length > 0).length).toBeGreaterThan(980);
});

test('goes round over connections that come and go without leaving any out', () => {
  const { scheduler, open, delivery } = createBench();
  const stay = Array.from({ length: 50 }, () => open().sink);
  for (let second = 0; second < 20; second += 1) {
    const { connection } = open();
    scheduler.advance(1000);
    delivery.removeConnection(connection);
  }
  expect(stay.every(({ written }) => written.length >= 1)).toBe(true);
});

test('never lets a position pass frames that are still owed', () => {
  const { scheduler, open, push, state } = createBench({ sliceSize: 1 });
  const first = open();
  const { sink } = open();
  state.evaluated = 3;
  push(4);
  scheduler.advance(10_000);
  expect(text(sink)).toBe('4.[4]');
  expect(text(first.sink)).toBe('4.[4]');
});

test('a connection over its budget that drains is told once to fetch again, and goes on from there', () => {
  const { open, push, scheduler, delivery } = createBench();
  const { sink } = open();
  const other = open();
  sink.stalled = true;
  for (let sequence = 1; sequence <= 60; sequence += 1) push(sequence);
  const before = text(sink);
  expect(before).toBe(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11'].map((n) => `${n}.`).join(''));
  sink.queued = 60;
  scheduler.advance(10_000);
  expect(text(sink)).toBe(before);
  sink.queued = 0;
  sink.stalled = false;
  push(61);
  push(62);
  expect(text(sink)).toBe(`${before}<behind 61>62.`);
  expect(text(other.sink).split('.').length).toBe(63);
  expect(delivery.counters).toMatchObject({ resyncs: 1, resets: 0 });
});

test('the budget counts bytes as well as events', () => {
  const { open, push } = createBench({
    budget: { maxQueuedBytes: 20, maxQueuedEvents: 1000, stallMs: 30_000 },
  });
  const { sink } = open();
  sink.stalled = true;
  for (let sequence = 100; sequence < 120; sequence += 1) push(sequence);
  expect(text(sink)).toBe('100.101.102.103.104.105.');
});

test('resumes a connection that drained while nothing happened', () => {
  const { open, push, scheduler, state } = createBench();
  const { sink } = open();
  sink.stalled = true;
  for (let sequence = 1; sequence <= 20; sequence += 1) push(sequence);
  sink.queued = 0;
  sink.stalled = false;
  state.evaluated = 25;
  scheduler.advance(10_000);
  expect(text(sink).endsWith('<behind 25>')).toBe(true);
});

test('resets what does not drain at all, and not what drains slowly', () => {
  const { open, push, scheduler, delivery } = createBench();
  const [dead, slow] = [open(), open()];
  dead.sink.stalled = slow.sink.stalled = true;
  push(1, 2, 3);
  for (let second = 0; second < 45; second += 1) {
    scheduler.advance(1000);
    if (second % 10 === 0) slow.sink.queued -= 1;
    scheduler.settle();
  }
  expect([dead.sink.resets, slow.sink.resets]).toEqual([1, 0]);
  expect(delivery.counters.resets).toBe(1);
  push(4);
  expect(text(dead.sink)).not.toContain('4.');
});

test('bytes that a replay wrote beside delivery are progress too', () => {
  const { open, push, scheduler } = createBench();
  const { sink } = open();
  sink.stalled = true;
  push(1);
  sink.queued = 90;
  for (let second = 0; second < 60; second += 1) {
    scheduler.advance(1000);
    if (second % 15 === 0) sink.queued -= 1;
    scheduler.settle();
  }
  expect(sink.resets).toBe(0);
});

test('a stream that refuses a write is reset, and the others get theirs', () => {
  const { open, push, scheduler } = createBench();
  const [broken, whole] = [open(), open()];
  broken.sink.refuses = true;
  push(1);
  scheduler.settle();
  push(2);
  expect(broken.sink.resets).toBe(1);
  expect(text(whole.sink)).toBe('1.2.');
});

test('keeps live frames during a replay and releases those after it, without gap or repeat', () => {
  const { delivery, open, push, scheduler } = createBench();
  const { connection, sink } = open();
  delivery.hold(connection);
  push(1, 2, 3, 4);
  scheduler.advance(10_000);
  expect(text(sink)).toBe('');
  sink.write(Buffer.from('replay '));
  delivery.release(connection, 2);
  push(5);
  expect(text(sink)).toBe('replay 3.4.5.');
});

test('a cursor ahead of this process waits for it, and is not taken back by a heartbeat', () => {
  const { delivery, open, push, scheduler, state } = createBench();
  const { connection, sink } = open();
  state.evaluated = 1;
  delivery.hold(connection);
  delivery.release(connection, 4);
  push(2);
  scheduler.advance(10_000);
  push(3, 4, 5);
  push(6);
  expect(text(sink)).toBe('5.6.');
});

test('a replay that cannot keep up with the live events ends in one resync', () => {
  const { delivery, open, push, scheduler } = createBench();
  const { connection, sink } = open();
  delivery.hold(connection);
  for (let sequence = 1; sequence <= 30; sequence += 1) push(sequence);
  expect(connection.held?.frames).toEqual([]);
  delivery.release(connection, 5);
  scheduler.settle();
  push(31);
  expect(text(sink)).toBe('<behind 30>31.');
});

test('a resync takes the place of what was owed, and later events follow it', () => {
  const { delivery, open, push, scheduler, state } = createBench();
  const { connection, sink } = open();
  state.fresh = false;
  push(1, 2);
  delivery.resync(connection, 'rights-changed');
  state.fresh = true;
  scheduler.advance(100);
  push(3);
  expect(text(sink)).toBe('<rights-changed 2>3.');
});

test('writes nothing at all while the process is stale, and loses nothing by it', () => {
  const { delivery, open, push, scheduler, state } = createBench();
  const { connection, sink } = open();
  push(1);
  state.fresh = false;
  push(2, 3);
  scheduler.settle();
  scheduler.advance(60_000);
  delivery.settle(connection);
  scheduler.settle();
  expect(text(sink)).toBe('1.');
  state.fresh = true;
  scheduler.advance(100);
  scheduler.settle();
  expect(text(sink)).toBe('1.2.3.');
});

test('a removed connection is owed nothing', () => {
  const { delivery, open, push, state, scheduler } = createBench();
  const { connection, sink } = open();
  state.fresh = false;
  push(1);
  delivery.assign(0);
  delivery.removeConnection(connection);
  state.fresh = true;
  scheduler.advance(1000);
  scheduler.settle();
  expect(text(sink)).toBe('');
});
