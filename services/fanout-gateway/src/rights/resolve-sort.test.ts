import { sortKeySql } from '@tidewire/condition';
import type { FieldType } from '@tidewire/condition';
import type { ObjectType } from '@tidewire/contract';
import { RightsView } from '@tidewire/policy';
import { organisation, person, policyOf, register, schemaOf } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { formatSort, resolveSort, sortTypeOf, sortTypesOf } from './resolve-sort.ts';

const home = organisation('thuis');
const zaken = register('zaken');
const meldingen = schemaOf(zaken, 'meldingen');
const alice = person('alice', home, []);

const view = new RightsView();
view.loadState(
  [
    home,
    zaken,
    meldingen,
    policyOf('register', zaken.id, {}),
    policyOf('schema', meldingen.id, {}, { geheim: { read: [] } }),
  ],
  1,
);
view.hold({ ...alice, position: { sequence: 1 } }, 0);
const reader = { principalId: alice.principal.id, credentialId: alice.credential.id };

const resolve = (sort: string | undefined) => resolveSort(view, reader, sort, [meldingen]);

test('reads fields with and without a direction, in the names of the log, and writes them as clients do', () => {
  const terms = resolve('titel:desc, updatedAt ,id:asc');
  expect(terms).toEqual([
    { field: 'titel', direction: 'desc' },
    { field: '_updated', direction: 'asc' },
    { field: '_uuid', direction: 'asc' },
  ]);
  expect(formatSort(terms ?? [])).toBe('titel:desc,updatedAt:asc,id:asc');
});

test.each([undefined, '', ' '])('%j is no order', (sort) => {
  expect(resolve(sort)).toBeUndefined();
});

test('says how the values of each term are ordered', () => {
  const properties: ObjectType['properties'] = {
    aantal: { type: 'integer' },
    bedrag: { type: 'number' },
    klaar: { type: 'boolean' },
    wanneer: { type: 'string', format: 'date-time' },
    dag: { type: 'string', format: 'date' },
    lijst: { type: 'array', items: { type: 'string' } },
    diep: { type: 'object' },
  };
  const typed = { ...schemaOf(zaken, 'metingen'), properties };
  const typedView = new RightsView();
  typedView.loadState(
    [home, zaken, typed, policyOf('register', zaken.id, {}), policyOf('schema', typed.id, {})],
    1,
  );
  typedView.hold({ ...alice, position: { sequence: 1 } }, 0);
  const sort = 'aantal,bedrag:desc,klaar,wanneer,dag';
  const more = 'lijst,diep,id,createdAt,updatedAt';
  const typesOf = (text: string) =>
    sortTypesOf(typedView, reader, resolveSort(typedView, reader, text, [typed]) ?? [], [typed]);
  expect(typesOf(sort)).toEqual(['number', 'number', 'boolean', 'instant', 'text']);
  expect(typesOf(more)).toEqual(['none', 'none', 'text', 'instant', 'instant']);
});

const FIELD_TYPES: readonly FieldType[] = [
  'string',
  'number',
  'integer',
  'boolean',
  'instant',
  'object',
  'unknown',
  'list of string',
];

test.each(FIELD_TYPES)('%s has no order exactly where lists do not sort by it', (type) => {
  const isSorted = sortKeySql({ sql: 'x', kind: 'jsonb' }, type) !== undefined;
  expect(sortTypeOf(type) !== 'none').toBe(isSorted);
});

test('does not tell a field that may not be read from one that is not there', () => {
  const refusalOf = (field: string): string => {
    try {
      resolve(`${field}:asc`);
      return '';
    } catch (error) {
      return String(error).replaceAll(field, 'X');
    }
  };
  expect(refusalOf('geheim')).toBe(refusalOf('nergens'));
  expect(refusalOf('geheim')).not.toBe('');
  expect(refusalOf('__proto__')).toBe(refusalOf('nergens'));
  expect(refusalOf('_owner')).toBe(refusalOf('nergens'));
});

test.each(['titel:up', ':asc', 'titel:asc,', 'titel,titel,titel,titel,titel,titel'])('refuses %s', (sort) => {
  expect(() => resolve(sort)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
});
