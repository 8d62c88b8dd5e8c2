import { z } from 'zod';
import { TRANSITIONS } from './cloud-event.ts';
import { eventIdSchema } from './event-id.ts';
import { principalIdSchema, slugSchema, uuidSchema } from './identifier.ts';
import { errorCodeSchema } from './problem.ts';
import { groupMembershipSchema } from './principal.ts';
import { CATALOGUE_KINDS, OBJECT_ACTIONS, RIGHTS_KINDS } from './subject.ts';
import { timestampSchema } from './time.ts';

/** What is asked about a row, in this order; the last three are about what the subscriber asked for. */
export const EXPLANATION_STEPS = [
  'schema',
  'principal',
  'scope',
  'administrator',
  'tenant',
  'owner',
  'rule',
  'property',
  'topic',
  'event',
  'filter',
] as const;
export const explanationStepNameSchema = z.enum(EXPLANATION_STEPS);

/**
 * What a step says. `allows`: it lets the row or property through by itself. `continues`: it is no obstacle, the next
 * steps decide. `skips`: it does not apply. `stops`: nothing passes, whatever comes after.
 */
export const EXPLANATION_OUTCOMES = ['allows', 'continues', 'skips', 'stops'] as const;

/** A rule by its place: a JSON pointer into the policy of a register or schema. */
export const ruleReferenceSchema = z.object({
  policy: z.enum(['register', 'schema']),
  /** Of the register or schema. */
  id: uuidSchema,
  pointer: z.string(),
});
export type RuleReference = z.infer<typeof ruleReferenceSchema>;

/** One step. `reason` is for people; `groups` are those that the rule names, `fields` those that do not match it. */
export const explanationStepSchema = z.object({
  step: explanationStepNameSchema,
  outcome: z.enum(EXPLANATION_OUTCOMES),
  reason: z.string(),
  rule: ruleReferenceSchema.optional(),
  groups: z.array(z.string()).optional(),
  fields: z.array(z.string()).optional(),
});
export type ExplanationStep = z.infer<typeof explanationStepSchema>;

/** Whether one property is allowed, and what its rules say. Without rules it goes with its row. */
export const propertyExplanationSchema = z.object({
  name: z.string(),
  allowed: z.boolean(),
  reason: z.string(),
  steps: z.array(explanationStepSchema),
});
export type PropertyExplanation = z.infer<typeof propertyExplanationSchema>;

/** A decision on one row with its reasons: `reason` is that of the step that decided. No properties on a row that is not allowed. */
export const accessExplanationSchema = z.object({
  allowed: z.boolean(),
  reason: z.string(),
  steps: z.array(explanationStepSchema),
  properties: z.array(propertyExplanationSchema),
});
export type AccessExplanation = z.infer<typeof accessExplanationSchema>;

/** The principal that was asked about: `organisations` are the active one and its ancestors. */
export const explainedPrincipalSchema = z.object({
  id: principalIdSchema,
  name: z.string(),
  admin: z.boolean(),
  activeOrganisation: uuidSchema.nullable(),
  organisations: z.array(uuidSchema),
  groups: z.array(groupMembershipSchema),
});
export type ExplainedPrincipal = z.infer<typeof explainedPrincipalSchema>;

const answerMembers = {
  /** The answer in a sentence or two. */
  verdict: z.string(),
  principal: explainedPrincipalSchema,
  /** Rights are those as of here. */
  position: eventIdSchema,
};

/** A property that the event carries, but not to this principal: not in `object`, or not in `changed`. */
const removedPropertySchema = z.object({
  name: z.string(),
  from: z.array(z.enum(['object', 'changed'])),
  image: z.enum(['before', 'after']),
  reason: z.string(),
  rules: z.array(ruleReferenceSchema),
});

/** A change of rights or of the catalogue, told by where it stands in the log. */
const laterChangeSchema = z.object({
  event: eventIdSchema,
  time: timestampSchema,
  kind: z.enum([...RIGHTS_KINDS, ...CATALOGUE_KINDS]),
  id: z.string(),
  version: z.int(),
});

