import { ALWAYS, canonical, evaluate } from '@tidewire/condition';
import type { Topic } from '@tidewire/contract';
import { RightsView } from '@tidewire/policy';
import { ANONYMOUS } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import { organisation, person, policyOf, register, schemaOf } from '@tidewire/test-kit';
import type { Person } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { resolveFilter } from './resolve-filter.ts';
import { coveredSchemas, resolveTopics } from './resolve-topics.ts';

const home = organisation('thuis');
const above = organisation('boven');
const child = { ...home, parent: above.id };
const elsewhere = organisation('elders');
const zaken = register('zaken');
const meldingen = schemaOf(zaken, 'meldingen');
const dossiers = { ...schemaOf(zaken, 'dossiers'), properties: { naam: { type: 'string' as const } } };
const open = register('open');
const nieuws = schemaOf(open, 'nieuws');
const closed = register('dicht');
const verborgen = schemaOf(closed, 'verborgen');
const alice = person('alice', home, []);
const stranger = person('stranger', elsewhere, []);
const admin = person('admin', elsewhere, [], true);

function viewWith(...people: readonly Person[]): RightsView {
  const view = new RightsView();
  view.loadState(
    [
      above,
      child,
      elsewhere,
      zaken,
      meldingen,
      dossiers,
      open,
      nieuws,
      closed,
      verborgen,
      ...[zaken, open, closed].map(({ id }) => policyOf('register', id, {})),
      policyOf('schema', meldingen.id, {}, { geheim: { read: ['directie'] } }),
      policyOf('schema', dossiers.id, {}),
      policyOf('schema', nieuws.id, { read: ['public'] }),
      policyOf('schema', verborgen.id, { read: ['directie'], create: ['directie'] }),
    ],
    1,
  );
  for (const { principal, credential } of people) {
    expect(view.hold({ principal, credential, position: { sequence: 1 } }, 0)).toMatchObject({ ok: true });
  }
  return view;
}

const readerOf = ({ principal, credential }: Person): Reader => ({
  principalId: principal.id,
  credentialId: credential.id,
});

const topics = {
  register: { kind: 'register', register: 'zaken' },
  schema: { kind: 'schema', register: 'zaken', schema: 'meldingen' },
  open: { kind: 'register', register: 'open' },
  closed: { kind: 'register', register: 'dicht' },
  hidden: { kind: 'schema', register: 'dicht', schema: 'verborgen' },
  own: { kind: 'organisation', uuid: home.id },
  parent: { kind: 'organisation', uuid: above.id },
  other: { kind: 'organisation', uuid: elsewhere.id },
  object: { kind: 'object', uuid: '550e8400-e29b-41d4-a716-446655440000' },
} as const satisfies Record<string, Topic>;

test.each([
  ['alice', alice, ['register', 'schema', 'open', 'own', 'parent', 'object']],
  ['a stranger', stranger, ['register', 'schema', 'open', 'other', 'object']],
  [
    'an administrator',
    admin,
    ['register', 'schema', 'open', 'closed', 'hidden', 'own', 'parent', 'other', 'object'],
  ],
  ['an anonymous reader', undefined, ['open', 'object']],
] as const)('%s may subscribe to exactly its topics', (_, who, allowed) => {
  const view = viewWith(...(who === undefined ? [] : [who]));
  const reader = who === undefined ? ANONYMOUS : readerOf(who);
  for (const [name, topic] of Object.entries(topics)) {
    const resolve = (): unknown => resolveTopics(view, reader, [topic]);
    if ((allowed as readonly string[]).includes(name)) expect(resolve(), name).toHaveLength(1);
    else expect(resolve, name).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  }
});

test('a reader that is not held any more may subscribe to nothing that exists', () => {
  const view = viewWith(alice);
  view.release(alice);
  expect(() => resolveTopics(view, readerOf(alice), [topics.register])).toThrow('There is no topic');
});

const filterOf = (
  query: string,
  topic: Topic,
  fields?: readonly string[],
): ReturnType<typeof resolveFilter> => {
  const view = viewWith(alice);
  const interests = resolveTopics(view, readerOf(alice), [topic]);
  const wish = { filter: [...new URLSearchParams(query)], fields };
  return resolveFilter(view, readerOf(alice), wish, coveredSchemas(view, interests));
};

test('no filter is no condition', () => {
  expect(filterOf('', topics.register)).toBe(ALWAYS);
});

test('a filter over several schemas covers those that have its fields', () => {
  const filter = filterOf('filter[status]=open', topics.register);
  const row = { _register: 'zaken', status: 'open' };
  expect(evaluate(filter, { ...row, _schema: 'meldingen' })).toBe(true);
  expect(evaluate(filter, { ...row, _schema: 'dossiers' })).toBe(false);
  expect(canonical(filterOf('filter[status]=open', topics.schema))).toBe('["eq","status","open"]');
});

test('an unreadable field is refused in the words for an absent one, in filter and fields', () => {
  for (const [query, fields] of [
    ['filter[geheim]=x', undefined],
    ['', ['geheim']],
  ] as const) {
    const there = (): unknown => filterOf(query, topics.schema, fields);
    expect(there).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_FIELD', message: `Unknown field 'geheim'` }),
    );
  }
  expect(() => filterOf('filter[nergens]=x', topics.object)).toThrow(`Unknown field 'nergens'`);
});
