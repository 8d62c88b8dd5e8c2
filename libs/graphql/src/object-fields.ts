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

/** How a relation may be resolved: what a register and a schema are called. */
export interface SchemaFinder {
  readonly register: (id: string) => Register | undefined;
  readonly find: (registerSlug: string, schemaSlug: string) => ObjectType | undefined;
}

/**
 * The fields of a schema. A relation's is called after its property, with `Object` or `Objects` behind; a name that is
 * taken already gets `_2`, `_3`, and so on.
 */
export function objectFields(schema: ObjectType, finder: SchemaFinder): ObjectFields {
  const taken = new Set<string>([...SYSTEM_FIELDS, ...Object.values(EVENT_FIELDS)]);
  const system = SYSTEM_FIELDS.map((name) => ({
    field: name,
    name,
    leaf: systemLeaf(name),
    description: SYSTEM_DESCRIPTIONS[name],
  }));
  const entries = Object.entries(schema.properties);
  const properties = entries.map(([name, property]) => ({
    field: claimName(fieldName(name), taken),
    name,
    leaf: leafOf(property),
    description: property.description ?? property.title,
  }));
  const relations = entries.flatMap(([name, property]): RelationField[] => {
    const target = relatedSchema(schema, property.relation, finder);
    if (target === undefined) return [];
    const many = property.type === 'array';
    const field = claimName(`${fieldName(name)}${many ? 'Objects' : 'Object'}`, taken);
    return [{ field, property: name, many, schemaId: target.id }];
  });
  return { system, properties, relations };
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
