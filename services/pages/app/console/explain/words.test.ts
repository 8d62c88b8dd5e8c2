import type { EventExplanation } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { describeDelivery, nameOutcome, nameRows, nameStep } from './words.ts';

const bob = { id: 'bob', name: 'Bob', admin: false, activeOrganisation: null, organisations: [], groups: [] };
const answer = (delivered: boolean, transition: EventExplanation['transition']): string =>
  describeDelivery({ delivered, transition, principal: bob });

test('says what an event is to somebody', () => {
  expect(answer(false, null)).toBe('bob is not told of it');
  expect(answer(true, 'left')).toBe('bob is told that the object went out of view');
  expect(answer(true, null)).toBe('bob is told of it');
});

test('words of a newer server are shown as they are', () => {
  expect([nameStep('tenant'), nameOutcome('stops'), nameRows('own')]).toEqual([
    'Organisation',
    'stops it',
    'only its own rows',
  ]);
  const newer = 'quota' as never;
  expect([nameStep(newer), nameOutcome(newer), nameRows(newer)]).toEqual(['quota', 'quota', 'quota']);
});
