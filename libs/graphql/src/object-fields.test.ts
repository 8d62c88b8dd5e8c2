import type { ObjectType, Property } from '@tidewire/contract';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyPropertyName, objectType, register } from '../test/example-catalogue.ts';
import { objectFields } from './object-fields.ts';

const text: Property = { type: 'string' };

function fieldsOf(
  properties: Record<string, Property>,
  target: ObjectType | undefined = objectType('other', 2),
): ReturnType<typeof objectFields> {
  return objectFields(objectType('meldingen', 1, { properties }), {
    register: () => register('zaken'),
    find: (registerSlug, slug) => (registerSlug === 'zaken' && slug === 'other' ? target : undefined),
  });
}

/** Field by property. */
function namesOf(properties: Record<string, Property>): Record<string, string> {
  return Object.fromEntries(fieldsOf(properties).properties.map(({ name, field }) => [name, field]));
}

test('a property whose name is one of GraphQL keeps it, wherever it stands', () => {
  expect(namesOf({ 'a b': text, 'a-b': text, 'a_b': text, 'a_b_2': text })).toEqual({
    'a_b': 'a_b',
    'a_b_2': 'a_b_2',
    'a b': 'a_b_3',
    'a-b': 'a_b_4',
  });
});

test('the order of the members of a definition does not matter', () => {
  fc.assert(
    fc.property(fc.uniqueArray(anyPropertyName, { maxLength: 12 }), fc.func(fc.integer()), (names, rank) => {
      const one = namesOf(Object.fromEntries(names.map((name) => [name, text])));
      const mixed = [...names].sort((a, b) => rank(a) - rank(b));
      expect(namesOf(Object.fromEntries(mixed.map((name) => [name, text])))).toEqual(one);
    }),
  );
});

test('no property takes a name of a system member, an event or a group of filters', () => {
  const names = namesOf({ '?uuid': text, '?event': text, '?eventId': text, '$and': text, '$or': text });
  expect(Object.values(names)).toEqual(['_uuid_2', '_event_2', '_eventId_2', '_and_2', '_or_2']);
});

test('properties of whose names nothing is left are numbered, and told by their descriptions', () => {
  const { properties } = fieldsOf({ '名前': text, '€': { ...text, title: 'Price' }, '😀': text });
  expect(properties.map(({ field, description }) => [field, description])).toEqual([
    ['_property_2', 'The property "名前".'],
    ['_property', 'Price'],
    ['_property_3', 'The property "😀".'],
  ]);
});

test('a relation is called after the field of its property, and gives way to properties', () => {
  const relation = { ...text, relation: 'other' };
  const { relations } = fieldsOf({
    'owner': relation,
    'parts': { type: 'array', items: { type: 'string' }, relation: 'zaken/other' },
    'a b': relation,
    'a-b': relation,
    'x': relation,
    'xObject': text,
  });
  expect(relations.map(({ property, field, many }) => [property, field, many])).toEqual([
    ['owner', 'ownerObject', false],
    ['parts', 'partsObjects', true],
    ['a b', 'a_bObject', false],
    ['a-b', 'a_b_2Object', false],
    ['x', 'xObject_2', false],
  ]);
});

test('a relation to what is not there has no field', () => {
  const target = objectType('other', 2);
  expect(fieldsOf({ a: { ...text, relation: 'zaken/nothing' } }, target).relations).toEqual([]);
  expect(fieldsOf({ a: { ...text, relation: 'elsewhere/other' } }, target).relations).toEqual([]);
});

test('all fields of an object have names of their own', () => {
  const property = fc.constantFrom<Property[]>(
    text,
    { ...text, relation: 'other' },
    { type: 'array', relation: 'other' },
  );
  fc.assert(
    fc.property(fc.dictionary(anyPropertyName, property, { maxKeys: 30 }), (properties) => {
      const { system, properties: own, relations } = fieldsOf(properties);
      const names = [...system, ...own, ...relations].map(({ field }) => field);
      expect(new Set(names).size).toBe(names.length);
      expect(own.map(({ name }) => name).sort()).toEqual(Object.keys(properties).sort());
    }),
    { numRuns: 500 },
  );
});
