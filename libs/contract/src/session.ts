import { z } from 'zod';
import { principalIdSchema, uuidSchema } from './identifier.ts';
import { pageSchema } from './page.ts';
import { clientAddressSchema } from './request.ts';
import { timestampSchema } from './time.ts';

/** The cookie that a session is carried in. */
export const SESSION_COOKIE = 'tidewire_session';

/** How long the secret from before a rotation still works, milliseconds: for requests of other tabs under way. */
export const ROTATION_GRACE_MS = 30_000;

const MAX_PASSWORD_LENGTH = 256;

/** A password as somebody types it. Any text: what is not a password of anybody is refused like a wrong one. */
const typedPasswordSchema = z.string().min(1).max(MAX_PASSWORD_LENGTH);

/** `POST /api/auth/login`. */
export const loginSchema = z.strictObject({
  username: z.string().min(1).max(200),
  password: typedPasswordSchema,
});

/** `PUT /api/principals/{id}/password`. The current one is asked of whoever changes their own. */
export const newPasswordSchema = z.strictObject({
  password: typedPasswordSchema.refine((text) => text.isWellFormed(), 'must be well-formed Unicode'),
  currentPassword: typedPasswordSchema.optional(),
});

/** A session that is in force. It ends when it is not used until `expiresAt`, which its use moves up to `latestEnd`. */
export const sessionEntrySchema = z.object({
  id: uuidSchema,
  principal: principalIdSchema,
  /** Whether it is the one that this request came with. */
  current: z.boolean(),
  createdAt: timestampSchema,
  lastUsedAt: timestampSchema,
  expiresAt: timestampSchema,
  latestEnd: timestampSchema,
  /** Where it was opened from. */
  address: clientAddressSchema,
});
export const sessionPageSchema = pageSchema(sessionEntrySchema);
