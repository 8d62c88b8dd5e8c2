import { z } from 'zod';
import { uuidSchema } from './identifier.ts';

/** A value that a rule compares with: plain JSON, or a variable such as `$organisation` as the whole value. */
const operandSchema = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.union([z.string(), z.number(), z.boolean()])),
]);

/** `{field: value}` or `{field: {$operator: value}}`; members are AND-ed, operators of one member too. */
export const matchSchema = z.record(
  z.string(),
  z.union([operandSchema, z.record(z.string(), operandSchema)]),
);
export type Match = z.infer<typeof matchSchema>;

/**
 * One rule: a group's name, or a group whose members pass only on rows that match. `public` is everybody,
 * `authenticated` everybody with a credential, `admin` passes everything; none of the three comes from a credential.
 */
export const ruleSchema = z.union([
  z.string().min(1).max(128),
  // Strict: a misspelt `match` that was dropped would turn a condition into an unconditional grant.
  z.strictObject({ group: z.string().min(1).max(128), match: matchSchema.optional() }),
]);
export type Rule = z.infer<typeof ruleSchema>;

const rulesSchema = z.array(ruleSchema).max(64);

/** What a principal may do with rows. */
export const ACTIONS = ['read', 'create', 'update', 'delete', 'list'] as const;
export type Action = (typeof ACTIONS)[number];

/**
 * Rules per action; rules of one action are OR-ed. A missing action means "members of the object's organisation", an
 * empty list denies. `roles` gives a named role to groups; a role's actions are in the register's policy.
 */
export const authorizationSchema = z.strictObject({
  read: rulesSchema.optional(),
  create: rulesSchema.optional(),
  update: rulesSchema.optional(),
  delete: rulesSchema.optional(),
  list: rulesSchema.optional(),
  roles: z.record(z.string(), z.array(z.string().min(1)).max(64)).optional(),
});
export type Authorization = z.infer<typeof authorizationSchema>;

/** Rules of one property. Missing means: whoever may read or update the row. `update` governs create too. */
export const propertyAuthorizationSchema = z.strictObject({
  read: rulesSchema.optional(),
  update: rulesSchema.optional(),
});
export type PropertyAuthorization = z.infer<typeof propertyAuthorizationSchema>;

/** A role of a register: what the groups that hold it may do on its schemas. */
export const roleSchema = z.strictObject({ name: z.string().min(1), actions: z.array(z.enum(ACTIONS)) });
export type Role = z.infer<typeof roleSchema>;

/**
 * The rules of one register or schema, as authz keeps them. `id` is the register's or schema's. A removed policy
 * stays as a tombstone with `removed`, so that the deletes of its objects can still be judged.
 */
export const policySchema = z.object({
  kind: z.literal('policy'),
  target: z.enum(['register', 'schema']),
  id: uuidSchema,
  version: z.int().min(1),
  authorization: authorizationSchema.nullable(),
  properties: z.record(z.string(), propertyAuthorizationSchema),
  roles: z.array(roleSchema).max(64),
  removed: z.boolean(),
});
export type Policy = z.infer<typeof policySchema>;
