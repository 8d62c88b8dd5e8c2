import { slugSchema } from '@tidewire/contract';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyPropertyName, anySlug } from '../test/example-catalogue.ts';
import { camelCase, claimName, fieldName, pascalCase, singularOf } from './name.ts';

/** What GraphQL calls a name, without those that it keeps to itself. */
const NAME = /^(?!__)[A-Za-z_][0-9A-Za-z_]*$/;

test.each([
  ['meldingen', 'Meldingen', 'meldingen'],
  ['meldingen-register', 'MeldingenRegister', 'meldingenRegister'],
  ['wmo_aanvragen', 'WmoAanvragen', 'wmoAanvragen'],
  ['a--b__c-', 'ABC', 'aBC'],
  ['2e-kans', '_2eKans', '_2eKans'],
  ['0', '_0', '_0'],
])('the slug %s becomes %s and %s', (slug, pascal, camel) => {
  expect(pascalCase(slug)).toBe(pascal);
  expect(camelCase(slug)).toBe(camel);
});

test.each([
  ['meldingen', 'melding'],
  ['besluiten', 'besluit'],
  ['categories', 'category'],
  ['boxes', 'box'],
  ['addresses', 'address'],
  ['churches', 'church'],
  ['houses', 'house'],
  ['orders', 'order'],
  ['meldingen-meldingen', 'meldingen-melding'],
  ['inventory', 'inventory'],
  ['boss', 'boss'],
  ['ass', 'ass'],
  ['ties', 'tie'],
  ['en', 'en'],
  ['den', 'den'],
  ['s', 's'],
  ['as', 'as'],
  ['bus-2', 'bus-2'],
])('one of %s is %s', (many, one) => {
  expect(singularOf(many)).toBe(one);
});

test.each([
  ['titel', 'titel'],
  ['constructor', 'constructor'],
  ['a b', 'a_b'],
  ['a-b', 'a_b'],
  ['2x', '_2x'],
  ['é', '_property'],
  ['$and', '_and'],
  ['--proto__', '_proto__'],
  ['😀', '_property'],
  ['naïef', 'na_ef'],
])('the property %j becomes the field %s', (property, field) => {
  expect(fieldName(property)).toBe(field);
});

test('every slug and every property becomes a name of GraphQL', () => {
  fc.assert(
    fc.property(anySlug, anyPropertyName, (slug, property) => {
      expect(slugSchema.safeParse(slug).success).toBe(true);
      for (const name of [
        pascalCase(slug),
        camelCase(slug),
        camelCase(singularOf(slug)),
        fieldName(property),
      ]) {
        expect(name).toMatch(NAME);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a name that is taken gets the next number that is free', () => {
  const taken = new Set(['a', 'a_2']);
  expect([claimName('a', taken), claimName('a', taken), claimName('b', taken)]).toEqual(['a_3', 'a_4', 'b']);
});
