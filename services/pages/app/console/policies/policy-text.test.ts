import { expect, test } from 'vitest';
import { entriesOf, formatRules, parseRules, summarize } from './policy-text.ts';
import type { RegisterView, SchemaView } from './policy-text.ts';

const authorization = { read: ['handlers'], update: [] };

test('rules are edited without what does not concern their target', () => {
  const policy = { authorization, properties: { mail: { read: ['handlers'] } }, roles: [] };
  expect(JSON.parse(formatRules('schema', policy))).toEqual({ authorization, properties: policy.properties });
  expect(JSON.parse(formatRules('register', policy))).toEqual({ authorization, roles: [] });
  expect(JSON.parse(formatRules('schema', {}))).toEqual({ authorization: null, properties: {} });
});

test('says why a text is no JSON', () => {
  expect(parseRules('{"a":1}')).toEqual({ ok: true, value: { a: 1 } });
  expect(parseRules('{"a":')).toMatchObject({ ok: false, fault: expect.stringMatching(/JSON/) });
});

test.each([
  [{}, 'no rules of its own'],
  [{ authorization: { roles: { editor: ['staff'] } } }, 'no rules of its own'],
  [{ authorization, properties: { mail: {} } }, 'rules for read, update; 1 property with rules'],
  [
    {
      authorization: null,
      roles: [
        { name: 'a', actions: [] },
        { name: 'b', actions: [] },
      ],
    },
    '2 roles',
  ],
])('%j is summarized as %j', (policy, expected) => {
  expect(summarize(policy)).toBe(expected);
});

test('schemas stand below their register, and what has no title is named by its slug', () => {
  const register = (slug: string): RegisterView => ({
    id: `${slug}-id`,
    slug,
    title: '',
    description: '',
    version: 1,
  });
  const schema = (slug: string, of: string): SchemaView => ({
    id: `${slug}-id`,
    slug,
    register: of,
    table: slug,
    title: slug.toUpperCase(),
    description: '',
    properties: {},
    required: [],
    version: 1,
  });
  const entries = entriesOf(
    [register('b'), register('a')],
    [schema('y', 'b'), schema('x', 'b'), schema('z', 'a-id')],
  );
  expect(entries.map(({ target, path, title }) => [target, path, title])).toEqual([
    ['register', 'a', 'a'],
    ['schema', 'a/z', 'Z'],
    ['register', 'b', 'b'],
    ['schema', 'b/x', 'X'],
    ['schema', 'b/y', 'Y'],
  ]);
});
