import { z } from 'zod';
import { principalIdSchema, slugSchema, uuidSchema } from './identifier.ts';
import { groupNameSchema, nameSchema } from './name.ts';
import { pageSchema } from './page.ts';
import { authorizationSchema, policySchema, propertyAuthorizationSchema, roleSchema } from './policy.ts';
import { groupMembershipSchema, organisationSchema, principalSchema } from './principal.ts';

/** What the API shows of the states that the log carries: without the members that only the log needs. */
export const organisationViewSchema = organisationSchema.omit({ kind: true, removed: true });
export const principalViewSchema = principalSchema.omit({ kind: true, removed: true });
export const policyViewSchema = policySchema.omit({ kind: true, removed: true });

/** A group of an organisation: it exists while it has members. */
export const groupSchema = z.object({
  organisation: uuidSchema,
  group: z.string(),
  members: z.array(principalIdSchema),
});

export const organisationPageSchema = pageSchema(organisationViewSchema);
export const principalPageSchema = pageSchema(principalViewSchema);
export const policyPageSchema = pageSchema(policyViewSchema);
export const groupPageSchema = pageSchema(groupSchema);

/** `PATCH /api/organisations/{uuid}`. */
export const organisationPatchSchema = z.strictObject({
  name: nameSchema.optional(),
  parent: uuidSchema.nullable().optional(),
});

/** `POST /api/organisations`. The id is chosen when absent. */
export const newOrganisationSchema = organisationPatchSchema.extend({
  id: uuidSchema.optional(),
  slug: slugSchema,
  name: nameSchema,
});

/** A membership that shall be: of a group that can have members. */
export const newMembershipSchema = groupMembershipSchema.extend({ group: groupNameSchema }).strict();

/** The groups that a principal shall be in, all of them. */
export const newMembershipsSchema = z.array(newMembershipSchema).max(1000);

/** `PATCH /api/principals/{id}`; lists replace. */
export const principalPatchSchema = z.strictObject({
  name: nameSchema.optional(),
  organisations: z.array(uuidSchema).max(100).optional(),
  activeOrganisation: uuidSchema.nullable().optional(),
  groups: newMembershipsSchema.optional(),
});

/** `POST /api/principals`. */
export const newPrincipalSchema = principalPatchSchema.extend({ id: principalIdSchema, name: nameSchema });

/** What a policy is about. */
export const policyTargetSchema = policySchema.shape.target;

/** `PUT /api/policies/{target}/{id}`: all of the rules; what is absent is none. */
export const policyContentSchema = z.strictObject({
  authorization: authorizationSchema.nullable().default(null),
  properties: z.record(z.string(), propertyAuthorizationSchema).default({}),
  roles: z.array(roleSchema).max(64).default([]),
});