/**
 * Why an event reaches a principal, or does not, under the rights of now. `seenEarlier`: a rule on the time let the row
 * pass at some moment since it was written. `rightsChanged.complete` is false when there were too many changes to look
 * through all of them.
 */
export const eventExplanationSchema = z.object({
  kind: z.literal('event'),
  ...answerMembers,
  delivered: z.boolean(),
  transition: z.enum(TRANSITIONS).nullable(),
  event: z.object({
    id: eventIdSchema,
    action: z.enum(OBJECT_ACTIONS),
    time: timestampSchema,
    register: slugSchema,
    schema: slugSchema,
    uuid: uuidSchema,
    organisation: uuidSchema.nullable(),
    version: z.int(),
  }),
  before: accessExplanationSchema.extend({ seenEarlier: z.boolean() }).nullable(),
  after: accessExplanationSchema.nullable(),
  removed: z.array(removedPropertySchema),
  rightsChanged: z.object({
    changed: z.boolean(),
    complete: z.boolean(),
    changes: z.array(laterChangeSchema),
  }),
});
export type EventExplanation = z.infer<typeof eventExplanationSchema>;

/** Which rows of a schema a principal can see: none, its own ones, those that match a rule, or all of its organisations'. */
export const READABLE_ROWS = ['none', 'own', 'some', 'all'] as const;
export type ReadableRows = (typeof READABLE_ROWS)[number];

/** What a subscription reaches of one schema. `rules`: which can ever hold for the principal; for administrators only. */
const reachedSchemaSchema = z.object({
  register: slugSchema,
  schema: slugSchema,
  rows: z.enum(READABLE_ROWS),
  reason: z.string(),
  rules: z.array(explanationStepSchema),
  unreadable: z.array(z.string()),
});
export type ReachedSchema = z.infer<typeof reachedSchemaSchema>;

/** Events that were stopped alike. `newest` is one to ask about by itself. */
const stoppedEventsSchema = z.object({
  step: explanationStepNameSchema,
  reason: z.string(),
  rule: ruleReferenceSchema.optional(),
  count: z.int(),
  newest: eventIdSchema,
});
export type StoppedEvents = z.infer<typeof stoppedEventsSchema>;

/**
 * Why a subscription sees what it sees. `refusal`: what subscribing would be answered with. `events`: what became of
 * past events; an administrator is told of the last `limit` events of the topics, everybody else of those events
 * that are for them among the last `limit` positions of the log, and of no other (`read` and `oldest` are absent).
 */
export const subscriptionExplanationSchema = z.object({
  kind: z.literal('subscription'),
  ...answerMembers,
  refusal: z.object({ code: errorCodeSchema, status: z.int(), message: z.string() }).nullable(),
  schemas: z.array(reachedSchemaSchema),
  /** There are more schemas than `schemas` lists. */
  truncated: z.boolean(),
  events: z
    .object({
      limit: z.int(),
      read: z.int().optional(),
      oldest: eventIdSchema.optional(),
      delivered: z.int(),
      stopped: z.array(stoppedEventsSchema),
    })
    .nullable(),
});
export type SubscriptionExplanation = z.infer<typeof subscriptionExplanationSchema>;

export const explanationSchema = z.discriminatedUnion('kind', [
  eventExplanationSchema,
  subscriptionExplanationSchema,
]);
export type Explanation = z.infer<typeof explanationSchema>;

/** Query parameters of `GET /api/explain`, besides those of a subscription. */
export const EXPLAIN_PARAMETERS = Object.freeze({
  principal: 'principal',
  event: 'event',
  limit: 'limit',
});

/** Bounds of an explanation: events that are read, schemas and changes of rights that are listed. */
export const EXPLAIN_LIMITS = Object.freeze({
  defaultEvents: 1000,
  maxEvents: 1000,
  maxSchemas: 50,
  maxChanges: 20,
});
