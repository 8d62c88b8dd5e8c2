import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { catalogues, objectType, register, uuid } from '../test/example-catalogue.ts';
import { assignNames } from './type-names.ts';
import type { TypeNames } from './type-names.ts';

const ROOTS: Readonly<Partial<Record<keyof TypeNames, string>>> = {
  single: 'Query',
  list: 'Query',
  create: 'Mutation',
  update: 'Mutation',
  delete: 'Mutation',
  events: 'Subscription',
};

/** Names with what they have to be unique in. */
function scoped(names: TypeNames): string[] {
  return (Object.keys(names) as (keyof TypeNames)[]).map((kind) => `${ROOTS[kind] ?? 'type'}.${names[kind]}`);
}

const day = (number: number): string => `2026-01-0${number}T00:00:00.000Z`;

test('a schema is called after its slug, and one of it after its singular', () => {
  const names = assignNames({ registers: [register('zaken')], schemas: [objectType('meldingen')] });
  expect(names.get(uuid('schema', 1))).toEqual({
    type: 'Meldingen',
    event: 'MeldingenEvent',
    filter: 'MeldingenFilter',
    order: 'MeldingenOrder',
    input: 'MeldingenInput',
    patch: 'MeldingenPatch',
    connection: 'MeldingenConnection',
    edge: 'MeldingenEdge',
    single: 'melding',
    list: 'meldingen',
    create: 'createMelding',
    update: 'updateMelding',
    delete: 'deleteMelding',
    events: 'meldingenEvents',
  });
});

test('where the singular is the slug itself, one is found by its id', () => {
  const names = assignNames({ registers: [register('shop')], schemas: [objectType('inventory')] });
  expect(names.get(uuid('schema', 1))).toMatchObject({ single: 'inventoryById', create: 'createInventory' });
});

test('of schemas of one slug the first keeps the short names, the others have the register in front', () => {
  const registers = ['meldingen-register', 'meldingen', 'besluiten'].map((slug, index) =>
    register(slug, index),
  );
  const of = (slug: string, number: number, index: number): ReturnType<typeof objectType> =>
    objectType(slug, number, { register: uuid('register', index), created: day(number) });
  const schemas = [
    of('besluiten', 4, 2),
    of('meldingen', 3, 1),
    of('besluiten', 2, 0),
    of('meldingen', 1, 0),
  ];
  const names = assignNames({ registers, schemas });
  const short = schemas
    .map(({ id }) => names.get(id))
    .map((each) => [each?.type, each?.single, each?.events]);
  expect(short).toEqual([
    ['BesluitenBesluiten', 'besluitenBesluit', 'besluitenBesluitenEvents'],
    ['MeldingenMeldingen', 'meldingenMelding', 'meldingenMeldingenEvents'],
    ['Besluiten', 'besluit', 'besluitenEvents'],
    ['Meldingen', 'melding', 'meldingenEvents'],
  ]);
});

test('one name that is taken is enough for all of them to have the register in front', () => {
  const names = assignNames({
    registers: [register('shop')],
    // `order` is also the one of `orders`.
    schemas: [objectType('orders', 1, { created: day(1) }), objectType('order', 2, { created: day(2) })],
  });
  expect(names.get(uuid('schema', 2))).toMatchObject({ type: 'ShopOrder', list: 'shopOrder' });
});

test.each(['string', 'query', 'page-info', 'list', 'int', 'email', 'object-action', 'deleted-object'])(
  'a schema called %s does not take a name of GraphQL or of another type here',
  (slug) => {
    const names = assignNames({ registers: [register('shop')], schemas: [objectType(slug)] });
    expect(names.get(uuid('schema', 1))?.type).toMatch(/^Shop/);
  },
);

test('a number follows where the name with the register is taken as well', () => {
  const names = assignNames({
    registers: [register('a', 0), register('a-b', 1), register('b', 2)],
    schemas: [
      objectType('x', 1, { register: uuid('register', 2), created: day(1) }),
      objectType('a-b-x', 2, { register: uuid('register', 2), created: day(2) }),
      objectType('x', 3, { register: uuid('register', 1), created: day(3) }),
    ],
  });
  expect(names.get(uuid('schema', 3))?.type).toBe('ABX2');
});

test('no two schemas share a name, whatever they are called', () => {
  fc.assert(
    fc.property(catalogues(), (catalogue) => {
      const all = [...assignNames(catalogue).values()].flatMap(scoped);
      expect(new Set(all).size).toBe(all.length);
      expect(all.length).toBe(14 * catalogue.schemas.length);
    }),
    { numRuns: 500 },
  );
});

test('a schema that is made later changes the names of none that was there', () => {
  fc.assert(
    fc.property(catalogues(), fc.nat(7), ({ registers, schemas }, at) => {
      const ordered = schemas.map((schema, index) => ({ ...schema, created: day(index + 1) }));
      const all = assignNames({ registers, schemas: ordered });
      const before = assignNames({ registers, schemas: ordered.slice(0, at).toReversed() });
      for (const [id, names] of before) expect(names).toEqual(all.get(id));
    }),
    { numRuns: 500 },
  );
});
