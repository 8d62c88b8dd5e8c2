import { expect, test } from 'vitest';
import type { GraphqlRequest } from './document.ts';
import { events, refusals } from '../test/example-subscription.ts';

test.each<[string, string, RegExp]>([
  ['a query', '{ zaken { totalCount } }', /^BAD_REQUEST: Only subscriptions/],
  ['a mutation', 'mutation { createZaak(input: {}) { _uuid } }', /^BAD_REQUEST: Only subscriptions/],
  ['no operation', 'fragment F on MeldingenEvent { titel }', /^BAD_REQUEST: The document has no operation/],
  [
    'definitions of types',
    'subscription { meldingenEvents { titel } } type A { a: Int }',
    /"A" definition is not executable/,
  ],
  [
    'several root fields',
    'subscription { meldingenEvents { titel } zakenEvents { naam } }',
    /must select only one top level field/,
  ],
  [
    'one root field under two names',
    'subscription { a: meldingenEvents { titel } b: meldingenEvents { titel } }',
    /only one top level field/,
  ],
  [
    'a root field with another in a fragment',
    'subscription { meldingenEvents { titel } ...F } fragment F on Subscription { zakenEvents { naam } }',
    /only one top level field/,
  ],
  ['the name of the root', 'subscription { __typename }', /introspection top level field/],
  [
    'the schema',
    'subscription { __schema { types { name } } }',
    /introspection top level field|Cannot query field/,
  ],
  [
    'a conditional root field',
    'subscription { meldingenEvents @include(if: true) { titel } }',
    /`@skip` or `@include` directives in the top level/,
  ],
  [
    'a field that is not there',
    events('{ titul }'),
    /Cannot query field "titul" on type "MeldingenEvent". Did you mean "titel"/,
  ],
  [
    'a relation',
    events('{ zaakObject { naam } }'),
    /Cannot query field "zaakObject" on type "MeldingenEvent"/,
  ],
  ['a field of a property', events('{ titel { x } }'), /must not have a selection/],
  ['no selection', 'subscription { meldingenEvents }', /must have a selection of subfields/],
  ['a fragment on another type', events('{ ... on ZakenEvent { naam } }'), /Unknown type "ZakenEvent"/],
  [
    'a fragment on an input',
    events('{ ... on MeldingenFilter { titel } }'),
    /cannot condition on non composite type/,
  ],
  ['a fragment on its object', events('{ ... on Meldingen { titel } }'), /can never be of type/],
  [
    'a fragment in itself',
    `${events('{ ...F }')} fragment F on MeldingenEvent { ...F }`,
    /Cannot spread fragment "F" within itself/,
  ],
  ['a fragment that is not there', events('{ ...F }'), /Unknown fragment "F"/],
  ['two meanings under one name', events('{ a: titel a: status }'), /Fields "a" conflict/],
  [
    'an argument that is not there',
    'subscription { meldingenEvents(since: 1) { titel } }',
    /Unknown argument "since"/,
  ],
  [
    'a condition on a field that is not there',
    events('{ titel }', '{titul: "x"}'),
    /"MeldingenFilter" not to include unknown field "titul"/,
  ],
  [
    'a condition on what only events have',
    events('{ titel }', '{_event: "CREATED"}'),
    /unknown field "_event"/,
  ],
  ['a text without quotes', events('{ titel }', '{status: nieuw}'), /A text has quotes: "nieuw"/],
  [
    'an event that is not there',
    'subscription { meldingenEvents(events: [LEFT]) { titel } }',
    /Value "LEFT" does not exist/,
  ],
  ['no events', 'subscription { meldingenEvents(events: []) { titel } }', /'events' names at least one/],
  ['a directive that is not there', events('{ titel @upper }'), /Unknown directive "@upper"/],
  ['deferred fields', events('{ ... @defer { titel } }'), /@defer/],
  ['a variable that is not declared', events('{ titel }', '{status: $s}'), /Variable "\$s" is not defined/],
  [
    'a variable in an operator that is not declared',
    events('{ titel }', '{status: {in: [$s]}}'),
    /Variable "\$s" is not defined/,
  ],
  [
    'a variable of a type that is not there',
    'subscription ($s: Text) { meldingenEvents(filter: {status: $s}) { titel } }',
    /Unknown type "Text"/,
  ],
  [
    'a variable of another type',
    'subscription ($f: StringFilter) { meldingenEvents(filter: $f) { titel } }',
    /of type "StringFilter" used in position expecting type "MeldingenFilter"/,
  ],
  [
    'a variable that nothing uses',
    'subscription ($s: String) { meldingenEvents { titel } }',
    /Variable "\$s" is never used/,
  ],
])('refuses %s', (_, query, message) => {
  const said = refusals({ query });
  expect(said.join('\n')).toMatch(message);
  expect(said.filter((each) => !each.startsWith('BAD_REQUEST: '))).toEqual([]);
});

test.each<[string, unknown]>([
  ['no document', {}],
  ['a document that is no text', { query: 5 }],
  ['variables that are none', { query: events('{ titel }'), variables: 'x' }],
  ['an operation without a name for it', { query: events('{ titel }'), operationName: ['A'] }],
])('refuses %s', (_, request) => {
  expect(refusals(request as GraphqlRequest).join()).toMatch(/^BAD_REQUEST: /);
});

test.each<[string, GraphqlRequest]>([
  ['a long document', { query: events(`{ titel } # ${'x'.repeat(20_000)}`) }],
  [
    '10,000 aliases',
    { query: events(`{ ${Array.from({ length: 10_000 }, (_, index) => `a${index}: titel`).join(' ')} }`) },
  ],
  [
    '1,000 aliases',
    { query: events(`{ ${Array.from({ length: 660 }, (_, index) => `a${index}:titel`).join(' ')} }`) },
  ],
  ['a huge list', { query: events('{ titel }', `{status: {in: [${'1,'.repeat(5000)}]}}`) }],
  ['huge variables', { query: events('{ titel }'), variables: { a: 'x'.repeat(100_000) } }],
  [
    'deep variables',
    {
      query: events('{ titel }'),
      variables: { a: JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) as unknown },
    },
  ],
  [
    'many root fields',
    {
      query: `query Q { ${Array.from({ length: 21 }, (_, index) => `f${index}`).join(' ')} } ${events('{ titel }').replace('subscription', 'subscription S')}`,
      operationName: 'S',
    },
  ],
])('refuses %s as too complex', (_, request) => {
  expect(refusals(request)[0]).toMatch(/^QUERY_TOO_COMPLEX: /);
});

test('tells ten errors of a document at most, each of them short', () => {
  const wrong = Array.from({ length: 100 }, (_, index) => `${'x'.repeat(100)}${index}`).join(' ');
  const said = refusals({ query: events(`{ ${wrong} }`) });
  expect(said.length).toBeLessThanOrEqual(11);
  expect(refusals({ query: events(`{ ${'x'.repeat(15_000)} }`) })[0]?.length).toBeLessThan(600);
});
