import { expect, test } from 'vitest';
import { and, compare, empty, exists, matchText, NOW, oneOf, type Condition } from './condition.ts';
import { evaluateDuring } from './during.ts';
import { evaluate, type Row } from './evaluate.ts';

const row: Row = {
  status: 'open',
  priority: 3,
  done: false,
  tags: ['a', 1, true],
  none: null,
  until: '2026-03-01T13:00:00+01:00',
  _version: 2,
};

const cases: readonly (readonly [claim: string, Condition, boolean])[] = [
  ['a number equals the same number', compare('eq', 'priority', 3), true],
  ['a text that looks like a number is no number', compare('eq', 'priority', '3'), false],
  ['a value of another type is not unequal either', compare('ne', 'priority', '4'), false],
  ['an absent value is not unequal to anything', compare('ne', 'missing', 'x'), false],
  ['an absent value is outside of no list', oneOf('nin', 'missing', ['x', 'y']), false],
  ['a value of the type of the list can be outside of it', oneOf('nin', 'status', ['x', 'y']), true],
  ['null is absence', exists('none', true), false],
  ['null is empty', empty('none', true), true],
  ['false is a value', exists('done', true), true],
  ['false is not empty', empty('done', true), false],
  ['a boolean equals itself', compare('eq', 'done', false), true],
  ['texts are ordered', compare('gt', 'status', 'closed'), true],
  ['a list contains its elements, each with its type', matchText('contains', 'tags', 1), true],
  ['a list does not contain a text for its number', matchText('contains', 'tags', '1'), false],
  ['a list equals nothing', compare('eq', 'tags', 'a'), false],
  ['a text contains a part', matchText('contains', 'status', 'pe'), true],
  ['texts are case-sensitive', matchText('startsWith', 'status', 'O'), false],
  ['an end is an end', matchText('endsWith', 'status', 'en'), true],
  [
    'moments are compared as moments',
    compare('eq', 'until', Date.parse('2026-03-01T12:00:00Z'), 'instant'),
    true,
  ],
  ['a text that is no moment is neither before nor after', compare('ne', 'status', 0, 'instant'), false],
  ['inherited members are no fields', exists('toString', true), false],
  ['system members are fields', compare('lt', '_version', 3), true],
];

test.each(cases)('%s', (_claim, condition, expected) => {
  expect(evaluate(condition, row)).toBe(expected);
});

test('__proto__ and constructor are names like any other', () => {
  const odd = JSON.parse('{"__proto__":"x","constructor":1}') as Row;
  expect(evaluate(and(compare('eq', '__proto__', 'x'), compare('eq', 'constructor', 1)), odd)).toBe(true);
  expect(evaluate(exists('__proto__', true), {})).toBe(false);
});

test('the time is the one of the judgement, and without it nothing matches', () => {
  const visible = compare('gt', 'until', NOW);
  const noon = Date.parse('2026-03-01T12:00:00Z');
  expect(evaluate(visible, row, { now: noon - 1 })).toBe(true);
  expect(evaluate(visible, row, { now: noon })).toBe(false);
  expect(evaluate(visible, row)).toBe(false);
});

test('a row that was visible for a while within a span was visible during it', () => {
  const at = (minute: number): number => Date.parse('2026-03-01T12:00:00Z') + minute * 60_000;
  const window = and(compare('lte', 'from', NOW), compare('gt', 'until', NOW));
  const shown = { from: '2026-03-01T12:10:00Z', until: '2026-03-01T12:20:00Z' };
  expect(evaluateDuring(window, shown, at(0), at(60))).toBe(true);
  expect(evaluateDuring(window, shown, at(0), at(5))).toBe(false);
  expect(evaluateDuring(window, shown, at(20), at(60))).toBe(false);
  expect(evaluateDuring(window, shown, at(0), at(10))).toBe(true);
  expect(evaluateDuring(compare('eq', 'from', NOW), shown, at(0), at(60))).toBe(true);
  expect(evaluateDuring(compare('gt', 'from', NOW), shown, at(0), at(60))).toBe(true);
  expect(evaluateDuring(window, { from: shown.until, until: shown.from }, at(0), at(60))).toBe(false);
});
