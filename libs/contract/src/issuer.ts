import { z } from 'zod';
import { newMembershipSchema } from './directory.ts';
import { principalIdSchema, slugSchema, uuidSchema } from './identifier.ts';
import { pageSchema } from './page.ts';
import { timestampSchema } from './time.ts';

/** Algorithms of signatures that an issuer may be allowed: with a public key only, so that what verifies cannot sign. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];
export const tokenAlgorithmSchema = z.enum(TOKEN_ALGORITHMS);

/** Entries of one map of claim values. */
const MAX_MAPPED = 1000;
/** Leaves room for what principals are called after it: `{slug}-{20 characters}` is a principal's id. */
const MAX_ISSUER_SLUG = 42;

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Whether an address is of this machine itself: the only place where `http:` is not read by others on the way. */
export function isLoopbackUrl(url: URL): boolean {
  return LOOPBACK.test(url.hostname);
}

function isIssuerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const secret = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackUrl(url));
  return secret && url.username === '' && url.password === '' && url.hash === '' && text.length <= 2000;
}

const addressSchema = z
  .string()
  .refine(isIssuerUrl, 'must be an https: URL without user and fragment (http: on this machine only)');

/** Where in the claims: the name of a member, or a JSON pointer such as `/realm_access/roles` to a nested one. */
const claimSchema = z.string().min(1).max(200);

function mapSchema<Value extends z.ZodType>(value: Value) {
  return z
    .record(z.string().min(1).max(500), value)
    .refine((map) => Object.keys(map).length <= MAX_MAPPED, `must have at most ${MAX_MAPPED} entries`);
}

/**
 * What of the claims counts: only what is mapped here. A value without an entry gives nothing, whatever it is called.
 * Claims may be text or a list of texts.
 */
export const issuerClaimsSchema = z.strictObject({
  /** The claim that a principal made by this issuer is named after. */
  name: claimSchema.optional(),
  organisation: z.strictObject({ claim: claimSchema, map: mapSchema(uuidSchema) }).optional(),
  /** A group makes its principal a member of the group's organisation too. */
  groups: z
    .strictObject({
      claim: claimSchema,
      map: mapSchema(newMembershipSchema),
    })
    .optional(),
});
export type IssuerClaims = z.infer<typeof issuerClaimsSchema>;

const settings = {
  audiences: z.array(z.string().min(1).max(500)).min(1).max(20),
  organisations: z.array(uuidSchema).max(100),
  jwksUri: addressSchema.nullable(),
  algorithms: z.array(tokenAlgorithmSchema).min(1).max(TOKEN_ALGORITHMS.length),
  clockSkewMs: z.int().min(0).max(60_000),
  maxTokenAgeMs: z.int().min(1_000).max(31_536_000_000).nullable(),
  claims: issuerClaimsSchema,
  provisioning: z.enum(['create', 'existing']),
};

/**
 * An issuer of access tokens that is trusted for some organisations. `jwksUri` null: found in the issuer's
 * `/.well-known/openid-configuration`. `provisioning`: whether a subject that nobody linked becomes a principal.
 */
export const issuerSchema = z.object({
  id: uuidSchema,
  slug: slugSchema.refine(
    (slug) => slug.length <= MAX_ISSUER_SLUG,
    `must be at most ${MAX_ISSUER_SLUG} characters`,
  ),
  /** Compared with `iss` as it is written. */
  issuer: addressSchema,
  ...settings,
  version: z.int().min(1),
});
export type Issuer = z.infer<typeof issuerSchema>;
export const issuerPageSchema = pageSchema(issuerSchema);

/** `POST /api/issuers`. */
export const newIssuerSchema = z.strictObject({
  slug: issuerSchema.shape.slug,
  issuer: issuerSchema.shape.issuer,
  audiences: settings.audiences,
  organisations: settings.organisations,
  jwksUri: settings.jwksUri.default(null),
  algorithms: settings.algorithms.default(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']),
  clockSkewMs: settings.clockSkewMs.default(30_000),
  maxTokenAgeMs: settings.maxTokenAgeMs.default(null),
  claims: settings.claims.default({}),
  provisioning: settings.provisioning.default('create'),
});
export type NewIssuer = z.infer<typeof newIssuerSchema>;

/** `PATCH /api/issuers/{id}`; lists and `claims` replace. */
export const issuerPatchSchema = z.strictObject(settings).partial();
export type IssuerPatch = z.infer<typeof issuerPatchSchema>;

/** The `sub` of a token, as OpenID Connect bounds it. */
export const subjectSchema = z
  .string()
  .regex(/^[\u0020-\u007e]{1,255}$/, 'must be 1 to 255 printable ASCII characters');

/** Which principal a subject of an issuer is. */
export const issuerIdentitySchema = z.object({
  principal: principalIdSchema,
  subject: subjectSchema,
  /** Made at its first token; false: an administrator linked it. */
  provisioned: z.boolean(),
  createdAt: timestampSchema,
});
export type IssuerIdentity = z.infer<typeof issuerIdentitySchema>;
export const issuerIdentityPageSchema = pageSchema(issuerIdentitySchema);

/** `PUT /api/issuers/{id}/identities/{principal}`. */
export const newIdentitySchema = z.strictObject({ subject: subjectSchema });

/** An access token that was seen, without its text: a credential as any other. `issuer` is the issuer's id. */
export const accessTokenEntrySchema = z.object({
  id: uuidSchema,
  principal: principalIdSchema,
  issuer: uuidSchema,
  createdAt: timestampSchema,
  expiresAt: timestampSchema,
  endedAt: timestampSchema.nullable(),
});
export type AccessTokenEntry = z.infer<typeof accessTokenEntrySchema>;
export const accessTokenPageSchema = pageSchema(accessTokenEntrySchema);
