import { z } from 'zod';
import { objectTypeSchema, propertyNameSchema, propertySchema, registerSchema } from './catalogue.ts';
import { slugSchema, uuidSchema } from './identifier.ts';
import { isStorableJson } from './name.ts';
import { authorizationSchema, propertyAuthorizationSchema, roleSchema } from './policy.ts';

/** How requests name a register or a schema: by what never changes, or by what people read. */
export const referenceSchema = z.union([slugSchema, uuidSchema]);

/** Members that say nothing in a request: what a GET returned may be sent back. */
const ignoredSchema = z.unknown().optional().describe('passed over: what a GET returned may be sent back');
const IGNORED = { id: ignoredSchema, version: ignoredSchema, created: ignoredSchema, updated: ignoredSchema };

/** Properties of one schema at most. */
const MAX_PROPERTIES = 256;

/** A property as it is sent and answered: its definition, and its rules. */
export const propertyWithRulesSchema = z.strictObject({
  ...propertySchema.shape,
  authorization: propertyAuthorizationSchema.nullable().optional(),
});
export type PropertyWithRules = z.infer<typeof propertyWithRulesSchema>;

/** The properties of a schema by name. */
export const propertiesSchema = z
  .record(propertyNameSchema, propertyWithRulesSchema)
  .refine((properties) => Object.keys(properties).length <= MAX_PROPERTIES, {
    message: `must have at most ${MAX_PROPERTIES} properties`,
  });

/** Looked at before anything is written: rules go to authz first, and must not stay where the rest is refused. */
const text = (max: number) => z.string().max(max).refine(isStorableJson, 'holds NUL or broken Unicode');

const described = {
  title: text(200).optional(),
  description: text(2000).optional(),
  authorization: authorizationSchema.nullable().optional(),
};
const roles = z.array(roleSchema).max(64);
const required = z.array(z.string()).max(200);

/** `POST /api/registers`. `roles` are what `authorization.roles` of the register's schemas may refer to. */
export const newRegisterSchema = z.strictObject({
  ...IGNORED,
  slug: slugSchema,
  ...described,
  roles: roles.optional(),
});
export type NewRegister = z.infer<typeof newRegisterSchema>;

/** `PATCH /api/registers/{register}`. A slug never changes: one that is sent must be the register's. */
export const registerPatchSchema = z.strictObject({
  ...IGNORED,
  slug: slugSchema.optional(),
  ...described,
  roles: roles.optional(),
});
export type RegisterPatch = z.infer<typeof registerPatchSchema>;

/** `POST /api/schemas`. `register` is an id or a slug; `table` is chosen when absent. */
export const newSchemaSchema = z.strictObject({
  ...IGNORED,
  register: referenceSchema,
  slug: slugSchema,
  table: slugSchema.optional(),
  ...described,
  properties: propertiesSchema.default({}),
  required: required.default([]),
});
export type NewSchema = z.infer<typeof newSchemaSchema>;

/** `PATCH /api/schemas/{schema}`: properties are added or redefined one by one, none is taken away. */
export const schemaPatchSchema = z.strictObject({
  ...IGNORED,
  register: z.string().optional(),
  slug: slugSchema.optional(),
  table: slugSchema.optional(),
  ...described,
  properties: propertiesSchema.optional(),
  required: required.optional(),
});
export type SchemaPatch = z.infer<typeof schemaPatchSchema>;

/** A register as it is answered; the rules only to administrators. */
export const registerViewSchema = registerSchema.omit({ kind: true, removed: true, created: true }).extend({
  authorization: authorizationSchema.nullable().optional(),
  roles: roles.optional(),
});

/** A schema as it is answered; the rules only to administrators. `register` is a slug. */
export const schemaViewSchema = objectTypeSchema.omit({ kind: true, removed: true, created: true }).extend({
  register: referenceSchema,
  properties: propertiesSchema,
  authorization: authorizationSchema.nullable().optional(),
});

/** All registers, or all schemas, that the caller may read from. */
export const registerListSchema = z.object({ results: z.array(registerViewSchema), total: z.int().min(0) });
export const schemaListSchema = z.object({ results: z.array(schemaViewSchema), total: z.int().min(0) });
