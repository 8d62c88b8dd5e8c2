import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { objectType, register } from '../test/example-catalogue.ts';
import { GraphqlCatalogue } from './schema.ts';
import { readSubscription } from './subscription.ts';

const names = [
  'titel',
  'status',
  'a_b',
  '_uuid',
  '_event',
  '_eventId',
  '_changed',
  '_version',
  '__typename',
] as const;
const properties = Object.fromEntries(
  ['titel', 'status', 'a b'].map((name) => [name, { type: 'string' as const }]),
);
const registers = [register('zaken')];
const catalogue = new GraphqlCatalogue({ registers, schemas: [objectType('meldingen', 1, { properties })] });

/** A field with the name that the client gives it; each client's name has one meaning. */
const anyField = fc
  .tuple(fc.constantFrom(...names), fc.constantFrom('', 'x', 'y'))
  .map(([name, prefix]) =>
    prefix === ''
      ? { key: name, text: name }
      : { key: `${prefix}${name}`, text: `${prefix}${name}: ${name}` },
  );
type Field = { readonly key: string; readonly text: string };

/** How fields may be written, without a change of what they say. */
const anyWriting = fc.array(
  fc.constantFrom('plain', 'inline', 'typed', 'named', 'twice', 'included', 'nested'),
  {
    minLength: 30,
    maxLength: 30,
  },
);

function write(fields: readonly Field[], writing: readonly string[]): string {
  const fragments: string[] = [];
  const parts = fields.map(({ text }, index) => {
    switch (writing[index]) {
      case 'inline':
        return `... { ${text} }`;
      case 'typed':
        return `... on MeldingenEvent { ${text} }`;
      case 'named':
        fragments.push(`fragment F${index} on MeldingenEvent { ${text} }`);
        return `...F${index}`;
      case 'twice':
        // Said again later on: the first place counts.
        return `${text} ... { ${fields
          .slice(0, index)
          .toReversed()
          .map((each) => each.text)
          .join(' ')} ${text} }`;
      case 'included':
        return `${text} @include(if: true) skipped: _owner @skip(if: true)`;
      case 'nested':
        return `... { ... on MeldingenEvent { ... @skip(if: false) { ${text} } } }`;
      default:
        return text;
    }
  });
  return `subscription { meldingenEvents { ${parts.join(', ')} } } ${fragments.join(' ')}`;
}

function keyOf(query: string, from = catalogue): string {
  const read = readSubscription(from, () => true, { query });
  if (!read.ok) throw new Error(read.errors.map(({ message }) => message).join());
  return read.subscription.selection.key;
}

test('selections that read alike have one key, however they are written; all others have keys of their own', () => {
  const some = fc.uniqueArray(anyField, { minLength: 1, maxLength: 5, selector: ({ key }) => key });
  fc.assert(
    fc.property(some, some, anyWriting, anyWriting, (one, other, writing, rewriting) => {
      expect(keyOf(write(one, writing))).toBe(keyOf(write(one, rewriting)));
      const same = one.map(({ key }) => key).join() === other.map(({ key }) => key).join();
      expect(keyOf(write(one, writing)) === keyOf(write(other, writing))).toBe(same);
    }),
    { numRuns: 300 },
  );
});

test('another order, another name and another name of the root are other bytes', () => {
  const keys = [
    'subscription { meldingenEvents { titel status } }',
    'subscription { meldingenEvents { status titel } }',
    'subscription { meldingenEvents { titel: status status: titel } }',
    'subscription { meldingenEvents { titel s: status } }',
    'subscription { changes: meldingenEvents { titel status } }',
    'subscription { meldingenEvents { titel } }',
  ].map((query) => keyOf(query));
  expect(new Set(keys).size).toBe(keys.length);
});

test('filters, events and the name of the operation are no part of the key', () => {
  const plain = keyOf('subscription { meldingenEvents { titel } }');
  expect(keyOf('subscription A { meldingenEvents(filter: {titel: "x"}, events: CREATED) { titel } }')).toBe(
    plain,
  );
});

test('a field whose values would be encoded otherwise has another key', () => {
  const as = (property: object): string =>
    keyOf(
      'subscription { meldingenEvents { titel } }',
      new GraphqlCatalogue({
        registers,
        schemas: [objectType('meldingen', 1, { properties: { titel: property as never } })],
      }),
    );
  const kinds = [
    { type: 'string' },
    { type: 'string', format: 'uuid' },
    { type: 'integer' },
    { type: 'array' },
    { type: 'object' },
  ];
  expect(new Set(kinds.map(as)).size).toBe(kinds.length);
});

test('no name of a client can imitate the key of another selection', () => {
  // Names hold letters, digits and `_` only; the key is JSON all the same.
  const key = keyOf('subscription { a: meldingenEvents { b: titel } }');
  expect(JSON.parse(key)).toEqual(['a', [['b', 'property', 'titel', 'String', 'false']]]);
});
