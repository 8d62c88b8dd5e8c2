import { z } from 'zod';
import { objectTypeSchema, registerSchema } from './catalogue.ts';
import { slugSchema, uuidSchema } from './identifier.ts';
import { actorSchema, objectImageSchema } from './object.ts';
import { policySchema } from './policy.ts';
import { credentialSchema, organisationSchema, principalSchema } from './principal.ts';
import { OBJECT_ACTIONS } from './subject.ts';
import { timestampSchema } from './time.ts';

const provenance = {
  /** When the row was written, by the database's clock. Not an order: the sequence is. */
  time: timestampSchema,
  actor: actorSchema.nullable(),
  /** Shared by all events of one request. */
  correlationId: z.string().max(128).nullable(),
  /** W3C trace context of the request, for our own processes only; it never leaves to a client. */
  traceparent: z.string().max(128).nullable(),
};

/**
 * A change of an object. Images hold every field and never leave the platform. `unencodable` marks a row whose images
 * could not be stored in the log: subscriptions on its schema get a `resync`.
 */
export const objectMessageSchema = z.object({
  kind: z.literal('object'),
  action: z.enum(OBJECT_ACTIONS),
  uuid: uuidSchema,
  register: z.object({ id: uuidSchema, slug: slugSchema }),
  schema: z.object({ id: uuidSchema, slug: slugSchema }),
  organisation: uuidSchema.nullable(),
  version: z.int().min(1),
  ...provenance,
  before: objectImageSchema.nullable(),
  after: objectImageSchema.nullable(),
  unencodable: z.literal(true).optional(),
});
export type ObjectMessage = z.infer<typeof objectMessageSchema>;

/** The state of one right or catalogue entry: what a snapshot lists and what the log carries after a change. */
export const rightsStateSchema = z.discriminatedUnion('kind', [
  policySchema,
  organisationSchema,
  principalSchema,
  credentialSchema,
  registerSchema,
  objectTypeSchema,
]);
export type RightsState = z.infer<typeof rightsStateSchema>;

/** A change of rights or of the catalogue. `state` is the whole new state, removed ones included; newest version wins. */
export const rightsMessageSchema = z.object({
  kind: z.literal('rights'),
  ...provenance,
  state: rightsStateSchema,
});
export type RightsMessage = z.infer<typeof rightsMessageSchema>;

/** Every payload of the log. Consumers ignore kinds that they do not know, and count them. */
export const logMessageSchema = z.discriminatedUnion('kind', [objectMessageSchema, rightsMessageSchema]);
export type LogMessage = z.infer<typeof logMessageSchema>;
