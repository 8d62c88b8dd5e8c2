import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALWAYS, and, compare, empty, exists, matchText, oneOf, or, type Condition } from './condition.ts';
import { fieldTypesOf } from './field-types.ts';
import { formatTableFilter } from './table-filter-format.ts';
import { parseTableFilter } from './table-filter.ts';

const types = fieldTypesOf({
  'status': { type: 'string' },
  'total': { type: 'number' },
  'count': { type: 'integer' },
  'paid': { type: 'boolean' },
  'due': { type: 'string', format: 'date-time' },
  'tags': { type: 'array', items: { type: 'string' } },
  'odd:name': { type: 'string' },
});
const nested = (depth: number): unknown =>
  depth === 0 ? { field: 'status', value: 'a' } : [nested(depth - 1)];
const noon = Date.parse('2026-03-01T12:00:00Z');

test.each<readonly [unknown, Condition]>([
  ['', ALWAYS],
  [[], ALWAYS],
  ['status:eq:processing', compare('eq', 'status', 'processing')],
  ['status:processing', compare('eq', 'status', 'processing')],
  ['status:equals:', compare('eq', 'status', '')],
  ['status:eq:http://x:80/a', compare('eq', 'status', 'http://x:80/a')],
  ['status:neq:new', compare('ne', 'status', 'new')],
  ['status:notEquals:new', compare('ne', 'status', 'new')],
  ['total:gt:1.5', compare('gt', 'total', 1.5)],
  ['count:greaterThanOrEqual:3', compare('gte', 'count', 3)],
  ['count:lessThan:3', compare('lt', 'count', 3)],
  ['count:lte:3', compare('lte', 'count', 3)],
  ['due:gte:2026-03-01T13:00:00+01:00', compare('gte', 'due', noon, 'instant')],
  ['updatedAt:gt:2026-03-01T12:00:00Z', compare('gt', '_updated', noon, 'instant')],
  ['createdAt:gt:2026-03-01T12:00:00Z', compare('gt', '_created', noon, 'instant')],
  ['id:eq:5b0d', compare('eq', '_uuid', '5b0d')],
  ['status:in:["a","b"]', oneOf('in', 'status', ['a', 'b'])],
  ['status:in:[]', oneOf('in', 'status', [])],
  ['count:notIn:[1,2]', oneOf('nin', 'count', [1, 2])],
  ['status:contains:x', matchText('contains', 'status', 'x')],
  ['status:startsWith:x', matchText('startsWith', 'status', 'x')],
  ['status:endsWith:x', matchText('endsWith', 'status', 'x')],
  ['tags:contains:x', matchText('contains', 'tags', 'x')],
  ['status:isEmpty', empty('status', true)],
  ['status:isNotEmpty', empty('status', false)],
  ['status:isNull:', exists('status', false)],
  ['status:isNotNull', exists('status', true)],
  ['paid:isTrue', compare('eq', 'paid', true)],
  ['paid:isFalse', compare('eq', 'paid', false)],
  ['paid:eq:false', compare('eq', 'paid', false)],
  [{ field: 'count', operator: 'gt', value: 3 }, compare('gt', 'count', 3)],
  [{ field: 'count', operator: 'gt', value: '3' }, compare('gt', 'count', 3)],
  [{ field: 'status', value: 'a' }, compare('eq', 'status', 'a')],
  [{ field: 'paid', operator: 'isTrue' }, compare('eq', 'paid', true)],
  [
    [
      { field: 'status', operator: 'eq', value: 'a' },
      { field: 'count', operator: 'lt', value: 2 },
    ],
    and(compare('eq', 'status', 'a'), compare('lt', 'count', 2)),
  ],
  [
    '{"or":[{"field":"status","operator":"equals","value":"a"},{"and":[{"field":"paid","operator":"isTrue"}]}]}',
    or(compare('eq', 'status', 'a'), compare('eq', 'paid', true)),
  ],
])('reads %j', (filter, condition) => {
  expect(parseTableFilter(filter, types)).toEqual({ ok: true, condition });
});

