import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { and, compare, exists, matchText, NEVER, NOW, oneOf, or, type Condition } from './condition.ts';
import { evaluate } from './evaluate.ts';
import { indexKey } from './index-key.ts';

test('takes the conjunct whose field has most distinct values', () => {
  const condition = and(
    compare('eq', 'status', 'open'),
    oneOf('in', 'assignee', ['a', 'b']),
    compare('gt', 'n', 1),
  );
  const weigh = (field: string): number => (field === 'assignee' ? 1000 : 3);
  expect(indexKey(condition, weigh)).toEqual([{ field: 'assignee', values: ['a', 'b'] }]);
  expect(indexKey(condition)).toEqual([{ field: 'status', values: ['open'] }]);
});

test('a disjunction has a key only if every branch has one', () => {
  const a = compare('eq', 'status', 'open');
  expect(indexKey(or(a, compare('eq', 'assignee', 'me')))).toEqual([
    { field: 'assignee', values: ['me'] },
    { field: 'status', values: ['open'] },
  ]);
  expect(indexKey(or(a, oneOf('in', 'status', ['new', 'open'])))).toEqual([
    { field: 'status', values: ['open', 'new'] },
  ]);
  expect(indexKey(or(a, exists('assignee', false)))).toBeUndefined();
});

test.each<readonly [string, Condition]>([
  ['inequality', compare('ne', 'a', 1)],
  ['order', compare('lt', 'a', 1)],
  ['moments', compare('eq', 'a', 1, 'instant')],
  ['the time', compare('eq', 'a', NOW)],
  ['parts of texts', matchText('contains', 'a', 'x')],
  ['every row', and()],
])('%s cannot be found through an index', (_what, condition) => {
  expect(indexKey(condition)).toBeUndefined();
});

test('what matches nothing is found nowhere', () => {
  expect(indexKey(NEVER)).toEqual([]);
});

test('every row that meets a condition is found through one of its keys', () => {
  const field = fc.constantFrom('a', 'b');
  const value = fc.constantFrom<string | number | boolean>(0, 1, '0', 'x', true);
  const leaf: fc.Arbitrary<Condition> = fc.oneof(
    fc.tuple(fc.constantFrom('eq', 'ne', 'lt'), field, value).map(([op, name, v]) => compare(op, name, v)),
    fc.tuple(fc.constantFrom('in', 'nin'), field, fc.array(value)).map(([op, name, v]) => oneOf(op, name, v)),
  );
  const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie('condition'), { maxLength: 3 }).map((terms) => and(...terms)),
      fc.array(tie('condition'), { maxLength: 3 }).map((terms) => or(...terms)),
    ),
  }));
  fc.assert(
    fc.property(condition, fc.dictionary(field, value), (wanted, row) => {
      const keys = indexKey(wanted);
      if (keys === undefined || !evaluate(wanted, row)) return;
      expect(
        keys.some((key) => Object.hasOwn(row, key.field) && key.values.includes(row[key.field] ?? '')),
      ).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
