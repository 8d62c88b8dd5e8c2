import { z } from 'zod';
import { jsonValueSchema } from './catalogue.ts';
import { uuidSchema } from './identifier.ts';
import { actorSchema } from './object.ts';
import { timestampSchema } from './time.ts';

/**
 * What a change of rights can be about. `membership`: of an organisation; `group`: membership of a group; `identity`: whom
 * an issuer's users act as. `connection`: a client of NATS that was not let in.
 */
export const AUDIT_KINDS = [
  'principal',
  'membership',
  'group',
  'organisation',
  'credential',
  'policy',
  'issuer',
  'identity',
  'connection',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];
export const auditKindSchema = z.enum(AUDIT_KINDS);

/** What happened to it. What leaves a tombstone, and a credential that ends, is `removed`; only connections are `refused`. */
export const AUDIT_ACTIONS = ['added', 'changed', 'removed', 'refused'] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

const auditStateSchema = z.record(z.string(), jsonValueSchema);

/**
 * One change of rights. Entries are numbered in the order of their commits without gaps, so that whoever has all of them
 * can tell that none was taken out. Several entries of one request share its correlation id.
 */
export const auditEntrySchema = z.object({
  id: uuidSchema,
  number: z.int().min(1),
  /** By the database's clock. Not an order: the number is. */
  time: timestampSchema,
  actor: actorSchema.nullable(),
  correlationId: z.string().max(128).nullable(),
  kind: auditKindSchema,
  /** Id of what changed; of memberships, groups and identities, of whoever has them; of connections, the client's address. */
  subject: z.string(),
  action: z.enum(AUDIT_ACTIONS),
  /** As it was before this change; null where there was nothing. Never a secret nor a hash of one. */
  before: auditStateSchema.nullable(),
  after: auditStateSchema.nullable(),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** A cursor from before the first entry. */
export const AUDIT_BEGINNING = '00000000-0000-0000-0000-000000000000';

/** `GET /api/audit`: entries in the order asked for. */
export const auditPageSchema = z.object({
  entries: z.array(auditEntrySchema),
  /** `cursor` of the next page or, from the oldest on, of the next poll; null where no older entries are left. */
  next: uuidSchema.nullable(),
  /** Whether there are more entries already. */
  more: z.boolean(),
});
export type AuditPage = z.infer<typeof auditPageSchema>;

/** On the stream, `event: resync`: the cursor is of no entry. Read the list; the stream goes on after `current`. */
export const auditResyncSchema = z.object({ reason: z.literal('malformed'), current: uuidSchema });
export type AuditResync = z.infer<typeof auditResyncSchema>;

/** How many entries a page has. */
export const AUDIT_LIMITS = Object.freeze({ defaultLimit: 100, maxLimit: 1000 });

/** Actors are principals, commands and roles of the database. */
const actorIdSchema = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !text.includes('\u0000'), 'must not contain NUL');

/** Which entries are wanted; each narrows. */
const auditFilterShape = {
  kind: auditKindSchema.optional(),
  principal: actorIdSchema.optional(),
  actor: actorIdSchema.optional(),
};

/** The query of `GET /api/audit`; other names are refused. */
export const auditQuerySchema = z.strictObject({
  ...auditFilterShape,
  since: z.string().max(64).optional(),
  cursor: uuidSchema.optional(),
  order: z.enum(['oldest', 'newest']).default('oldest'),
  limit: z.coerce.number().int().min(1).max(AUDIT_LIMITS.maxLimit).default(AUDIT_LIMITS.defaultLimit),
  token: z.string().optional(),
});

/** The query of `GET /api/audit/subscribe`. A cursor that is no entry's is told by a resync, not refused. */
export const auditStreamQuerySchema = z.strictObject({
  ...auditFilterShape,
  lastEventId: z.string().max(200).optional(),
  token: z.string().optional(),
});
