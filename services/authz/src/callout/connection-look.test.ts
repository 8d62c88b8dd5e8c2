import { createManualClock } from '@tidewire/service-kit';
import { expect, test } from 'vitest';
import { LOOK_AT_ALL, LaterLook, NO_LOOK, isEmptyLook, mergeLooks } from './connection-look.ts';
import type { ConnectionLook } from './connection-look.ts';

const at = (...names: string[]): ConnectionLook => ({ names: new Set(names), all: false });

test('few are looked for by their names, many by a look at all', () => {
  expect(mergeLooks(at('a'), at('b', 'a'))).toEqual(at('a', 'b'));
  expect(mergeLooks(at('a'), LOOK_AT_ALL)).toEqual(LOOK_AT_ALL);
  const many = at(...Array.from({ length: 20 }, (_, index) => String(index)));
  expect(mergeLooks(many, at('0'))).toEqual(many);
  expect(mergeLooks(many, at('20'))).toEqual(LOOK_AT_ALL);
  expect([NO_LOOK, at(), LOOK_AT_ALL, at('a')].map(isEmptyLook)).toEqual([true, true, false, false]);
});

test('a later look comes never before its time, and what came meanwhile has a look of its own', () => {
  const clock = createManualClock();
  const looks: ConnectionLook[] = [];
  const later = new LaterLook(clock, 1000, (look) => looks.push(look));
  later.add(at('a'));
  clock.advance(999);
  later.add(at('b'));
  later.add(at('c'));
  expect(looks).toEqual([]);
  clock.advance(1);
  expect(looks).toEqual([at('a')]);
  clock.advance(999);
  expect(looks).toHaveLength(1);
  clock.advance(1);
  expect(looks).toEqual([at('a'), at('b', 'c')]);
  clock.advance(10_000);
  expect(looks).toHaveLength(2);
  later.add(at('d'));
  later.cancel();
  clock.advance(10_000);
  expect(looks).toHaveLength(2);
});
