import { z } from 'zod';

/**
 * A slug names a register, a schema, a table or an organisation: lower-case letters, digits, `_` and `-`, at most
 * 63 characters, beginning with a letter or digit. Slugs never change, and none contains a character that has a
 * meaning in a NATS subject or in a URL path.
 */
export const slugSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,62}$/,
    'must be 1 to 63 of a-z, 0-9, "_" and "-", beginning with a letter or digit',
  );

/** A UUID in its lower-case text form. Upper case is accepted and lowered. */
export const uuidSchema = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i, 'must be a UUID')
  .transform((text) => text.toLowerCase());

/**
 * Who acts: a person or a service. The shape of a slug, so that an id is safe as one token of a subject;
 * a UUID is a valid principal id too.
 */
export const principalIdSchema = slugSchema.describe('id of a principal');

/** Stands in a subject where an object has no organisation. Such objects are visible to `admin` only. */
export const NO_ORGANISATION = 'none';

const SLUG = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether the text is a slug as it stands. */
export function isSlug(text: string): boolean {
  return SLUG.test(text);
}

/** Whether the text is a lower-case UUID as it stands. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
