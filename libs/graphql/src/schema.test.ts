import * as fc from 'fast-check';
import type { GraphQLEnumType } from 'graphql';
import {
  GraphQLInputObjectType,
  GraphQLObjectType,
  GraphQLSchema,
  isNonNullType,
  printSchema,
  validateSchema,
} from 'graphql';
import { expect, test } from 'vitest';
import { catalogues, distinctSlug, objectType, register, uuid } from '../test/example-catalogue.ts';
import { GraphqlCatalogue } from './schema.ts';
import type { Catalogue } from './type-names.ts';

/** Problems of a schema that says of itself that it has none. */
function problemsOf(schema: GraphQLSchema): readonly string[] {
  return validateSchema(new GraphQLSchema({ ...schema.toConfig(), assumeValid: false })).map(
    ({ message }) => message,
  );
}

function objectTypeOf(schema: GraphQLSchema, name: string): GraphQLObjectType {
  const type = schema.getType(name);
  if (!(type instanceof GraphQLObjectType)) throw new Error(`${name} is no object type`);
  return type;
}

function inputTypeOf(schema: GraphQLSchema, name: string): GraphQLInputObjectType {
  const type = schema.getType(name);
  if (!(type instanceof GraphQLInputObjectType)) throw new Error(`${name} is no input type`);
  return type;
}

const shop: Catalogue = {
  registers: [register('shop')],
  schemas: [
    objectType('orders', 1, {
      properties: {
        customer: { type: 'string', relation: 'customers' },
        status: { type: 'string', default: 'new' },
        lines: { type: 'array', items: { type: 'string' }, relation: 'shop/articles' },
        note: { type: 'string' },
      },
      required: ['customer', 'status', 'constructor'],
    }),
    objectType('customers', 2, { properties: { card: { type: 'string', relation: 'cards' } } }),
    objectType('articles', 3, { properties: {} }),
    objectType('cards', 4),
  ],
};
const [orders, customers, articles, cards] = [1, 2, 3, 4].map((number) => uuid('schema', number)) as [
  string,
  string,
  string,
  string,
];

test('whatever a catalogue holds, its schema is valid and has all of it', () => {
  fc.assert(
    fc.property(catalogues(), fc.func(fc.boolean()), (catalogue, isVisible) => {
      const made = new GraphqlCatalogue(catalogue);
      const visible = [...made.schemaIds].filter((id) => isVisible(id));
      const schema = made.schemaFor(visible);
      expect(problemsOf(schema)).toEqual([]);
      const count = (root: string): number =>
        Object.keys(objectTypeOf(schema, root).getFields()).filter((name) => name !== '_nothing').length;
      expect([count('Query'), count('Mutation'), count('Subscription')]).toEqual(
        [2, 3, 1].map((each) => each * visible.length),
      );
      for (const id of visible) {
        const { type, event, filter } = made.namesOf(id) ?? { type: '', event: '', filter: '' };
        const { system, properties, relations } = made.fieldsOf(id) ?? {
          system: [],
          properties: [],
          relations: [],
        };
        const own = [...system, ...properties].map(({ field }) => field);
        const shown = relations
          .filter(({ schemaId }) => visible.includes(schemaId))
          .map(({ field }) => field);
        const fieldsIn = (name: string): string[] =>
          Object.keys(objectTypeOf(schema, name).getFields()).sort();
        expect(fieldsIn(type)).toEqual([...own, ...shown].sort());
        expect(fieldsIn(event)).toEqual([...own, '_event', '_eventId', '_changed'].sort());
        const conditions = Object.keys(inputTypeOf(schema, filter).getFields());
        expect(conditions.sort()).toEqual([...own, '_and', '_or'].sort());
      }
    }),
    { numRuns: 200 },
  );
});

test('a schema for some of a catalogue reads like that of a catalogue which has nothing else', () => {
  fc.assert(
    fc.property(catalogues(distinctSlug), fc.func(fc.boolean()), ({ registers, schemas }, isVisible) => {
      const [whole, part] = [schemas, schemas.filter(({ id }) => isVisible(id))].map(
        (some) => new GraphqlCatalogue({ registers, schemas: some }),
      ) as [GraphqlCatalogue, GraphqlCatalogue];
      const visible = [...part.schemaIds];
      // Names are everybody's: what is not visible may have taken one.
      fc.pre(visible.every((id) => part.namesOf(id)?.type === whole.namesOf(id)?.type));
      expect(printSchema(whole.schemaFor(visible))).toBe(printSchema(part.schemaFor(visible)));
    }),
    { numRuns: 200 },
  );
});

