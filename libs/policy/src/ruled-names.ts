import { SYSTEM_FIELD_TYPES } from '@tidewire/condition';
import { ACTIONS } from '@tidewire/contract';
import type { NamedProperties, ObjectType, Policy, Rule } from '@tidewire/contract';

/**
 * The properties that a policy names: those that have rules of their own, and those that conditions compare. System
 * members such as `_owner`, which every object has, are not among them.
 */
export function ruledNames(policy: Pick<Policy, 'authorization' | 'properties'>): ReadonlySet<string> {
  const { authorization, properties } = policy;
  const lists = [
    ...ACTIONS.map((action) => authorization?.[action]),
    ...Object.values(properties).flatMap(({ read, update }) => [read, update]),
  ];
  const compared = lists.flatMap((rules) => (rules ?? []).flatMap(comparedBy));
  return new Set([...Object.keys(properties), ...compared].filter((name) => !SYSTEM_FIELD_TYPES.has(name)));
}

function comparedBy(rule: Rule): readonly string[] {
  return typeof rule === 'string' ? [] : Object.keys(rule.match ?? {});
}

/** What names mean in some schemas: with each of their different definitions, and none where no schema has the name. */
export function describeNames(
  schemas: readonly Pick<ObjectType, 'properties'>[],
  names: Iterable<string>,
): NamedProperties {
  const properties = [...names].map((name) => {
    const known = new Map(
      schemas
        .filter((schema) => Object.hasOwn(schema.properties, name))
        .flatMap((schema) => schema.properties[name] ?? [])
        .map(({ type, format }) => [
          `${type} ${format}`,
          { type, ...(format === undefined ? {} : { format }) },
        ]),
    );
    return { name, definitions: [...known.values()] };
  });
  return { schemas: schemas.length, properties };
}
