import { SYSTEM_FIELDS } from '@tidewire/contract';
import type { ObjectType, Register, SystemField } from '@tidewire/contract';
import { leafOf, systemLeaf } from './leaf.ts';
import type { Leaf } from './leaf.ts';
import { claimName, fieldName } from './name.ts';

/** A field of an object type, by the name that GraphQL has for it. */
export interface ObjectField {
  readonly field: string;
  /** The property's, or the system member's. */
  readonly name: string;
  readonly leaf: Leaf;
  readonly description: string | undefined;
}

/** The field beside a property that holds what the property refers to. */
export interface RelationField {
  readonly field: string;
  readonly property: string;
  readonly many: boolean;
  readonly schemaId: string;
}

/** The fields of a schema's objects. */
export interface ObjectFields {
  readonly system: readonly (ObjectField & { readonly name: SystemField })[];
  readonly properties: readonly ObjectField[];
  readonly relations: readonly RelationField[];
}

/** What only events have. */
export const EVENT_FIELDS = Object.freeze({ event: '_event', eventId: '_eventId', changed: '_changed' });

/** What only filters have, whose fields are those of objects. */
export const FILTER_GROUPS = Object.freeze({ and: '_and', or: '_or' });

/** How a relation may be resolved: what a register and a schema are called. */
export interface SchemaFinder {
  readonly register: (id: string) => Register | undefined;
  readonly find: (registerSlug: string, schemaSlug: string) => ObjectType | undefined;
}

/**
 * The fields of a schema. A property whose name is one of GraphQL's keeps it, whatever else there is; the others are called
 * what is left of their names, in alphabetical order, with `_2`, `_3` and so on behind where that is taken. A relation's
 * field is called after its property's, with `Object` or `Objects` behind, and gives way to properties in the same manner.
 */
export function objectFields(schema: ObjectType, finder: SchemaFinder): ObjectFields {
  const system = SYSTEM_FIELDS.map((name) => ({
    field: name,
    name,
    leaf: systemLeaf(name),
    description: SYSTEM_DESCRIPTIONS[name],
  }));
  const taken = new Set<string>([
    ...SYSTEM_FIELDS,
    ...Object.values(EVENT_FIELDS),
    ...Object.values(FILTER_GROUPS),
  ]);
  const entries = Object.entries(schema.properties);
  const names = propertyFields(
    entries.map(([name]) => name),
    taken,
  );
  const properties = entries.map(([name, property]) => {
    const field = names.get(name) ?? name;
    // Whoever reads the schema finds the property again.
    const original = field === name ? undefined : `The property ${JSON.stringify(name)}.`;
    return {
      field,
      name,
      leaf: leafOf(property),
      description: property.description ?? property.title ?? original,
    };
  });
  const relations = entries.flatMap(([name, property]): RelationField[] => {
    const target = relatedSchema(schema, property.relation, finder);
    if (target === undefined) return [];
    const many = property.type === 'array';
    const field = claimName(`${names.get(name) ?? name}${many ? 'Objects' : 'Object'}`, taken);
    return [{ field, property: name, many, schemaId: target.id }];
  });
  return { system, properties, relations };
}

/** The field of each property. The order of a definition's members means nothing: stores and programs change it. */
function propertyFields(properties: readonly string[], taken: Set<string>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const others: string[] = [];
  for (const property of properties) {
    if (fieldName(property) === property) names.set(property, claimName(property, taken));
    else others.push(property);
  }
  for (const property of others.sort()) names.set(property, claimName(fieldName(property), taken));
  return names;
}

function relatedSchema(
  schema: ObjectType,
  relation: string | undefined,
  { register, find }: SchemaFinder,
): ObjectType | undefined {
  if (relation === undefined) return undefined;
  const [first = '', second] = relation.split('/');
  return second === undefined ? find(register(schema.register)?.slug ?? '', first) : find(first, second);
}

const SYSTEM_DESCRIPTIONS: Readonly<Record<SystemField, string>> = {
  _uuid: 'What identifies the object.',
  _register: 'Slug of its register.',
  _schema: 'Slug of its schema.',
  _organisation: 'The organisation that it belongs to.',
  _owner: 'The principal whose object it is.',
  _version: 'Counts its changes from 1.',
  _created: 'When it was made.',
  _updated: 'When it was changed last.',
};