test('what may not be seen is in no type, no root field and no relation', () => {
  const made = new GraphqlCatalogue(shop);
  const text = printSchema(made.schemaFor([orders, cards]));
  expect(text).not.toMatch(/customers|articles|customerObject|linesObjects|createCustomer/i);
  expect(text).toMatch(/customer: String/);
  expect(text).toMatch(/cardsEvents/);
});

test('who may see nothing gets a schema all the same', () => {
  const schema = new GraphqlCatalogue(shop).schemaFor([]);
  expect(problemsOf(schema)).toEqual([]);
  expect(printSchema(schema)).not.toMatch(/orders|customer|article|card/i);
  expect(Object.keys(objectTypeOf(schema, 'Subscription').getFields())).toEqual(['_nothing']);
});

test('a relation leads to one object or to several', () => {
  const schema = new GraphqlCatalogue(shop).schemaFor([orders, customers, articles]);
  const fields = objectTypeOf(schema, 'Orders').getFields();
  expect(String(fields['customerObject']?.type)).toBe('Customers');
  expect(String(fields['linesObjects']?.type)).toBe('[Articles!]');
});

test('an event has no relations, and nothing but its id is sure to be there', () => {
  const schema = new GraphqlCatalogue(shop).schemaFor([orders, customers, articles]);
  const fields = Object.values(objectTypeOf(schema, 'OrdersEvent').getFields());
  expect(fields.map(({ name }) => name).filter((name) => name.includes('Object'))).toEqual([]);
  expect(fields.filter(({ type }) => isNonNullType(type)).map(({ name }) => name)).toEqual([
    '_event',
    '_eventId',
    '_uuid',
  ]);
});

test('what is required has to be given, unless it has a default, and not again in a change', () => {
  const schema = new GraphqlCatalogue(shop).schemaFor([orders]);
  const needed = (name: string): string[] =>
    Object.values(inputTypeOf(schema, name).getFields())
      .filter(({ type }) => isNonNullType(type))
      .map((field) => field.name);
  expect(needed('OrdersInput')).toEqual(['customer']);
  expect(needed('OrdersPatch')).toEqual([]);
});

test('transitions are those that the contract names', () => {
  const type = new GraphqlCatalogue(shop).schemaFor([orders]).getType('ObjectTransition');
  expect((type as GraphQLEnumType).getValues().map(({ name }) => name)).toEqual([
    'CREATED',
    'ENTERED',
    'UPDATED',
    'REMOVED',
    'DELETED',
  ]);
});

test('fields reach what their schemas lead to, and nothing beyond what is not visible', () => {
  const made = new GraphqlCatalogue(shop);
  expect(made.reachedBy(['order'])).toEqual(new Set([orders, customers, articles, cards]));
  expect(made.reachedBy(['customersEvents', 'nothing', 'constructor'])).toEqual(new Set([customers, cards]));
  expect(made.reachedBy(['orders'], (id) => id !== customers)).toEqual(new Set([orders, articles]));
  expect(made.reachedBy(['orders'], (id) => id !== orders)).toEqual(new Set());
  expect(made.namedBy(['orders', 'deleteCard'])).toEqual(new Set([orders, cards]));
  expect(made.namedBy(['orders', 'deleteCard'], (id) => id !== cards)).toEqual(new Set([orders]));
});

test('equal sets share one schema, in whatever order and however often they are named', () => {
  const made = new GraphqlCatalogue(shop);
  const schema = made.schemaFor([orders, cards]);
  expect(made.schemaFor([cards, orders, cards, uuid('schema', 99)])).toBe(schema);
  expect(made.schemaFor(new Set([cards]))).not.toBe(schema);
});

test('schemas that were not asked for lately are forgotten', () => {
  const schemas = Array.from({ length: 60 }, (_, index) => objectType(`s${index}`, index));
  const made = new GraphqlCatalogue({ registers: [register('shop')], schemas });
  const [first, second] = [uuid('schema', 0), uuid('schema', 1)];
  const [kept, forgotten] = [made.schemaFor([first]), made.schemaFor([second])];
  for (const { id } of schemas.slice(2)) {
    made.schemaFor([id]);
    expect(made.schemaFor([first])).toBe(kept);
  }
  expect(made.schemaFor([second])).not.toBe(forgotten);
});
