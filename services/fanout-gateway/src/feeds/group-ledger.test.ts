import { formatEventId } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { Random } from '../../test/seeded-random.ts';
import { GroupLedger } from './group-ledger.ts';
import type { GroupItem } from './group-ledger.ts';

const id = (sequence: number): string => formatEventId({ epoch: 'k3v9z2pa', sequence });
const sequenceOf = (text: string | null): number => Number(text?.slice(-12) ?? 0);
const event = (sequence: number, object = `o${sequence}`): GroupItem => ({
  kind: 'event',
  position: { epoch: 'k3v9z2pa', sequence },
  object,
  body: Buffer.from('x'),
  judgedAt: 0,
});
const resync = (sequence: number): GroupItem => ({
  kind: 'resync',
  position: { epoch: 'k3v9z2pa', sequence },
  object: undefined,
  body: Buffer.from('x'),
  judgedAt: 0,
});

test('the place moves up to what is all done, and remembers what was done beyond it', () => {
  const ledger = new GroupLedger(id(10), []);
  for (const sequence of [11, 13, 15]) ledger.take(event(sequence));
  ledger.reached(id(20));
  const [first, second, third] = [ledger.give(), ledger.give(), ledger.give()];
  if (first === undefined || second === undefined || third === undefined) throw new Error('three are there');
  ledger.settle(second);
  expect([ledger.cursor, ledger.doneAhead]).toEqual([id(10), [id(13)]]);
  ledger.settle(first);
  expect([ledger.cursor, ledger.doneAhead]).toEqual([id(14), []]);
  ledger.settle(third);
  expect(ledger.cursor).toBe(id(20));
});

test('what was done before a gateway died is not given out again', () => {
  const ledger = new GroupLedger(id(10), [id(12)]);
  ledger.restarted();
  expect(ledger.start).toBe(id(10));
  for (const sequence of [11, 12, 13]) ledger.take(event(sequence));
  expect([ledger.give(), ledger.give(), ledger.give()].map((item) => item?.position.sequence)).toEqual([
    11,
    13,
    undefined,
  ]);
});

test('its changes tell whether there is anything to write', () => {
  const ledger = new GroupLedger(id(10), []);
  ledger.take(event(11));
  ledger.take(event(12));
  const [first, second] = [ledger.give(), ledger.give()];
  if (first === undefined || second === undefined) throw new Error('two are there');
  const { changes } = ledger;
  expect(changes).toBe(0);
  ledger.settle(second);
  const ahead = ledger.changes;
  expect(ahead).toBeGreaterThan(changes);
  ledger.settle(second);
  expect(ledger.changes).toBe(ahead);
  ledger.settle(first);
  expect(ledger.changes).toBeGreaterThan(ahead);
});

test('nothing is given out between something that came back and the restart of the source', () => {
  const ledger = new GroupLedger(id(10), []);
  ledger.take(event(11, 'same'));
  ledger.take(event(12, 'same'));
  const first = ledger.give();
  if (first !== undefined) ledger.giveBack(first);
  expect(ledger.give()).toBeUndefined();
  expect([ledger.incomplete, ledger.start]).toEqual([true, id(10)]);
  ledger.restarted();
  ledger.take(event(11, 'same'));
  expect(ledger.give()?.position.sequence).toBe(11);
});

test('the place waits for a resync to be done: nothing else would tell it again', () => {
  const ledger = new GroupLedger(id(10), []);
  ledger.take(event(11));
  const first = ledger.give();
  ledger.take(event(12));
  ledger.take(resync(30));
  ledger.take(event(31));
  if (first !== undefined) ledger.settle(first);
  expect(ledger.cursor).toBe(id(10));
  const fetch = ledger.give();
  expect(fetch?.kind).toBe('resync');
  const later = ledger.give();
  if (later !== undefined) ledger.settle(later);
  expect(ledger.cursor).toBe(id(10));
  if (fetch !== undefined) ledger.settle(fetch);
  expect(ledger.cursor).toBe(id(31));
});

