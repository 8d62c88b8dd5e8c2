import { z } from 'zod';
import { propertySchema } from './catalogue.ts';
import { uuidSchema } from './identifier.ts';
import { errorCodeSchema } from './problem.ts';
import { CATALOGUE_KINDS } from './subject.ts';

/** A property, as far as rules depend on how it is defined. */
const ruledPropertySchema = propertySchema.pick({ type: true, format: true });
export type RuledProperty = z.infer<typeof ruledPropertySchema>;

/**
 * What the names are that a policy uses: each with its different definitions in the schema, or in all schemas of the
 * register; none for a name that nothing has. Without schemas there is nothing that a name could be checked by.
 */
export const namedPropertiesSchema = z.object({
  schemas: z.int().min(0),
  properties: z.array(z.object({ name: z.string(), definitions: z.array(ruledPropertySchema) })),
});
export type NamedProperties = z.infer<typeof namedPropertiesSchema>;

/** `catalogue.v1.entry`: what do these names mean in a register or schema? */
export const catalogueEntryRequestSchema = z.object({
  kind: z.enum(CATALOGUE_KINDS),
  id: uuidSchema,
  names: z.array(z.string()).max(20_000),
});
export type CatalogueEntryRequest = z.infer<typeof catalogueEntryRequestSchema>;

/** Null: there is no such register or schema. */
export const catalogueEntryReplySchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), names: namedPropertiesSchema.nullable() }),
  z.object({ ok: z.literal(false), code: errorCodeSchema, message: z.string() }),
]);
export type CatalogueEntryReply = z.infer<typeof catalogueEntryReplySchema>;
