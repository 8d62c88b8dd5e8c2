import { z } from 'zod';
import { slugSchema, uuidSchema } from './identifier.ts';
import { timestampSchema } from './time.ts';

/** A JSON value. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

/** Any JSON value. One schema for all places, so that documents name it instead of repeating it. */
export const jsonValueSchema = z.json();

/** Names that a property may not have: they are system members of an object on the wire. */
export function isReservedPropertyName(name: string): boolean {
  return name === 'id' || name.startsWith('_');
}

/**
 * A property of a schema: the JSON Schema keywords that Tidewire validates. Others are refused, so that nobody
 * believes in a check that is not made.
 */
export const propertySchema = z.strictObject({
  type: z.enum(['string', 'number', 'integer', 'boolean', 'array', 'object']),
  title: z.string().max(200).optional(),
  description: z.string().max(2000).optional(),
  format: z
    .enum(['date-time', 'date', 'time', 'email', 'uri', 'uuid', 'hostname', 'ipv4', 'ipv6'])
    .optional(),
  enum: z
    .array(z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .min(1)
    .max(1000)
    .optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
  multipleOf: z.number().positive().optional(),
  minLength: z.int().min(0).optional(),
  maxLength: z.int().min(0).optional(),
  pattern: z.string().max(500).optional(),
  items: z.record(z.string(), jsonValueSchema).optional(),
  minItems: z.int().min(0).optional(),
  maxItems: z.int().min(0).optional(),
  uniqueItems: z.boolean().optional(),
  properties: z.record(z.string(), jsonValueSchema).optional(),
  required: z.array(z.string()).optional(),
  default: jsonValueSchema.optional(),
  /**
   * The value, or every element of a list, is the UUID of an object of that schema: `{schema}` of the same register, or
   * `{register}/{schema}`. Nothing makes sure that there is one.
   */
  relation: z
    .string()
    .max(200)
    .regex(/^[0-9a-z_-]+(?:\/[0-9a-z_-]+)?$/)
    .optional(),
});
export type Property = z.infer<typeof propertySchema>;

/** The name of a property as a member of an object. */
export const propertyNameSchema = z
  .string()
  .min(1)
  .max(128)
  .refine((name) => !isReservedPropertyName(name), 'must not be "id" and must not begin with "_"')
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  .refine((name) => !/[\u0000-\u001f\u007f]/.test(name), 'must not contain control characters');

/** A register: a named set of schemas. The slug never changes and stays reserved after deletion. */
export const registerSchema = z.object({
  kind: z.literal('register'),
  id: uuidSchema,
  slug: slugSchema,
  title: z.string().max(200),
  description: z.string().max(2000),
  version: z.int().min(1),
  /** Absent in what was logged before this was told. */
  created: timestampSchema.optional(),
  removed: z.boolean(),
});
export type Register = z.infer<typeof registerSchema>;

/** A schema of a register, which is also a table. `table` is its slug on the tables face. */
export const objectTypeSchema = z.object({
  kind: z.literal('schema'),
  id: uuidSchema,
  slug: slugSchema,
  register: uuidSchema,
  table: slugSchema,
  title: z.string().max(200),
  description: z.string().max(2000),
  properties: z.record(propertyNameSchema, propertySchema),
  required: z.array(z.string()).max(200),
  version: z.int().min(1),
  /** Absent in what was logged before this was told. */
  created: timestampSchema.optional(),
  removed: z.boolean(),
});
/** "Schema" on the wire; called object type where a zod schema stands beside it. */
export type ObjectType = z.infer<typeof objectTypeSchema>;
