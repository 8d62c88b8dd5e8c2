import { ERROR_CODES, GRAPHQL_ERROR_CODES } from '@tidewire/contract';
import { fieldTypesOf, parseFieldFilter } from '@tidewire/condition';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { catalogues, objectType, register } from '../test/example-catalogue.ts';
import type { GraphqlRequest } from './document.ts';
import { GraphqlCatalogue } from './schema.ts';
import { readSubscription } from './subscription.ts';

const properties = Object.fromEntries(
  ['titel', 'status', 'constructor'].map((name) => [name, { type: 'string' as const }]),
);
const catalogue = new GraphqlCatalogue({
  registers: [register('zaken')],
  schemas: [objectType('meldingen', 1, { properties }), objectType('zaken', 2)],
});
const types = fieldTypesOf(properties);
const CODES: ReadonlySet<unknown> = new Set([...Object.keys(ERROR_CODES), ...GRAPHQL_ERROR_CODES]);

/** Whatever comes in: a subscription that can be used, or errors that can be told. Never an exception. */
function check(request: unknown, from = catalogue): boolean {
  const read = readSubscription(from, (id) => !id.endsWith('2'), request as GraphqlRequest);
  if (read.ok) {
    const { schemaId, selection, filter } = read.subscription;
    expect(from.namesOf(schemaId)).toBeDefined();
    expect(schemaId.endsWith('2')).toBe(false);
    expect(typeof selection.key).toBe('string');
    // What comes of the filter is said by whoever knows what may be read; it does not throw either.
    if (filter !== undefined) parseFieldFilter(filter, types);
    return true;
  }
  expect(read.errors.length).toBeGreaterThan(0);
  expect(read.errors.length).toBeLessThanOrEqual(11);
  for (const error of read.errors) {
    expect(CODES.has(error.extensions['code'])).toBe(true);
    expect(error.message.length).toBeLessThan(600);
    expect(JSON.stringify(error).length).toBeLessThan(3000);
  }
  return false;
}

const documents = [
  'subscription { meldingenEvents ( filter : { status : "nieuw" } ) { _uuid titel status } }',
  'subscription S ( $f : MeldingenFilter = { titel : "a" } , $s : String , $e : [ ObjectAction ! ] ) { a : meldingenEvents ( filter : $f , events : $e ) { ...F ... on MeldingenEvent @skip ( if : true ) { _event } } } fragment F on MeldingenEvent { _uuid }',
  'subscription ( $s : String ! , $l : [ StringFilter ! ] ) { meldingenEvents ( filter : { _or : [ { status : { in : [ $s , "b" , null ] } } , { constructor : $s } ] } ) { constructor @include ( if : true ) } }',
  'query Q { zaken ( first : 5 ) { edges { node { titel } } } } subscription S { meldingenEvents ( events : [ CREATED , DELETED ] ) { __typename _changed } }',
  'mutation { deleteMelding ( id : "x" , version : 1 ) { _uuid } } fragment G on Subscription { zakenEvents { titel } }',
].map((text) => text.split(' '));
const words = [...new Set(documents.flat())];
const noise = [
  '',
  '{',
  '}',
  '[',
  '(',
  '...',
  '@',
  '$',
  '"',
  '"""',
  '#',
  '-1e999',
  '\u0000',
  '\ud83d',
  '__schema',
  '__proto__',
  'toString',
  'extend',
  'type',
  'input',
  '&',
  '|',
  '!',
  '=',
  'null',
  'on',
  '...G',
  '{...',
  '1'.repeat(400),
  'x'.repeat(300),
];

interface Change {
  readonly at: number;
  readonly kind: 'drop' | 'double' | 'swap' | 'replace' | 'insert';
  readonly word: string;
}

const anyChange: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(200),
  kind: fc.constantFrom('drop', 'double', 'swap', 'replace', 'insert'),
  word: fc.constantFrom(...words, ...noise),
});

function mutate(text: readonly string[], changes: readonly Change[]): string {
  const parts = [...text];
  for (const { at, kind, word } of changes) {
    const index = at % Math.max(1, parts.length);
    const here = parts[index] ?? '';
    if (kind === 'drop') parts.splice(index, 1);
    else if (kind === 'double') parts.splice(index, 0, here);
    else if (kind === 'swap') parts.splice(index, 2, parts[index + 1] ?? '', here);
    else if (kind === 'replace') parts[index] = word;
    else parts.splice(index, 0, word);
  }
  return parts.join(' ');
}

const anyVariables = fc.oneof(
  fc.constant({ f: { status: 'a' }, s: 'b', e: ['CREATED'], l: [] }),
  fc.constant(undefined),
  fc.record(
    {
      f: fc.oneof(fc.constantFrom({}, { titel: 'a' }, { _or: [{ status: { in: ['a'] } }] }), fc.jsonValue()),
      s: fc.oneof(fc.string(), fc.jsonValue()),
      e: fc.oneof(fc.constantFrom(['CREATED'], 'UPDATED', []), fc.jsonValue()),
      l: fc.jsonValue(),
    },
    { requiredKeys: [] },
  ),
  fc.jsonValue(),
);

test('no document, however it is mangled, is answered by anything but a subscription or errors with codes', () => {
  let read = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...documents),
      fc.array(anyChange, { maxLength: 3, size: '-1' }),
      fc.constantFrom(undefined, undefined, null, 'S', 'S', 'Q', ''),
      anyVariables,
      (text, changes, operationName, variables) => {
        if (check({ query: mutate(text, changes), operationName, variables })) read += 1;
      },
    ),
    { numRuns: 1500 },
  );
  // Not all of them were refused at the door.
  expect(read).toBeGreaterThan(10);
});

test('nor is any text, or any other value', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(fc.constantFrom(...words, ...noise), { maxLength: 60 }).map((parts) => parts.join(' ')),
        fc.anything(),
      ),
      (query) => {
        check({ query });
      },
    ),
    { numRuns: 1000 },
  );
});

test('nor a right document over any catalogue', () => {
  fc.assert(
    fc.property(catalogues(), fc.nat(), anyVariables, (random, pick, variables) => {
      const made = new GraphqlCatalogue(random);
      const id = random.schemas[pick % Math.max(1, random.schemas.length)]?.id ?? '';
      const names = made.namesOf(id);
      const fields = made.fieldsOf(id);
      if (names === undefined || fields === undefined) return;
      const own = fields.properties.map(({ field }) => field);
      const all = [...fields.system.map(({ field }) => field), ...own].join(' ');
      const conditions = own.map((field) => `${field}: {ne: "x"}`).join(', ');
      const right = check(
        {
          query: `subscription ($f: ${names.filter}) { a: ${names.events}(filter: $f) { ${all} } }`,
          variables: { f: {} },
        },
        made,
      );
      expect(right).toBe(!id.endsWith('2'));
      expect(
        check({ query: `subscription { ${names.events}(filter: {${conditions}}) { ${all} } }` }, made),
      ).toBe(right);
      check(
        { query: `subscription ($f: ${names.filter}) { ${names.events}(filter: $f) { _uuid } }`, variables },
        made,
      );
    }),
    { numRuns: 100 },
  );
});
