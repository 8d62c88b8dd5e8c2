import { expect, test } from 'vitest';
import { canonical } from './condition.ts';
import { parseFieldFilter } from './field-filter.ts';
import { fieldTypesOf } from './field-types.ts';
import { parseTableFilter } from './table-filter.ts';

const types = fieldTypesOf({
  status: { type: 'string' },
  priority: { type: 'integer' },
  due: { type: 'string', format: 'date-time' },
  tags: { type: 'array', items: { type: 'string' } },
  constructor: { type: 'string' },
});

/** The same filter in the tables' dialect. */
function meansTheSame(filter: unknown, table: unknown): void {
  const [one, other] = [parseFieldFilter(filter, types), parseTableFilter(table, types)];
  if (!one.ok || !other.ok) throw new Error('one of the two was refused');
  expect(canonical(one.condition)).toBe(canonical(other.condition));
}

const term = (field: string, operator: string, value?: unknown): unknown => ({ field, operator, value });

test('a value is equality, an object its operators, and all of them hold', () => {
  meansTheSame({ status: 'new' }, term('status', 'eq', 'new'));
  meansTheSame({ status: 'new', priority: { gte: 2, lt: 5 } }, [
    term('status', 'eq', 'new'),
    { and: [term('priority', 'gte', 2), term('priority', 'lt', 5)] },
  ]);
  meansTheSame({ status: { in: ['a', 'b'] } }, term('status', 'in', ['a', 'b']));
  meansTheSame({ due: { gt: '2026-03-01T12:00:00Z' } }, term('due', 'gt', '2026-03-01T12:00:00Z'));
  meansTheSame({ tags: { contains: 'x' } }, term('tags', 'contains', 'x'));
  meansTheSame({ constructor: 'x' }, term('constructor', 'eq', 'x'));
});

test('null is a field without a value', () => {
  meansTheSame({ status: null }, term('status', 'isNull'));
});

test('groups hold filters', () => {
  meansTheSame(
    { _or: [{ status: 'a' }, { _and: [{ priority: 1 }, { status: 'b' }] }] },
    {
      or: [term('status', 'eq', 'a'), { and: [term('priority', 'eq', 1), term('status', 'eq', 'b')] }],
    },
  );
  meansTheSame({}, '');
});

test.each([
  [{ secret: 1 }, 'Unknown field'],
  [{ secret: null }, 'Unknown field'],
  [{ toString: 'x' }, 'Unknown field'],
  [{ status: { like: 'x' } }, 'Unknown operator'],
  [{ status: { toString: 'x' } }, 'Unknown operator'],
  [{ status: { in: 'x' } }, 'takes a list'],
  [{ status: [] }, 'compared with a text'],
  [{ priority: 'many' }, 'a whole number'],
  [{ _or: [] }, 'at least one'],
  [{ _and: {} }, 'takes a list'],
  [[], 'an object'],
  ['status:eq:x', 'an object'],
  [{ status: { in: Array.from({ length: 101 }, () => 'x') } }, 'at most 100 values'],
  [{ status: 'x'.repeat(5000) }, 'at most 4096 bytes'],
])('refuses %j', (filter, message) => {
  const parsed = parseFieldFilter(filter, types);
  expect(parsed.ok ? '' : parsed.problems.map((problem) => problem.message).join()).toContain(message);
});

test('refuses nests without end', () => {
  let filter: unknown = {};
  for (let depth = 0; depth < 20; depth += 1) filter = { _and: [filter] };
  expect(parseFieldFilter(filter, types).ok).toBe(false);
});
