import { z } from 'zod';
import { principalIdSchema, slugSchema, uuidSchema } from './identifier.ts';
import { ACTIONS } from './policy.ts';
import { timestampSchema } from './time.ts';

/** A tenant. Its members read what it and its ancestors hold, and write what it holds. */
export const organisationSchema = z.object({
  kind: z.literal('organisation'),
  id: uuidSchema,
  slug: slugSchema,
  name: z.string().max(200),
  parent: uuidSchema.nullable(),
  version: z.int().min(1),
  removed: z.boolean(),
});
export type Organisation = z.infer<typeof organisationSchema>;

/** Membership of a group; a group of one organisation means nothing in another. */
export const groupMembershipSchema = z.object({
  organisation: uuidSchema,
  group: z.string().min(1).max(128),
});
export type GroupMembership = z.infer<typeof groupMembershipSchema>;

/** Who acts. `activeOrganisation` is the one whose rows the principal sees and writes now. */
export const principalSchema = z.object({
  kind: z.literal('principal'),
  id: principalIdSchema,
  name: z.string().max(200),
  admin: z.boolean(),
  organisations: z.array(uuidSchema).max(100),
  activeOrganisation: uuidSchema.nullable(),
  groups: z.array(groupMembershipSchema).max(1000),
  version: z.int().min(1),
  removed: z.boolean(),
});
export type Principal = z.infer<typeof principalSchema>;

/** What a credential is limited to; absent members do not limit. Topics are public names (`topic.ts`). */
export const scopesSchema = z.object({
  topics: z.array(z.string()).max(100).optional(),
  actions: z.array(z.enum(ACTIONS)).optional(),
});
export type Scopes = z.infer<typeof scopesSchema>;

/**
 * By what somebody acts: an API token, a session of a browser (cookie), a password (Basic), or an access token of an
 * issuer (OAuth 2, OpenID Connect). Each is one credential with an id of its own, and its end is told in the log.
 */
export const CREDENTIAL_TYPES = Object.freeze(['token', 'session', 'password', 'access-token'] as const);
export type CredentialType = (typeof CREDENTIAL_TYPES)[number];

/** A credential, without its secret. One that ended (revoked, expired, rotated) keeps its id and `endedAt`. */
export const credentialSchema = z.object({
  kind: z.literal('credential'),
  id: uuidSchema,
  type: z.enum(CREDENTIAL_TYPES),
  principal: principalIdSchema,
  scopes: scopesSchema.nullable(),
  expiresAt: timestampSchema.nullable(),
  endedAt: timestampSchema.nullable(),
  version: z.int().min(1),
});
export type Credential = z.infer<typeof credentialSchema>;
