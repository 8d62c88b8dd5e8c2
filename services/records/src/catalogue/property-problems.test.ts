import type { Property } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { newSchemaBodySchema } from './definition.ts';
import { propertyProblems } from './property-problems.ts';

const pointers = (property: Property): string[] =>
  propertyProblems(property).map(({ path }) => path.map((part) => `/${String(part)}`).join(''));

test.each<[Property, string]>([
  [{ type: 'integer', minimum: 5, maximum: 4 }, '/minimum'],
  [{ type: 'number', minimum: 5, exclusiveMaximum: 5 }, '/minimum'],
  [{ type: 'number', exclusiveMinimum: 5, maximum: 5 }, '/exclusiveMinimum'],
  [{ type: 'number', exclusiveMinimum: 5, exclusiveMaximum: 5 }, '/exclusiveMinimum'],
  [{ type: 'string', minLength: 3, maxLength: 2 }, '/minLength'],
  [{ type: 'array', minItems: 3, maxItems: 2 }, '/minItems'],
  [{ type: 'string', enum: ['a', 1] }, '/enum/1'],
  [{ type: 'integer', enum: [1, 1.5] }, '/enum/1'],
  [{ type: 'array', enum: ['a'] }, '/enum/0'],
  [{ type: 'string', default: 1 }, '/default'],
  [{ type: 'string', enum: ['a', 'b'], default: 'c' }, '/default'],
  [{ type: 'integer', maximum: 5, default: 6 }, '/default'],
  [{ type: 'string', format: 'date', default: 'tomorrow' }, '/default'],
  [{ type: 'array', items: { type: 'integer' }, default: [1, 'x'] }, '/default/1'],
  [{ type: 'array', items: { type: 'nonsense' }, default: [] }, '/items/type'],
  [{ type: 'string', pattern: '(', default: 'x' }, '/pattern'],
  [{ type: 'array', items: { type: 'integer', minimum: 2, maximum: 1 } }, '/items/minimum'],
  [{ type: 'object', properties: { a: { type: 'string', default: 1 } } }, '/properties/a/default'],
  [{ type: 'string', items: { type: 'string' } }, '/items'],
  [{ type: 'array', uniqueItems: true }, '/uniqueItems'],
  [{ type: 'string', relation: 'meldingen' }, '/relation'],
  [{ type: 'string', format: 'uri', relation: 'meldingen' }, '/relation'],
  [{ type: 'array', relation: 'meldingen' }, '/relation'],
  [{ type: 'array', items: { type: 'string' }, relation: 'meldingen' }, '/relation'],
  [{ type: 'array', items: { type: 'string', format: 'uuid', relation: 'a' } }, '/items/relation'],
  [
    { type: 'object', properties: { a: { type: 'string', format: 'uuid', relation: 'b' } } },
    '/properties/a/relation',
  ],
])('%j is refused at %s', (property, pointer) => {
  expect(pointers(property)).toEqual([pointer]);
});

test.each<Property>([
  { type: 'integer', minimum: 5, maximum: 5, default: 5 },
  { type: 'number', exclusiveMinimum: 0, maximum: 0.5 },
  { type: 'string', minLength: 0, maxLength: 0 },
  { type: 'string', enum: ['a', null], default: 'a' },
  { type: 'string', default: null },
  { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 1, default: [1] },
  { type: 'string', format: 'uuid', relation: 'meldingen' },
  { type: 'array', items: { type: 'string', format: 'uuid' }, relation: 'meldingen-register/meldingen' },
  { type: 'object', properties: { 'a/b': { type: 'string' } }, default: { 'a/b': 'x' } },
])('%j is taken', (property) => {
  expect(pointers(property)).toEqual([]);
});

test('a schema is refused with a pointer to the keyword', () => {
  const properties = { 'prioriteit/nu': { type: 'integer', minimum: 5, maximum: 1 } };
  const { error } = newSchemaBodySchema.safeParse({ register: 'zaken', slug: 'meldingen', properties });
  expect(error?.issues.map(({ path, message }) => ({ path, message }))).toEqual([
    { path: ['properties', 'prioriteit/nu', 'minimum'], message: 'must be at most maximum' },
  ]);
});
