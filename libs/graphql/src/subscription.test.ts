import { expect, test } from 'vitest';
import { keysOf, meldingen, refusals, subscription } from '../test/example-subscription.ts';

test("reads the document's sample", () => {
  const read = subscription(
    'subscription { meldingenEvents(filter:{status:"nieuw"}) { _uuid titel status } }',
  );
  expect(read.schemaId).toBe(meldingen);
  expect(read.filter).toEqual({ status: 'nieuw' });
  expect(read.actions).toBeUndefined();
  expect(read.selection.response).toBe('meldingenEvents');
  expect(read.selection.fields.map(({ key, means }) => [key, means.kind])).toEqual([
    ['_uuid', 'system'],
    ['titel', 'property'],
    ['status', 'property'],
  ]);
});

test('tells what was selected under the names that the client chose, and what each means', () => {
  const { selection } = subscription(`subscription {
    changes: meldingenEvents { id: _uuid _event _eventId _changed what: __typename b: a_b _version constructor }
  }`);
  expect(selection.response).toBe('changes');
  expect(
    selection.fields.map(({ key, means }) => [key, means.kind, 'name' in means ? means.name : undefined]),
  ).toEqual([
    ['id', 'system', '_uuid'],
    ['_event', 'transition', undefined],
    ['_eventId', 'event-id', undefined],
    ['_changed', 'changed', undefined],
    ['what', 'typename', undefined],
    ['b', 'property', 'a b'],
    ['_version', 'system', '_version'],
    ['constructor', 'property', 'constructor'],
  ]);
  const changed = selection.fields.find(({ key }) => key === '_changed')?.means;
  expect(changed?.kind === 'changed' ? changed.names.get('a b') : undefined).toBe('a_b');
});

test('puts fragments in their places, named, inline and nested, wherever they are', () => {
  const query = `
    subscription { ...Root }
    fragment Root on Subscription { ... on Subscription { ... { meldingenEvents { _uuid ...More ... { ... { status } } } } } }
    fragment More on MeldingenEvent { titel ... on MeldingenEvent { ...Most } }
    fragment Most on MeldingenEvent { prioriteit titel }
  `;
  expect(keysOf(query)).toEqual(['_uuid', 'titel', 'prioriteit', 'status']);
});

test('merges what is selected twice, also of the root', () => {
  const twice = 'subscription { meldingenEvents { titel _uuid titel } meldingenEvents { titel status } }';
  expect(keysOf(twice)).toEqual(['titel', '_uuid', 'status']);
});

test.each<[string, string, Record<string, boolean>, Record<string, boolean>]>([
  ['titel @skip(if: $v)', '$v: Boolean!', { v: true }, { v: false }],
  ['titel @include(if: $v)', '$v: Boolean!', { v: false }, { v: true }],
  ['titel @include(if: $v)', '$v: Boolean! = false', {}, { v: true }],
  [
    'titel @skip(if: $v) @include(if: $w)',
    '$v: Boolean!, $w: Boolean!',
    { v: true, w: true },
    { v: false, w: true },
  ],
  [
    'titel @skip(if: $v) @include(if: $w)',
    '$v: Boolean!, $w: Boolean!',
    { v: false, w: false },
    { v: false, w: true },
  ],
  ['... @include(if: $v) { titel }', '$v: Boolean!', { v: false }, { v: true }],
  ['... on MeldingenEvent @skip(if: $v) { titel }', '$v: Boolean!', { v: true }, { v: false }],
  ['...F @skip(if: $v)', '$v: Boolean!', { v: true }, { v: false }],
])('leaves %s out, or does not', (selection, declaration, without, withIt) => {
  const fragment = selection.includes('...F') ? 'fragment F on MeldingenEvent { titel }' : '';
  const query = `subscription (${declaration}) { meldingenEvents { _uuid ${selection} } } ${fragment}`;
  expect(keysOf(query, without)).toEqual(['_uuid']);
  expect(keysOf(query, withIt)).toEqual(['_uuid', 'titel']);
});

test('a selection of which conditions leave nothing is an empty one', () => {
  expect(keysOf('subscription { meldingenEvents { titel @skip(if: true) } }')).toEqual([]);
});

test('of several operations operationName says which is meant', () => {
  const query = `
    query Q { zaken { totalCount } }
    subscription A { meldingenEvents { titel } }
    subscription B ($s: String!) { zakenEvents(filter: {naam: $s}) { naam } }
  `;
  expect(subscription(query, { operationName: 'A' }).schemaId).toBe(meldingen);
  expect(subscription(query, { operationName: 'B', variables: { s: 'x' } }).filter).toEqual({ naam: 'x' });
  expect(refusals({ query })).toEqual(['BAD_REQUEST: Say with operationName which operation is meant']);
  expect(refusals({ query, operationName: 'C' })).toEqual(["BAD_REQUEST: There is no operation 'C'"]);
  expect(refusals({ query, operationName: 'Q' })).toEqual([
    'BAD_REQUEST: Only subscriptions here: queries and mutations go to /api/graphql',
  ]);
});
