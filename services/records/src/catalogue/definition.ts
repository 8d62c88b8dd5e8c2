import { newSchemaSchema, schemaPatchSchema } from '@tidewire/contract';
import type {
  ObjectType,
  Policy,
  Property,
  PropertyWithRules,
  Register,
  SchemaPatch,
} from '@tidewire/contract';
import { z } from 'zod';
import { propertyProblems } from './property-problems.ts';

/** The body of `POST /api/schemas`, with what its shape alone does not say. */
export const newSchemaBodySchema = withoutPrototype().pipe(newSchemaSchema).superRefine(refuseBadProperties);

/** The body of `PATCH /api/schemas/{schema}`, likewise. */
export const schemaPatchBodySchema = withoutPrototype()
  .pipe(schemaPatchSchema)
  .superRefine(refuseBadProperties);

/** A record passes `__proto__` over without a word; as a name that begins with an underscore it is refused. */
function withoutPrototype(): z.ZodType {
  return z.unknown().superRefine((body, context) => {
    const properties = typeof body === 'object' && body !== null ? Object.entries(body) : [];
    const [, sent] = properties.find(([name]) => name === 'properties') ?? [];
    if (typeof sent === 'object' && sent !== null && Object.hasOwn(sent, '__proto__')) {
      const message = '__proto__ cannot be the name of a property';
      context.addIssue({ code: 'custom', path: ['properties'], message });
    }
  });
}

function refuseBadProperties(
  { properties = {} }: Pick<SchemaPatch, 'properties'>,
  context: z.RefinementCtx,
): void {
  for (const [name, property] of Object.entries(properties)) {
    for (const { path, message } of propertyProblems(property))
      context.addIssue({ code: 'custom', path: ['properties', name, ...path], message });
  }
}

/** What a schema's properties are once the rules are taken out of them. */
export interface SplitProperties {
  readonly properties: Readonly<Record<string, Property>>;
  /** Rules of the properties that came with some; null: the rules are taken away. */
  readonly rules: ReadonlyMap<string, Policy['properties'][string] | null>;
}

/** Parts definitions from rules: this service keeps the first, authz the second. */
export function splitProperties(sent: Readonly<Record<string, PropertyWithRules>>): SplitProperties {
  const properties: Record<string, Property> = Object.create(null);
  const rules = new Map<string, Policy['properties'][string] | null>();
  for (const [name, { authorization, ...property }] of Object.entries(sent)) {
    properties[name] = property;
    if (authorization !== undefined) rules.set(name, authorization);
  }
  return { properties, rules };
}

/** A register as it is answered; the rules only to administrators. */
export function presentRegister(register: Register, policy: Policy | undefined): Record<string, unknown> {
  const { id, slug, title, description, version } = register;
  const rules = policy === undefined ? {} : { authorization: policy.authorization, roles: policy.roles };
  return { id, slug, title, description, version, ...rules };
}

/** A schema as it is answered; the rules only to administrators. */
export function presentSchema(
  schema: ObjectType,
  register: Register | undefined,
  policy: Policy | undefined,
): Record<string, unknown> {
  const { id, slug, table, title, description, required, version } = schema;
  const properties: Record<string, unknown> = Object.create(null);
  const rules = new Map(Object.entries(policy?.properties ?? {}));
  for (const [name, property] of Object.entries(schema.properties)) {
    const authorization = rules.get(name);
    properties[name] = authorization === undefined ? property : { ...property, authorization };
  }
  return {
    id,
    slug,
    register: register?.slug ?? schema.register,
    table,
    title,
    description,
    properties,
    required,
    version,
    ...(policy === undefined ? {} : { authorization: policy.authorization }),
  };
}
