import type { CloudEvent } from '@tidewire/client';
import { expect, test } from 'vitest';
import {
  EMPTY_TAIL,
  KEPT_EVENTS,
  addEntries,
  clearTail,
  describeEvent,
  matching,
  pauseTail,
  resumeTail,
  toTailEvent,
  toTailGap,
} from './tail.ts';
import type { Tail } from './tail.ts';

function eventOf(sequence: number, data: Partial<CloudEvent['data']> = {}, action = 'updated'): CloudEvent {
  const uuid = '550e8400-e29b-41d4-a716-446655440000';
  return {
    specversion: '1.0',
    id: `evt-mwrd70tk-${String(sequence).padStart(12, '0')}`,
    source: 'https://tidewire.example',
    type: `nl.conduction.openregister.object.${action}`,
    time: '2026-03-21T12:00:00.000Z',
    subject: uuid,
    datacontenttype: 'application/json',
    sequence: String(sequence),
    data: { uuid, register: 'library', schema: 'books', ...data },
  };
}

function add(tail: Tail, ...sequences: readonly number[]): Tail {
  return addEntries(
    tail,
    sequences.map((sequence) => toTailEvent(eventOf(sequence))),
  );
}

const sequencesOf = (tail: Tail): number[] => tail.entries.map(({ id }) => Number(id.slice(-12)));
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

test('shows the newest first, and an event of two topics once', () => {
  const tail = add(add(EMPTY_TAIL, 1, 2), 2, 3, 3);
  expect(sequencesOf(tail)).toEqual([3, 2, 1]);
  expect(tail.seen).toBe(3);
});

test('keeps the newest 500 and no more', () => {
  const tail = add(add(EMPTY_TAIL, ...range(1, 400)), ...range(401, 700));
  expect(tail.entries).toHaveLength(KEPT_EVENTS);
  expect([sequencesOf(tail).at(0), sequencesOf(tail).at(-1), tail.seen]).toEqual([700, 201, 700]);
});

test('a pause holds what is shown, counts what comes, and shows it afterwards', () => {
  const paused = add(pauseTail(add(EMPTY_TAIL, 1)), 2, 3);
  expect([sequencesOf(paused), paused.waiting.length, paused.dropped]).toEqual([[1], 2, 0]);
  const resumed = resumeTail(paused);
  expect([sequencesOf(resumed), resumed.waiting.length, resumed.paused]).toEqual([[3, 2, 1], 0, false]);
});

test('a long pause keeps the newest of what came, and says how many are missing and where', () => {
  let tail = pauseTail(add(EMPTY_TAIL, 1));
  for (let from = 2; from < 602; from += 100) tail = add(tail, ...range(from, from + 99));
  expect([tail.waiting.length, tail.dropped]).toEqual([KEPT_EVENTS, 100]);
  const { entries } = resumeTail(tail);
  expect([entries.length, entries[0]?.id.slice(-3), entries.at(-1)]).toEqual([
    KEPT_EVENTS + 1,
    '601',
    expect.objectContaining({ kind: 'gap', reason: '100 came during the pause and were not kept' }),
  ]);
  expect(add(resumeTail(tail), 602).entries).toHaveLength(KEPT_EVENTS);
});

test('clearing takes away what is shown and not what waits', () => {
  const tail = clearTail(add(pauseTail(add(EMPTY_TAIL, 1)), 2));
  expect([tail.entries.length, tail.waiting.length, tail.paused]).toEqual([0, 1, true]);
});

test('a filter looks at the kind and at all text of an event; what is missing is always said', () => {
  const created = toTailEvent(eventOf(1, { object: { id: 'x', title: 'Wide Sargasso Sea' } }, 'created'));
  const entries = [toTailGap('behind', 'evt-mwrd70tk-000000000003'), created, toTailEvent(eventOf(2))];
  const kinds = new Set(['created', 'updated'] as const);
  expect(matching(entries, { kinds, text: ' sargasso ' }).map(({ kind }) => kind)).toEqual([
    'gap',
    'created',
  ]);
  expect(matching(entries, { kinds: new Set(['deleted']), text: '' }).map(({ kind }) => kind)).toEqual([
    'gap',
  ]);
  expect(matching(entries, { kinds, text: '' })).toHaveLength(3);
});

test.each([
  [{ changed: { title: { old: 'a', new: 'b' }, year: { old: 1, new: 2 } } }, 'updated', 'title, year'],
  [{ changed: {} }, 'updated', 'nothing that may be read'],
  [{ transition: 'entered' as const }, 'updated', 'came into view'],
  [{ transition: 'left' as const }, 'deleted', 'went out of view'],
  [{ object: { id: 'x' } }, 'created', ''],
])('%j of %s is described as %j', (data, action, expected) => {
  expect(describeEvent(toTailEvent(eventOf(1, data, action)))).toBe(expected);
});

test('of many changed properties some are named', () => {
  const changed = Object.fromEntries(range(1, 9).map((count) => [`p${count}`, { old: 1, new: 2 }]));
  expect(describeEvent(toTailEvent(eventOf(1, { changed })))).toBe('p1, p2, p3, p4, p5, p6 and 3 more');
});