test.each<readonly [unknown, string, RegExp]>([
  ['status', 'filter', /field:operator:value/],
  ['status:like:x', 'status', /Unknown operator 'like'; known are eq equals/],
  ['nope:eq:x', 'nope', /Unknown field/],
  ['_updated:eq:x', '_updated', /date and time/],
  ['count:eq:many', 'count', /whole number/],
  ['count:in:1,2', 'count', /JSON list/],
  ['count:in:{}', 'count', /JSON list/],
  ['paid:gt:true', 'paid', /no order/],
  ['{"field":', 'filter', /not valid JSON/],
  [{ field: 'status', operator: 'eq' }, 'status', /compared with a text/],
  [{ field: 'status', operator: 'eq', value: { a: 1 } }, 'status', /compared with a text/],
  [{ field: 'status', operator: 'eq', value: 3 }, 'status', /compared with a text/],
  [{ and: 'x' }, 'filter', /takes a list/],
  [{ or: [] }, 'filter', /at least one/],
  [{ and: [], or: [] }, 'filter', /stands alone/],
  [7, 'filter', /made of/],
  [null, 'filter', /made of/],
  [`status:eq:${'x'.repeat(5000)}`, 'filter', /4096 bytes/],
  [Array.from({ length: 21 }, () => ({ field: 'status', value: 'a' })), 'status', /20 conditions/],
  [nested(9), 'filter', /nested/],
])('refuses %j', (filter, field, message) => {
  expect(parseTableFilter(filter, types)).toMatchObject({
    ok: false,
    problems: [{ field, message: expect.stringMatching(message) }],
  });
});

test('one condition is echoed as text, several as JSON', () => {
  const echo = (filter: unknown): string => {
    const parsed = parseTableFilter(filter, types);
    return parsed.ok ? formatTableFilter(parsed.condition) : 'refused';
  };
  expect(echo('status:equals:processing')).toBe('status:eq:processing');
  expect(echo({ field: 'updatedAt', operator: 'greaterThan', value: '2026-03-01T13:00:00+01:00' })).toBe(
    'updatedAt:gt:2026-03-01T12:00:00.000Z',
  );
  expect(echo('status:in:["b","a"]')).toBe('status:in:["a","b"]');
  expect(
    JSON.parse(
      echo([
        { field: 'paid', operator: 'isTrue' },
        { field: 'count', value: 1 },
      ]),
    ),
  ).toEqual({
    and: [
      { field: 'count', operator: 'eq', value: 1 },
      { field: 'paid', operator: 'eq', value: true },
    ],
  });
});

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom(' ', 'a:b', '{"a":1}', 'isNull', ' x '),
);
const comparison = fc.constantFrom('eq', 'ne', 'gt', 'gte', 'lt', 'lte');
const clientLeaf = fc.oneof(
  fc
    .tuple(comparison, fc.constantFrom('status', 'odd:name', '_uuid'), text)
    .map(([op, field, v]) => compare(op, field, v)),
  fc
    .tuple(comparison, fc.double({ noNaN: true, noDefaultInfinity: true }))
    .map(([op, v]) => compare(op, 'total', v)),
  fc
    .tuple(comparison, fc.integer({ min: 0, max: noon }))
    .map(([op, v]) => compare(op, '_updated', v, 'instant')),
  fc.boolean().map((value) => compare('eq', 'paid', value)),
  fc
    .tuple(fc.constantFrom('in', 'nin'), fc.array(text, { maxLength: 5 }))
    .map(([op, v]) => oneOf(op, 'status', v)),
  fc
    .tuple(fc.constantFrom('contains', 'startsWith', 'endsWith'), text)
    .map(([op, v]) => matchText(op, 'status', v)),
  fc.boolean().map((value) => exists('due', value)),
  fc.boolean().map((value) => empty('tags', value)),
);

test('every filter of a client reads back as the same condition', () => {
  const storable = (condition: Condition) => !JSON.stringify(condition).includes('\\u0000');
  const group = fc.array(clientLeaf, { maxLength: 4 });
  const filter = fc.oneof(
    clientLeaf,
    group.map((terms) => and(...terms)),
    group.map((terms) => or(...terms)),
  );
  fc.assert(
    fc.property(filter.filter(storable), (condition) => {
      expect(parseTableFilter(formatTableFilter(condition), types)).toEqual({ ok: true, condition });
    }),
    { numRuns: 500 },
  );
});
