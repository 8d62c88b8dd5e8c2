import { expect, test } from 'vitest';
import { filterOf, refusals, subscription } from '../test/example-subscription.ts';

test.each<[string, string, string, Record<string, unknown> | undefined, unknown]>([
  [
    'a value',
    '',
    '{status: "a", prioriteit: 3, titel: null}',
    undefined,
    { status: 'a', prioriteit: 3, titel: null },
  ],
  ['operators', '', '{prioriteit: {gte: 2, lt: 4}}', undefined, { prioriteit: { gte: 2, lt: 4 } }],
  [
    'groups',
    '',
    '{_or: [{status: "a"}, {_and: [{a_b: 1}]}]}',
    undefined,
    { _or: [{ status: 'a' }, { _and: [{ 'a b': 1 }] }] },
  ],
  ['a group of one', '', '{_or: {status: "a"}}', undefined, { _or: [{ status: 'a' }] }],
  ['a list of conditions', '', '{status: {in: ["a", "b"]}}', undefined, { status: { in: ['a', 'b'] } }],
  [
    'a variable for a filter',
    '$f: MeldingenFilter',
    '$f',
    { f: { status: 'a', _or: [{ a_b: { gt: 1 } }] } },
    { status: 'a', _or: [{ 'a b': { gt: 1 } }] },
  ],
  ['a variable for a filter, not given', '$f: MeldingenFilter', '$f', {}, undefined],
  ['a variable for a filter, null', '$f: MeldingenFilter', '$f', { f: null }, undefined],
  ['a default', '$f: MeldingenFilter = {status: "a"}', '$f', {}, { status: 'a' }],
  ['a default that is replaced', '$f: MeldingenFilter = {status: "a"}', '$f', { f: {} }, {}],
  [
    'a variable for a condition',
    '$s: StringFilter',
    '{status: $s}',
    { s: { in: ['a'] } },
    { status: { in: ['a'] } },
  ],
  ['a variable of the type of the field', '$s: String', '{status: $s}', { s: 'a' }, { status: 'a' }],
  ['one that must be given', '$s: String!', '{status: $s}', { s: 'a' }, { status: 'a' }],
  ['a number', '$n: Int', '{prioriteit: $n}', { n: 3 }, { prioriteit: 3 }],
  ['one that is not given', '$s: String', '{status: $s}', {}, {}],
  ['one that is null', '$s: String', '{status: $s}', { s: null }, { status: null }],
  ['one with a default', '$s: String = "b"', '{status: $s}', {}, { status: 'b' }],
  ['one in an operator', '$s: String', '{status: {ne: $s}}', { s: 'a' }, { status: { ne: 'a' } }],
  ['one in an operator, not given', '$s: String', '{status: {ne: $s}}', {}, { status: {} }],
  ['one in an operator, by default', '$s: String = "b"', '{status: {ne: $s}}', {}, { status: { ne: 'b' } }],
  [
    'a list in an operator',
    '$l: [String!]!',
    '{status: {in: $l}}',
    { l: ['a', 'b'] },
    { status: { in: ['a', 'b'] } },
  ],
  [
    'ones in a list in an operator',
    '$s: String',
    '{status: {in: [$s, "b"]}}',
    { s: 'a' },
    { status: { in: ['a', 'b'] } },
  ],
  [
    'a list of filters',
    '$l: [MeldingenFilter!]',
    '{_or: $l}',
    { l: [{ status: 'a' }] },
    { _or: [{ status: 'a' }] },
  ],
  [
    'names that every object of JavaScript has',
    '$f: MeldingenFilter',
    '$f',
    { f: { toString: 'x' } },
    { toString: 'x' },
  ],
])('reads a filter from %s', (_, declaration, argument, variables, expected) => {
  const head = declaration === '' ? 'subscription' : `subscription (${declaration})`;
  expect(filterOf(`${head} { meldingenEvents(filter: ${argument}) { _uuid } }`, variables)).toEqual(expected);
});

test('a variable gives no field a value that was not sent', () => {
  const query = 'subscription ($f: MeldingenFilter) { meldingenEvents(filter: $f) { _uuid } }';
  const { filter } = subscription(query, { variables: { f: {} } });
  expect(Reflect.ownKeys(filter ?? { none: 1 })).toEqual([]);
});

test.each([
  ['[CREATED]', undefined, ['created']],
  ['[DELETED, CREATED, DELETED]', undefined, ['created', 'deleted']],
  ['UPDATED', undefined, ['updated']],
  ['null', undefined, undefined],
  ['$e', { e: ['UPDATED', 'CREATED'] }, ['created', 'updated']],
  ['$e', {}, undefined],
])('reads the events %s with %j', (argument, variables, expected) => {
  const head = argument === '$e' ? 'subscription ($e: [ObjectAction!])' : 'subscription';
  const query = `${head} { meldingenEvents(events: ${argument}) { _uuid } }`;
  expect(subscription(query, { variables }).actions).toEqual(expected);
});
test.each<[string, unknown, RegExp]>([
  [
    '$s: String!',
    undefined,
    /Variable "\$s" has invalid value: Expected a value of non-null type "String!" to be provided/,
  ],
  ['$s: String', 5, /Variable "\$s" has invalid value: String cannot represent a non string value: 5/],
  ['$s: UUID', 'x'.repeat(60_000), /^BAD_REQUEST: Variable "\$s" has invalid value.{0,600}$/],
  ['$s: SafeInt', 2 ** 53, /SafeInt cannot represent 9007199254740992/],
  ['$s: [String!]', ['a', null], /at \[1\]/],
  [
    '$s: MeldingenFilter',
    { x: 'y'.repeat(60_000) },
    /^BAD_REQUEST: Variable "\$s" has invalid value.{0,600}$/,
  ],
])('refuses for %s a value that is none', (declaration, value, message) => {
  const said = refusals({
    query: `subscription (${declaration}) { meldingenEvents(filter: {status: $s}) { titel } }`,
    variables: { s: value },
  });
  expect(said.join('\n')).toMatch(message);
});
