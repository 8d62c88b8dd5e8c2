import {
  authorizationSchema,
  propertyAuthorizationSchema,
  propertyNameSchema,
  propertySchema,
  roleSchema,
  slugSchema,
  uuidSchema,
} from '@tidewire/contract';
import type { ObjectType, Policy, Property, Register } from '@tidewire/contract';
import { z } from 'zod';
import { patternProblem } from '../objects/linear-pattern.ts';

/** Members that say nothing here: what a GET returned may be sent back. */
const IGNORED = {
  id: z.unknown().optional(),
  version: z.unknown().optional(),
  created: z.unknown().optional(),
  updated: z.unknown().optional(),
};

const MAX_PROPERTIES = 256;
/** Elements that must differ are compared each with each. */
const MAX_UNIQUE_ITEMS = 1000;
const MAX_NESTING = 8;

/** A property as it is sent: its definition, and the rules that are authz's. */
const sentPropertySchema = z
  .strictObject({ ...propertySchema.shape, authorization: propertyAuthorizationSchema.nullable().optional() })
  .superRefine((property, context) => {
    for (const problem of propertyProblems(property, 0)) context.addIssue({ code: 'custom', ...problem });
  });
type SentProperty = z.infer<typeof sentPropertySchema>;

const sentPropertiesSchema = z
  // A record passes `__proto__` over without a word; as a name that begins with an underscore it is refused.
  .custom<unknown>(hasNoPrototypeMember, { message: '__proto__ cannot be the name of a property' })
  .pipe(z.record(propertyNameSchema, sentPropertySchema))
  .refine((properties) => Object.keys(properties).length <= MAX_PROPERTIES, {
    message: `must have at most ${MAX_PROPERTIES} properties`,
  });

function hasNoPrototypeMember(value: unknown): boolean {
  return typeof value !== 'object' || value === null || !Object.hasOwn(value, '__proto__');
}

const described = {
  title: z.string().max(200).optional(),
  description: z.string().max(2000).optional(),
  authorization: authorizationSchema.nullable().optional(),
};

/** `POST /api/registers`. `roles` are what `authorization.roles` of the register's schemas may refer to. */
export const newRegisterSchema = z.strictObject({
  ...IGNORED,
  slug: slugSchema,
  ...described,
  roles: z.array(roleSchema).max(64).optional(),
});
export type NewRegister = z.infer<typeof newRegisterSchema>;

/** `PATCH /api/registers/{register}`. A slug never changes: one that is sent must be the register's. */
export const registerPatchSchema = z.strictObject({
  ...IGNORED,
  slug: slugSchema.optional(),
  ...described,
  roles: z.array(roleSchema).max(64).optional(),
});
export type RegisterPatch = z.infer<typeof registerPatchSchema>;

/** `POST /api/schemas`. `register` is an id or a slug; `table` is chosen when absent. */
export const newSchemaSchema = z.strictObject({
  ...IGNORED,
  register: z.union([uuidSchema, slugSchema]),
  slug: slugSchema,
  table: slugSchema.optional(),
  ...described,
  properties: sentPropertiesSchema.default({}),
  required: z.array(z.string()).max(200).default([]),
});
export type NewSchema = z.infer<typeof newSchemaSchema>;

/** `PATCH /api/schemas/{schema}`: properties are added or redefined one by one, none is taken away. */
export const schemaPatchSchema = z.strictObject({
  ...IGNORED,
  register: z.string().optional(),
  slug: slugSchema.optional(),
  table: slugSchema.optional(),
  ...described,
  properties: sentPropertiesSchema.optional(),
  required: z.array(z.string()).max(200).optional(),
});
export type SchemaPatch = z.infer<typeof schemaPatchSchema>;

/** What a schema's properties are once the rules are taken out of them. */
export interface SplitProperties {
  readonly properties: Readonly<Record<string, Property>>;
  /** Rules of the properties that came with some; null: the rules are taken away. */
  readonly rules: ReadonlyMap<string, Policy['properties'][string] | null>;
}

/** Parts definitions from rules: this service keeps the first, authz the second. */
export function splitProperties(sent: Readonly<Record<string, SentProperty>>): SplitProperties {
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

interface PropertyProblem {
  readonly path: PropertyKey[];
  readonly message: string;
}

/** What zod does not say: nested definitions are checked like the outer ones, and what could cost too much is refused. */
function propertyProblems(property: Omit<SentProperty, 'authorization'>, depth: number): PropertyProblem[] {
  const problems: PropertyProblem[] = [];
  const add = (path: PropertyKey[], message: string): void => void problems.push({ path, message });
  const { pattern, uniqueItems, maxItems, items, properties, type } = property;
  if (pattern !== undefined) {
    const problem = patternProblem(pattern);
    if (problem !== undefined) add(['pattern'], problem);
  }
  if (uniqueItems === true && !(maxItems !== undefined && maxItems <= MAX_UNIQUE_ITEMS)) {
    add(['uniqueItems'], `needs maxItems of at most ${MAX_UNIQUE_ITEMS} beside it`);
  }
  if (items !== undefined && type !== 'array') add(['items'], 'is for arrays');
  if (properties !== undefined && type !== 'object') add(['properties'], 'is for objects');
  const nested: [PropertyKey[], unknown][] = [];
  if (items !== undefined) nested.push([['items'], items]);
  for (const [name, inner] of Object.entries(properties ?? {})) nested.push([['properties', name], inner]);
  if (nested.length > 0 && depth >= MAX_NESTING) {
    add([], `is nested more than ${MAX_NESTING} deep`);
    return problems;
  }
  for (const [path, inner] of nested) {
    const result = propertySchema.safeParse(inner);
    if (!result.success) {
      for (const issue of result.error.issues) add([...path, ...issue.path], issue.message);
    } else {
      for (const problem of propertyProblems(result.data, depth + 1))
        add([...path, ...problem.path], problem.message);
    }
  }
  return problems;
}