test.each([
  ['comes back', (ledger: GroupLedger) => ledger.giveBack(ledger.give() ?? resync(0))],
  ['waits for long', (ledger: GroupLedger) => ledger.distrust()],
])('a resync at a place that is reached already is not lost when it %s', (_how, happen) => {
  const ledger = new GroupLedger(id(10), []);
  ledger.take(resync(10));
  happen(ledger);
  ledger.take(event(11));
  if (ledger.incomplete) ledger.restarted();
  expect(ledger.give()?.kind).toBe('resync');
});

test('a resync that is done leaves the last event before it in its hands', () => {
  const ledger = new GroupLedger(id(10), []);
  ledger.take(event(11));
  const held = ledger.give();
  ledger.take(resync(11));
  const fetch = ledger.give();
  if (fetch !== undefined) ledger.settle(fetch);
  expect(ledger.cursor).toBe(id(10));
  if (held !== undefined) ledger.settle(held);
  expect(ledger.cursor).toBe(id(11));
});

test('a late answer to what was given to somebody else is told apart from that of its holder', () => {
  const ledger = new GroupLedger(id(10), []);
  ledger.take(event(11));
  const first = ledger.give();
  if (first === undefined) throw new Error('one is there');
  ledger.giveBack(first);
  ledger.restarted();
  ledger.take(event(11));
  const second = ledger.give();
  ledger.settle(first);
  ledger.giveBack(first);
  expect([ledger.cursor, ledger.doneAhead, ledger.incomplete]).toEqual([id(10), [], false]);
  if (second !== undefined) ledger.settle(second);
  expect(ledger.cursor).toBe(id(11));
});

test.each(Array.from({ length: 20 }, (_, seed) => seed))(
  'whatever workers and gateways do, every event is done, in the order of its object (seed %i)',
  (seed) => {
    const numbers = new Random(seed);
    const random = (): number => numbers.next();
    const count = 60;
    const objects = Array.from({ length: count + 1 }, () => `o${Math.floor(random() * 8)}`);
    let ledger = new GroupLedger(id(0), []);
    let told = 0;
    let hands: GroupItem[] = [];
    const done: number[] = [];
    const isDone = new Set<number>();
    const tell = (upTo: number): void => {
      for (; told < upTo; told += 1) ledger.take(event(told + 1, objects[told + 1]));
      ledger.reached(id(told));
    };
    const restart = (): void => {
      ledger.restarted();
      told = sequenceOf(ledger.start);
    };
    const steps: readonly (() => void)[] = [
      () => tell(Math.min(count, told + 1 + Math.floor(random() * 5))),
      () => {
        const item = ledger.give();
        if (item === undefined) return;
        expect(hands.some(({ object }) => object === item.object)).toBe(false);
        hands.push(item);
      },
      () => {
        const [item] = hands.splice(Math.floor(random() * hands.length), 1);
        if (item === undefined) return;
        ledger.settle(item);
        done.push(item.position.sequence);
        isDone.add(item.position.sequence);
      },
      () => {
        if (random() > 0.2) return;
        const [item] = hands.splice(0, 1);
        if (item !== undefined) ledger.giveBack(item);
      },
      () => random() < 0.1 && ledger.distrust(),
      () => {
        // Its gateway dies; another one begins where the place was written last.
        if (random() > 0.05) return;
        ledger = new GroupLedger(ledger.cursor, ledger.doneAhead);
        hands = [];
        restart();
      },
    ];
    for (let step = 0; step < 20_000 && sequenceOf(ledger.cursor) < count; step += 1) {
      if (ledger.incomplete) restart();
      steps[Math.floor(random() * steps.length)]?.();
      const floor = sequenceOf(ledger.cursor);
      expect(Array.from({ length: floor }, (_, n) => n + 1).filter((each) => !isDone.has(each))).toEqual([]);
    }
    expect(sequenceOf(ledger.cursor)).toBe(count);
    const firsts = [...new Set(done)];
    for (const object of new Set(objects)) {
      const ofObject = firsts.filter((sequence) => objects[sequence] === object);
      expect(ofObject).toEqual(ofObject.toSorted((one, other) => one - other));
    }
    expect(done.length).toBe(firsts.length);
  },
);
