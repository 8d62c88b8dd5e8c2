import type { ObjectType } from '@tidewire/contract';
import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import type { GraphQLFieldConfig, GraphQLInputFieldConfig } from 'graphql';
import { GRAPHQL_EVENTS } from '@tidewire/contract';
import { filterScalar } from './filter-scalar.ts';
import { NEVER_NULL, leafType } from './leaf.ts';
import type { Leaf } from './leaf.ts';
import { meaning } from './meaning.ts';
import { EVENT_FIELDS, FILTER_GROUPS } from './object-fields.ts';
import type { ObjectFields } from './object-fields.ts';
import { SAFE_INT_SCALAR } from './scalar.ts';
import type { TypeNames } from './type-names.ts';

/** A schema with its names and fields. */
export interface NamedSchema {
  readonly schema: ObjectType;
  readonly names: TypeNames;
  readonly fields: ObjectFields;
}

/** The types that are made of one schema. */
export interface SchemaTypes {
  readonly object: GraphQLObjectType;
  readonly event: GraphQLObjectType;
  readonly filter: GraphQLInputObjectType;
  readonly order: GraphQLInputObjectType;
  readonly input: GraphQLInputObjectType;
  readonly patch: GraphQLInputObjectType;
  readonly connection: GraphQLObjectType;
}

type Fields = Record<string, GraphQLFieldConfig<unknown, unknown>>;
type InputFields = Record<string, GraphQLInputFieldConfig>;

const ORDER_DIRECTION = new GraphQLEnumType({ name: 'OrderDirection', values: { ASC: {}, DESC: {} } });

/** What a subscription may ask for. */
export const ACTION_TYPE = new GraphQLEnumType({
  name: 'ObjectAction',
  description: 'Kinds of events. A row that enters a view was updated, one that leaves it deleted.',
  values: {
    CREATED: { value: 'created' },
    UPDATED: { value: 'updated' },
    DELETED: { value: 'deleted' },
  },
});

const TRANSITION_TYPE = new GraphQLEnumType({
  name: 'ObjectTransition',
  description: 'What a change was to the subscriber. REMOVED and DELETED tell the id and nothing else.',
  values: Object.fromEntries(Object.values(GRAPHQL_EVENTS).map((name) => [name, {}])),
});

const PAGE_INFO_TYPE = new GraphQLObjectType({
  name: 'PageInfo',
  fields: {
    hasNextPage: { type: new GraphQLNonNull(GraphQLBoolean) },
    hasPreviousPage: { type: new GraphQLNonNull(GraphQLBoolean) },
    startCursor: { type: GraphQLString },
    endCursor: { type: GraphQLString },
  },
});

/** The types of one schema. `typesOf`: those of another one; undefined: it is not shown. */
export function createSchemaTypes(
  { schema, names, fields }: NamedSchema,
  typesOf: (schemaId: string) => SchemaTypes | undefined,
): SchemaTypes {
  const description = schema.description || schema.title || undefined;
  const object = new GraphQLObjectType({
    name: names.type,
    description,
    fields: () => ({ ...ownFields(fields), ...relationFields(fields, typesOf) }),
  });
  const edge = new GraphQLObjectType({
    name: names.edge,
    fields: {
      cursor: { type: new GraphQLNonNull(GraphQLString) },
      node: { type: new GraphQLNonNull(object) },
    },
  });
  return {
    object,
    event: new GraphQLObjectType({
      name: names.event,
      description: `A change of ${names.type}: its fields after the change, and what it was.`,
      fields: () => ({ ...eventFields(fields), ...nullableFields(fields) }),
    }),
    filter: createFilterType(names.filter, fields),
    order: new GraphQLInputObjectType({
      name: names.order,
      description: 'Names of fields and their directions; exactly one of them in each.',
      isOneOf: true,
      fields: () => inputFields(allFields(fields), () => ORDER_DIRECTION),
    }),
    input: createInputType(names.input, fields, requiredOf(schema)),
    patch: createInputType(names.patch, fields, new Set()),
    connection: new GraphQLObjectType({
      name: names.connection,
      fields: {
        edges: { type: listOf(edge) },
        nodes: { type: listOf(object) },
        pageInfo: { type: new GraphQLNonNull(PAGE_INFO_TYPE) },
        totalCount: { type: new GraphQLNonNull(SAFE_INT_SCALAR) },
        position: {
          type: new GraphQLNonNull(GraphQLString),
          description: 'The place in the log that the list includes: subscribe from it and miss nothing.',
        },
      },
    }),
  };
}

