import { expect, test } from 'vitest';
import { and, canonical, compare, exists, NEVER, NOW, oneOf } from './condition.ts';
import { evaluate } from './evaluate.ts';
import { fieldTypesOf } from './field-types.ts';
import { parseMatch } from './rule-match.ts';
import { fieldsOf, substitute, usesNow } from './substitute.ts';

const types = fieldTypesOf({
  status: { type: 'string' },
  priority: { type: 'integer' },
  publishFrom: { type: 'string', format: 'date-time' },
});
const alice = { organisation: 'org-a', userId: 'alice' };
const read = (match: unknown) => substitute(parseMatch(match, types).condition, alice);

test('members are joined by AND, and so are the operators of one member', () => {
  expect(read({ status: 'open', priority: { $gte: 1, $lte: 5 } })).toEqual(
    and(compare('eq', 'status', 'open'), compare('gte', 'priority', 1), compare('lte', 'priority', 5)),
  );
});

test('knows every operator', () => {
  expect(read({ priority: { $eq: 1 } })).toEqual(compare('eq', 'priority', 1));
  expect(read({ priority: { $ne: 1 } })).toEqual(compare('ne', 'priority', 1));
  expect(read({ priority: { $gt: 1 } })).toEqual(compare('gt', 'priority', 1));
  expect(read({ priority: { $lt: 1 } })).toEqual(compare('lt', 'priority', 1));
  expect(read({ status: { $in: ['a', 'b'] } })).toEqual(oneOf('in', 'status', ['b', 'a']));
  expect(read({ status: { $nin: ['a', 'b'] } })).toEqual(oneOf('nin', 'status', ['a', 'b']));
  expect(read({ status: { $exists: false } })).toEqual(exists('status', false));
  expect(read({ status: null })).toEqual(exists('status', false));
});

test('variables stand for who asks, as a whole value or operand', () => {
  for (const name of ['$organisation', '$activeOrganisation']) {
    expect(read({ _organisation: name })).toEqual(compare('eq', '_organisation', 'org-a'));
  }
  for (const name of ['$userId', '$user']) {
    expect(read({ assignee: { $eq: name } })).toEqual(compare('eq', 'assignee', 'alice'));
  }
  expect(read({ assignee: { $in: ['$userId', 'team'] } })).toEqual(
    oneOf('in', 'assignee', ['alice', 'team']),
  );
});

test('a variable without a value makes its condition false, a negative one too', () => {
  for (const match of [{ a: '$userId' }, { a: { $ne: '$userId' } }, { a: { $nin: ['$userId', 'x'] } }]) {
    expect(substitute(parseMatch(match, types).condition, { organisation: 'org-a' })).toBe(NEVER);
  }
});

test('a rule before substitution matches no row', () => {
  const { condition } = parseMatch({ status: { $nin: ['$userId', 'x'] } }, types);
  expect(evaluate(condition as never, { status: 'y' })).toBe(false);
  const equal = parseMatch({ status: { $ne: '$userId' } }, types);
  expect(evaluate(equal.condition as never, { status: 'y' })).toBe(false);
});

test('the time stays symbolic, so that no canonical text holds it', () => {
  const condition = read({ publishFrom: { $lte: '$now' }, status: 'open' });
  expect(condition).toEqual(and(compare('lte', 'publishFrom', NOW), compare('eq', 'status', 'open')));
  expect(usesNow(condition)).toBe(true);
  expect(canonical(condition)).toContain('now');
  expect(usesNow(read({ status: 'open' }))).toBe(false);
  expect(fieldsOf(condition)).toEqual(new Set(['publishFrom', 'status']));
});

test('a date-time property compares as a moment', () => {
  const condition = read({ publishFrom: { $gt: '2026-03-01T12:00:00+01:00' } });
  expect(evaluate(condition, { publishFrom: '2026-03-01T11:00:00.001Z' })).toBe(true);
  expect(evaluate(condition, { publishFrom: '2026-03-01T11:00:00Z' })).toBe(false);
});

test.each<readonly [string, unknown]>([
  ['an unknown operator', { status: { $regex: 'x' } }],
  ['a member that is no operator', { status: { nested: 1 } }],
  ['no operator at all', { status: {} }],
  ['a bare list', { status: ['a', 'b'] }],
  ['an unknown variable', { status: '$organization' }],
  ['an unknown variable in a negation', { status: { $ne: '$organization' } }],
  ['a list operator without a list', { status: { $nin: 'a' } }],
  ['exists without a boolean', { status: { $exists: 'yes' } }],
  ['the time against a property that is no moment', { status: { $gt: '$now' } }],
  ['the time in a list', { publishFrom: { $in: ['$now'] } }],
  ['a text that is no moment', { publishFrom: { $gt: 'yesterday' } }],
  ['an empty match', {}],
  ['no object', 'status'],
  ['null', null],
])('%s makes the whole rule match nothing and is reported', (_what, match) => {
  const parsed = parseMatch(match, types);
  expect(parsed.condition).toBe(NEVER);
  expect(parsed.problems).toHaveLength(1);
});

test('one wrong member denies the right ones beside it', () => {
  const parsed = parseMatch({ status: 'open', priority: { $around: 3 } }, types);
  expect(parsed.condition).toBe(NEVER);
  expect(parsed.problems).toEqual([{ field: 'priority', message: expect.stringContaining('$around') }]);
});
