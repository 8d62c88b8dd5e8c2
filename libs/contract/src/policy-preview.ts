import { z } from 'zod';
import { policyContentSchema } from './directory.ts';
import { principalIdSchema, slugSchema, uuidSchema } from './identifier.ts';
import { policySchema } from './policy.ts';
import { groupMembershipSchema } from './principal.ts';
import { errorCodeSchema } from './problem.ts';

/** Bounds of a preview. */
export const PREVIEW_LIMITS = Object.freeze({ principals: 1000, sample: 10, timeoutMs: 5000 });

/** What a preview can be about: what principals may do with rows that there are. */
export const previewActionSchema = z.enum(['read', 'list', 'update', 'delete']);
export type PreviewAction = z.infer<typeof previewActionSchema>;

/** How many rows, and some of them. */
export const previewRowsSchema = z.object({
  rows: z.int().min(0),
  /** Some of them, by the slug of their table and their uuid. */
  sample: z.array(z.object({ table: slugSchema, uuid: uuidSchema })).max(PREVIEW_LIMITS.sample),
});

/** What a policy would change for one principal; null: for anonymous readers. */
export const principalPreviewSchema = z.object({
  principal: principalIdSchema.nullable(),
  gains: previewRowsSchema,
  loses: previewRowsSchema,
  /** Of rows that it may act on before and after: properties that it could read (or update) on at least one more, or less. */
  properties: z.object({ gains: z.array(z.string()), loses: z.array(z.string()) }),
});
export type PrincipalPreview = z.infer<typeof principalPreviewSchema>;

/** Who would gain and lose what. */
const previewSchema = z.object({
  /** Those for whom something changes. */
  principals: z.array(principalPreviewSchema),
  /** How many were looked at for whom nothing changes; administrators, who pass everything, are not. */
  unchanged: z.int().min(0),
  /** Whether there are principals that were not looked at: too many, or no time left. What is said is exact all the same. */
  truncated: z.boolean(),
});

/** The answer to `PUT /api/policies/{target}/{id}?dryRun=true`: nothing was written. */
export const policyPreviewSchema = z.object({
  valid: z.literal(true),
  action: previewActionSchema,
  ...previewSchema.shape,
});
export type PolicyPreview = z.infer<typeof policyPreviewSchema>;

/** Principals that have the same rights but for what they own; null among them stands for anonymous readers. */
const previewProfileSchema = z.object({
  activeOrganisation: uuidSchema.nullable(),
  groups: z.array(groupMembershipSchema),
  principals: z.array(principalIdSchema.nullable()).min(1),
});
export type PreviewProfile = z.infer<typeof previewProfileSchema>;

/** `records.v1.preview-policy`: what would this policy change for these principals? */
export const previewPolicyRequestSchema = z.object({
  ...policyContentSchema.shape,
  target: policySchema.shape.target,
  id: uuidSchema,
  action: previewActionSchema,
  profiles: z.array(previewProfileSchema),
});
export type PreviewPolicyRequest = z.infer<typeof previewPolicyRequestSchema>;

export const previewPolicyReplySchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), ...previewSchema.shape }),
  z.object({ ok: z.literal(false), code: errorCodeSchema, message: z.string() }),
]);
export type PreviewPolicyReply = z.infer<typeof previewPolicyReplySchema>;
