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
  meansTheSame({ status: { eq: null } }, term('status', 'isNull'));
  meansTheSame({ tags: { ne: null } }, term('tags', 'isNotNull'));
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

test('is as deep as the limit, and no deeper', () => {
  const nest = (depth: number, group: string): unknown => {
    let filter: unknown = { status: { in: ['a'] } };
    for (let level = 0; level < depth; level += 1) filter = { [group]: [filter] };
    return filter;
  };
  expect(parseFieldFilter(nest(8, '_and'), types).ok).toBe(true);
  expect(parseFieldFilter(nest(9, '_and'), types).ok).toBe(false);
});

test.each(['groups', 'lists', 'objects'])(
  'refuses nests of %s without end, and does not run out of stack',
  (kind) => {
    let value: unknown = {};
    for (let depth = 0; depth < 100_000; depth += 1) {
      value = kind === 'groups' ? { _and: [value] } : kind === 'lists' ? [value] : { eq: value };
    }
    const parsed = parseFieldFilter(kind === 'groups' ? value : { status: value }, types);
    expect(parsed.ok ? '' : parsed.problems.map(({ message }) => message).join()).toBe(
      'A filter is nested at most 8 deep',
    );
  },
);

test('members that objects have from birth are no conditions', () => {
  const inherits = Object.create({ status: 'x' }) as object;
  expect(parseFieldFilter(inherits, types)).toEqual(parseFieldFilter({}, types));
  expect(parseFieldFilter(JSON.parse('{"__proto__":{"status":"x"}}'), types).ok).toBe(false);
});

test('a refusal repeats no more than the beginning of what was sent', () => {
  for (const filter of [{ status: { ['o'.repeat(4000)]: 1 } }, { priority: 'x'.repeat(4000) }]) {
    const parsed = parseFieldFilter(filter, types);
    expect(parsed.ok ? '' : parsed.problems.map(({ message }) => message).join()).toMatch(/^.{1,250}$/);
  }
});
