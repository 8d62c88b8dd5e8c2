import { expect, test } from 'vitest';
import { TestSink, createTestScheduler } from '../../test/fan-out-builder.ts';
import type { TestScheduler } from '../../test/fan-out-builder.ts';
import { MemberSet } from './class-set.ts';
import type { Frame } from './class-set.ts';
import { createConnection } from './connection.ts';
import type { Connection } from './connection.ts';
import { Tick } from './flush.ts';

interface Bench {
  readonly tick: Tick;
  readonly scheduler: TestScheduler;
  readonly connect: (...sets: readonly MemberSet[]) => Connection;
  /** Sequences that left on a connection, one list per write. */
  readonly left: (connection: Connection) => number[][];
  readonly push: (set: MemberSet, ...sequences: readonly number[]) => void;
  readonly allow: (may: boolean) => void;
}

function createBench(options: { windowMs?: number; sliceSize?: number } = {}): Bench {
  const scheduler = createTestScheduler();
  const writes = new Map<Connection, number[][]>();
  let evaluated = 0;
  let may = true;
  const tick = new Tick({
    windowMs: options.windowMs ?? 0,
    sliceSize: options.sliceSize ?? 100,
    scheduler,
    evaluated: () => evaluated,
    deliver: (connection, node) => {
      const frames = node.frames();
      expect(node.bytes().toString()).toBe(frames.map(({ sequence }) => `${sequence} `).join(''));
      writes.get(connection)?.push(frames.map(({ sequence }) => sequence));
    },
    mayDeliver: () => may,
  });
  return {
    tick,
    scheduler,
    connect: (...sets) => {
      const opening = {
        id: 'k',
        principalId: 'p',
        sink: new TestSink(),
        wire: 'sse',
        subscription: '',
        tick: 0,
      } as const;
      const connection = createConnection(opening, 0);
      writes.set(connection, []);
      for (const set of sets) set.add(connection);
      return connection;
    },
    left: (connection) => writes.get(connection) ?? [],
    push: (set, ...sequences) => {
      for (const sequence of sequences) {
        tick.push(set, frame(sequence, set));
        evaluated = sequence;
        tick.endEvent();
      }
    },
    allow: (allowed) => {
      may = allowed;
      if (allowed) tick.resume();
    },
  };
}

const frame = (sequence: number, source: object): Frame => ({
  sequence,
  source,
  bytes: Buffer.from(`${sequence} `),
});

test('joins what one turn brings into one write, in the order of the log over all classes', () => {
  const { scheduler, connect, left, push } = createBench();
  const [a, b, c] = [new MemberSet(), new MemberSet(), new MemberSet()];
  const [inA, inAb, inAbc] = [connect(a), connect(a, b), connect(c, b, a)];
  push(b, 1);
  push(a, 2, 3);
  push(b, 4);
  push(a, 5);
  push(c, 6);
  expect(left(inA)).toEqual([]);
  scheduler.settle();
  expect(left(inA)).toEqual([[2, 3, 5]]);
  expect(left(inAb)).toEqual([[1, 2, 3, 4, 5]]);
  expect(left(inAbc)).toEqual([[1, 2, 3, 4, 5, 6]]);
});

test('shares one buffer among all connections with the same dirty classes', () => {
  const { tick, connect, push, scheduler } = createBench();
  const [a, b] = [new MemberSet(), new MemberSet()];
  const connections = Array.from({ length: 5 }, () => connect(a, b));
  push(a, 1);
  push(b, 2);
  tick.assign();
  const nodes = new Set(connections.map(({ node }) => node));
  expect(nodes.size).toBe(1);
  scheduler.settle();
});

test('pays what a slice still owes before anything later is written', () => {
  const { scheduler, connect, left, push } = createBench({ sliceSize: 1 });
  const set = new MemberSet();
  const connections = Array.from({ length: 4 }, () => connect(set));
  push(set, 1);
  scheduler.turn();
  expect(connections.map((connection) => left(connection).length)).toEqual([1, 0, 0, 0]);
  push(set, 2);
  while (scheduler.turn());
  for (const connection of connections) expect(left(connection).flat()).toEqual([1, 2]);
});