function ownFields({ system, properties }: ObjectFields): Fields {
  const fields: Fields = Object.create(null);
  for (const { field, name, leaf, description } of system) {
    const type = leafType(leaf);
    fields[field] = {
      type: NEVER_NULL.has(name) ? new GraphQLNonNull(type) : type,
      description,
      ...meaning({ kind: 'system', name, leaf }),
    };
  }
  for (const { field, name, leaf, description } of properties) {
    fields[field] = { type: leafType(leaf), description, ...meaning({ kind: 'property', name, leaf }) };
  }
  return fields;
}

/** A removed object has its id only. */
function nullableFields(fields: ObjectFields): Fields {
  const nullable: Fields = Object.create(null);
  for (const [name, config] of Object.entries(ownFields(fields))) {
    const { type } = config;
    nullable[name] =
      name === '_uuid' || !(type instanceof GraphQLNonNull) ? config : { ...config, type: type.ofType };
  }
  return nullable;
}

function eventFields({ properties }: ObjectFields): Fields {
  const names = new Map(properties.map(({ name, field }) => [name, field]));
  return {
    [EVENT_FIELDS.event]: { type: new GraphQLNonNull(TRANSITION_TYPE), ...meaning({ kind: 'transition' }) },
    [EVENT_FIELDS.eventId]: {
      type: new GraphQLNonNull(GraphQLString),
      description: 'The id of the event, which is also the cursor.',
      ...meaning({ kind: 'event-id' }),
    },
    [EVENT_FIELDS.changed]: {
      type: new GraphQLList(new GraphQLNonNull(GraphQLString)),
      description: 'Names of the fields that an update changed, as far as they may be read; null otherwise.',
      ...meaning({ kind: 'changed', names }),
    },
  };
}

function relationFields(
  { relations }: ObjectFields,
  typesOf: (schemaId: string) => SchemaTypes | undefined,
): Fields {
  const fields: Fields = Object.create(null);
  for (const { field, property, many, schemaId } of relations) {
    const target = typesOf(schemaId)?.object;
    if (target === undefined) continue;
    fields[field] = {
      type: many ? new GraphQLList(new GraphQLNonNull(target)) : target,
      description: `What ${property} refers to, as far as it may be read.`,
      ...meaning({ kind: 'relation', property, many, schemaId }),
    };
  }
  return fields;
}

function createFilterType(name: string, fields: ObjectFields): GraphQLInputObjectType {
  const type: GraphQLInputObjectType = new GraphQLInputObjectType({
    name,
    description: 'Conditions on fields, all of which have to hold.',
    fields: () => ({
      ...inputFields(allFields(fields), filterScalar),
      [FILTER_GROUPS.and]: {
        type: new GraphQLList(new GraphQLNonNull(type)),
        description: 'All of these hold.',
      },
      [FILTER_GROUPS.or]: {
        type: new GraphQLList(new GraphQLNonNull(type)),
        description: 'One of these holds.',
      },
    }),
  });
  return type;
}

/** What has to be given: required properties that have a default are filled in. */
function requiredOf({ properties, required }: ObjectType): ReadonlySet<string> {
  const known = new Map(Object.entries(properties));
  return new Set(required.filter((name) => known.get(name)?.default === undefined));
}

function createInputType(
  name: string,
  fields: ObjectFields,
  required: ReadonlySet<string>,
): GraphQLInputObjectType {
  return new GraphQLInputObjectType({
    name,
    fields: () => {
      const inputs: InputFields = Object.create(null);
      for (const { field, name: property, leaf, description } of fields.properties) {
        const type = leafType(leaf);
        inputs[field] = { type: required.has(property) ? new GraphQLNonNull(type) : type, description };
      }
      // GraphQL has no input type without fields.
      return fields.properties.length > 0 ? inputs : { _empty: { type: GraphQLString } };
    },
  });
}

function allFields({ system, properties }: ObjectFields): ObjectFields['properties'] {
  return [...system, ...properties];
}

function inputFields(
  fields: ObjectFields['properties'],
  typeOf: (leaf: Leaf) => InputFields[string]['type'],
): InputFields {
  const inputs: InputFields = Object.create(null);
  for (const { field, leaf } of fields) inputs[field] = { type: typeOf(leaf) };
  return inputs;
}

function listOf(type: GraphQLObjectType): GraphQLNonNull<GraphQLList<GraphQLNonNull<GraphQLObjectType>>> {
  return new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));
}
