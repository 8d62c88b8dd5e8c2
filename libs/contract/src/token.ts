import { z } from 'zod';
import { principalViewSchema } from './directory.ts';
import { principalIdSchema, uuidSchema } from './identifier.ts';
import { isStorableJson, nameSchema } from './name.ts';
import { pageSchema } from './page.ts';
import { credentialSchema, scopesSchema } from './principal.ts';
import { timestampSchema } from './time.ts';
import { topicSchema } from './topic.ts';

/** What a token shall be limited to. A topic that nothing could ever match is a mistake, and the answer says so. */
const newScopesSchema = scopesSchema
  .extend({ topics: z.array(topicSchema).max(100).optional() })
  .strict()
  .refine(isStorableJson, 'holds NUL or broken Unicode');

/** `POST /api/auth/tokens`. Without a principal the token is the caller's own. */
export const newTokenSchema = z.strictObject({
  principal: principalIdSchema.optional(),
  name: nameSchema,
  scopes: newScopesSchema.optional(),
  /** RFC 3339 with any offset, in the future. */
  expiresAt: z.string().optional(),
  /** A secret of one's own choice: for administrators, where the operator allows it. */
  secret: z
    .string()
    .regex(/^[A-Za-z0-9_-]{8,200}$/, 'must be 8 to 200 of A-Z, a-z, 0-9, "_" and "-"')
    .optional(),
});

/** A new token with its secret, which is in this answer and nowhere else. */
export const createdTokenSchema = z.object({
  id: uuidSchema,
  token: z.string(),
  principal: principalIdSchema,
  name: z.string(),
  scopes: scopesSchema.nullable(),
  createdAt: timestampSchema,
  expiresAt: timestampSchema.nullable(),
});

/** A token as it is listed. `prefix` is how its secret begins, `endedAt` when it was revoked, `lastUsedAt` when
 * it was used last, to the minute. */
export const tokenEntrySchema = createdTokenSchema.omit({ token: true }).extend({
  prefix: z.string(),
  endedAt: timestampSchema.nullable(),
  lastUsedAt: timestampSchema.nullable(),
});
export const tokenPageSchema = pageSchema(tokenEntrySchema);

/** The credential of a request as its owner sees it. */
export const credentialViewSchema = credentialSchema.omit({ kind: true, endedAt: true, version: true });

/** `GET /api/auth/me`. */
export const callerSchema = z.object({ principal: principalViewSchema, credential: credentialViewSchema });