test('lets a small broadcast pass a large one that has begun', () => {
  const { scheduler, connect, left, push } = createBench({ sliceSize: 2 });
  const [large, small] = [new MemberSet(), new MemberSet()];
  const many = Array.from({ length: 100 }, () => connect(large));
  const one = connect(small);
  push(large, 1);
  scheduler.turn();
  push(small, 2);
  for (let turn = 0; turn < 3; turn += 1) scheduler.turn();
  expect(left(one)).toEqual([[2]]);
  expect(many.filter((connection) => left(connection).length > 0).length).toBeLessThan(20);
  scheduler.settle();
  expect(many.every((connection) => left(connection).length === 1)).toBe(true);
});

test('cuts a burst, so that frames waiting for the end of a tick are bounded', () => {
  const { connect, left, push } = createBench({ windowMs: 1000 });
  const set = new MemberSet();
  const connection = connect(set);
  for (let sequence = 1; sequence <= 3000; sequence += 1) push(set, sequence);
  expect(left(connection).map((write) => write.length)).toEqual([1024, 1024]);
});

test('joins for its window and no longer', () => {
  const { scheduler, connect, left, push } = createBench({ windowMs: 20 });
  const set = new MemberSet();
  const connection = connect(set);
  push(set, 1);
  scheduler.advance(19);
  push(set, 2);
  expect(left(connection)).toEqual([]);
  scheduler.advance(1);
  expect(left(connection)).toEqual([[1, 2]]);
});

test('writes nothing while it may not, and everything in order afterwards', () => {
  const { scheduler, connect, left, push, allow, tick } = createBench({ sliceSize: 1 });
  const [a, b] = [new MemberSet(), new MemberSet()];
  const [first, second] = [connect(a), connect(b, a)];
  push(a, 1);
  tick.assign();
  allow(false);
  push(b, 2);
  tick.flush();
  push(a, 3);
  tick.flush();
  scheduler.settle();
  scheduler.advance(1000);
  tick.settle(first);
  expect([left(first), left(second)]).toEqual([[], []]);
  allow(true);
  scheduler.settle();
  expect([left(first), left(second)]).toEqual([[[1, 3]], [[1, 2, 3]]]);
});

test('names a position that no frame still to be paid is behind', () => {
  const { tick, scheduler, connect, push } = createBench({ windowMs: 20 });
  const set = new MemberSet();
  connect(set);
  push(set, 7);
  push(new MemberSet(), 8);
  expect(tick.position).toBe(0);
  scheduler.advance(20);
  expect(tick.position).toBe(8);
});

test('replaces a class frame by the answer of a connection of its own, and only there', () => {
  const { tick, scheduler, connect, left, push } = createBench();
  const set = new MemberSet();
  const [owner, other, alone] = [connect(set), connect(set), connect()];
  push(set, 1, 2, 3);
  const own = { sequence: 2, source: set, bytes: null };
  tick.override(owner, own);
  tick.override(owner, { sequence: 3, source: {}, bytes: Buffer.from('3 ') });
  tick.override(alone, { sequence: 2, source: set, bytes: Buffer.from('2 ') });
  tick.endEvent();
  scheduler.settle();
  expect(left(owner)).toEqual([[1, 3, 3]]);
  expect(left(other)).toEqual([[1, 2, 3]]);
  expect(left(alone)).toEqual([[2]]);
});

test('pays what is owed to many one by one in slices too', () => {
  const { tick, scheduler, connect, left } = createBench({ sliceSize: 10 });
  const connections = Array.from({ length: 25 }, () => connect());
  for (const connection of connections) tick.owe(connection, [frame(1, connection)]);
  const paid = (): number => connections.filter((connection) => left(connection).length > 0).length;
  const steps = [0, 1, 2].map(() => {
    scheduler.turn();
    return paid();
  });
  expect(steps).toEqual([10, 20, 25]);
  tick.owe(connections[0] ?? connect(), [frame(2, tick)]);
  scheduler.settle();
  expect(left(connections[0] ?? connect())).toEqual([[1], [2]]);
});

test('lets members leave a set from any place in it', () => {
  const set = new MemberSet();
  const { connect } = createBench();
  const connections = Array.from({ length: 5 }, () => connect());
  const seats = connections.map((connection) => set.add(connection));
  for (const index of [0, 3, 1, 4, 2]) {
    const seat = seats[index];
    if (seat !== undefined) set.remove(seat);
    expect(set.members).not.toContain(connections[index]);
  }
  expect(set.members).toEqual([]);
});
