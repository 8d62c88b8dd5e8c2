import type { ObjectType, Register } from '@tidewire/contract';
import {
  GraphQLBoolean,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql';
import type { GraphQLFieldConfig } from 'graphql';
import { meaning } from './meaning.ts';
import { objectFields } from './object-fields.ts';
import type { ObjectFields } from './object-fields.ts';
import { SAFE_INT_SCALAR, UUID_SCALAR } from './scalar.ts';
import { assignNames } from './type-names.ts';
import type { Catalogue, TypeNames } from './type-names.ts';
import { ACTION_TYPE, createSchemaTypes } from './type-system.ts';
import type { SchemaTypes } from './type-system.ts';

/** Schemas made of parts of the catalogue that are kept: one for each different set of what may be seen. */
const MOST_KEPT = 50;

type Fields = Record<string, GraphQLFieldConfig<unknown, unknown>>;

/** What GraphQL calls the fields of a schema's root, and which schema they are of. */
type RootFields = ReadonlyMap<string, readonly string[]>;

/**
 * The catalogue as GraphQL sees it at one moment: names are everybody's, types are made of what one may see of it, so that
 * what may not be seen is not there: not in answers, not in refusals, not in suggestions.
 */
export class GraphqlCatalogue {
  readonly #registers: ReadonlyMap<string, Register>;
  readonly #schemas: ReadonlyMap<string, ObjectType>;
  readonly #bySlugs: ReadonlyMap<string, ObjectType>;
  readonly #names: ReadonlyMap<string, TypeNames>;
  readonly #fields = new Map<string, ObjectFields>();
  readonly #made = new Map<string, GraphQLSchema>();
  #roots: RootFields | undefined;

  constructor(catalogue: Catalogue) {
    this.#registers = new Map(catalogue.registers.map((register) => [register.id, register]));
    this.#schemas = new Map(catalogue.schemas.map((schema) => [schema.id, schema]));
    this.#bySlugs = new Map(
      catalogue.schemas.map((schema) => [
        `${this.#registers.get(schema.register)?.slug ?? ''}/${schema.slug}`,
        schema,
      ]),
    );
    this.#names = assignNames(catalogue);
  }

  /** Ids of all schemas. */
  get schemaIds(): Iterable<string> {
    return this.#schemas.keys();
  }

  /** The names of a schema; undefined: there is none of that id. */
  namesOf(schemaId: string): TypeNames | undefined {
    return this.#names.get(schemaId);
  }

  /** The fields of a schema; undefined: there is none of that id. */
  fieldsOf(schemaId: string): ObjectFields | undefined {
    const known = this.#fields.get(schemaId);
    const schema = this.#schemas.get(schemaId);
    if (known !== undefined || schema === undefined) return known;
    const made = objectFields(schema, {
      register: (id) => this.#registers.get(id),
      find: (register, slug) => this.#bySlugs.get(`${register}/${slug}`),
    });
    this.#fields.set(schemaId, made);
    return made;
  }

  /** The visible schemas that root fields of these names are about. */
  namedBy(
    fieldNames: Iterable<string>,
    isVisible: (schemaId: string) => boolean = () => true,
  ): ReadonlySet<string> {
    const roots = (this.#roots ??= rootFields(this.#names));
    return new Set([...fieldNames].flatMap((name) => roots.get(name) ?? []).filter(isVisible));
  }

  /**
   * The schemas that root fields of these names are about, and those that they lead to. What is not visible leads nowhere,
   * so that nothing tells whether it is there.
   */
  reachedBy(
    fieldNames: Iterable<string>,
    isVisible: (schemaId: string) => boolean = () => true,
  ): ReadonlySet<string> {
    const reached = new Set<string>();
    const next = [...this.namedBy(fieldNames, isVisible)];
    for (let id = next.pop(); id !== undefined; id = next.pop()) {
      if (reached.has(id)) continue;
      reached.add(id);
      const relations = this.fieldsOf(id)?.relations ?? [];
      next.push(...relations.map(({ schemaId }) => schemaId).filter(isVisible));
    }
    return reached;
  }

  /** The schema for somebody who may see these of the catalogue. Made once per different set, the oldest are forgotten. */
  schemaFor(visible: Iterable<string>): GraphQLSchema {
    const ids = [...new Set(visible)].filter((id) => this.#schemas.has(id)).sort();
    const key = ids.join(' ');
    const schema = this.#made.get(key) ?? this.#create(ids);
    this.#made.delete(key);
    this.#made.set(key, schema);
    for (const oldest of this.#made.keys()) {
      if (this.#made.size <= MOST_KEPT) break;
      this.#made.delete(oldest);
    }
    return schema;
  }

  #create(ids: readonly string[]): GraphQLSchema {
    const types = new Map<string, SchemaTypes>();
    const [query, mutation, subscription]: [Fields, Fields, Fields] = [
      Object.create(null),
      Object.create(null),
      Object.create(null),
    ];
    for (const id of ids) {
      const schema = this.#schemas.get(id);
      const names = this.#names.get(id);
      const fields = this.fieldsOf(id);
      if (schema === undefined || names === undefined || fields === undefined) continue;
      const made = createSchemaTypes({ schema, names, fields }, (other) => types.get(other));
      types.set(id, made);
      addQueries(query, id, names, made);
      addMutations(mutation, id, names, made);
      subscription[names.events] = eventsField(id, made);
    }
    return new GraphQLSchema({
      query: rootType('Query', query),
      mutation: rootType('Mutation', mutation),
      subscription: rootType('Subscription', subscription),
      // Every catalogue gives a valid schema, which tests hold; looking takes ten times as long as making it.
      assumeValid: true,
    });
  }
}

/** A type has to have a field, for somebody who may see nothing as well. */
function rootType(name: string, fields: Fields): GraphQLObjectType {
  const empty = { _nothing: { type: GraphQLString, description: 'You may see nothing here.' } };
  return new GraphQLObjectType({ name, fields: Object.keys(fields).length > 0 ? fields : empty });
}

const ID_ARGUMENT = { id: { type: new GraphQLNonNull(UUID_SCALAR) } };
const VERSION_ARGUMENT = {
  version: {
    type: GraphQLInt,
    description: 'The version that was read; refused when it is another one now.',
  },
};
const DELETED_TYPE = new GraphQLObjectType({
  name: 'DeletedObject',
  fields: { _uuid: { type: new GraphQLNonNull(UUID_SCALAR) } },
});

function addQueries(query: Fields, schemaId: string, names: TypeNames, types: SchemaTypes): void {
  query[names.single] = {
    type: types.object,
    description: 'Null when there is none, or none that may be read.',
    args: ID_ARGUMENT,
    ...meaning({ kind: 'single', schemaId }),
  };
  query[names.list] = {
    type: new GraphQLNonNull(types.connection),
    args: {
      filter: { type: types.filter },
      order: { type: new GraphQLList(new GraphQLNonNull(types.order)) },
      search: { type: GraphQLString },
      first: { type: GraphQLInt, defaultValue: 20 },
      after: { type: GraphQLString, description: 'A cursor of a page before.' },
      offset: { type: SAFE_INT_SCALAR },
      organisation: { type: UUID_SCALAR, description: "An administrator's choice of one." },
    },
    ...meaning({ kind: 'list', schemaId }),
  };
}

function addMutations(mutation: Fields, schemaId: string, names: TypeNames, types: SchemaTypes): void {
  mutation[names.create] = {
    type: types.object,
    description:
      'Null, with errors, when it was refused. Who may not read what it made is told its id, version and times.',
    args: {
      input: { type: new GraphQLNonNull(types.input) },
      organisation: { type: UUID_SCALAR, description: "An administrator's choice of one." },
    },
    ...meaning({ kind: 'create', schemaId }),
  };
  mutation[names.update] = {
    type: types.object,
    description: 'Changes what is given, and nothing else; null takes a value away.',
    args: { ...ID_ARGUMENT, input: { type: new GraphQLNonNull(types.patch) }, ...VERSION_ARGUMENT },
    ...meaning({ kind: 'update', schemaId }),
  };
  mutation[names.delete] = {
    type: DELETED_TYPE,
    args: {
      ...ID_ARGUMENT,
      ...VERSION_ARGUMENT,
      permanent: { type: GraphQLBoolean, description: 'Whether nothing is left to restore.' },
    },
    ...meaning({ kind: 'delete', schemaId }),
  };
}

function eventsField(schemaId: string, { event, filter }: SchemaTypes): Fields[string] {
  return {
    type: new GraphQLNonNull(event),
    description: 'Every change that may be seen, as it happens.',
    args: {
      filter: { type: filter },
      events: { type: new GraphQLList(new GraphQLNonNull(ACTION_TYPE)) },
    },
    ...meaning({ kind: 'events', schemaId }),
  };
}

function rootFields(names: ReadonlyMap<string, TypeNames>): RootFields {
  const roots = new Map<string, string[]>();
  for (const [id, { single, list, create, update, delete: remove, events }] of names) {
    for (const field of [single, list, create, update, remove, events]) {
      roots.set(field, [...(roots.get(field) ?? []), id]);
    }
  }
  return roots;
}
