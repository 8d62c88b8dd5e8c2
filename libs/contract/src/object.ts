import { z } from 'zod';
import { principalIdSchema, slugSchema, uuidSchema } from './identifier.ts';
import { resyncReasonSchema } from './stream.ts';
import { timestampSchema } from './time.ts';

/** System members of an object; each may be used in filters, rules and `_order`. */
export const SYSTEM_FIELDS = [
  '_uuid',
  '_register',
  '_schema',
  '_organisation',
  '_owner',
  '_version',
  '_created',
  '_updated',
] as const;
export type SystemField = (typeof SYSTEM_FIELDS)[number];

/**
 * The state of an object at one version: its properties at top level and its system members. What the log carries
 * before and after a change, and what rules are judged on. `_register` and `_schema` are slugs.
 */
export const objectImageSchema = z.looseObject({
  _uuid: uuidSchema,
  _register: slugSchema,
  _schema: slugSchema,
  _organisation: uuidSchema.nullable(),
  _owner: z.string().nullable(),
  _version: z.int().min(1),
  _created: timestampSchema,
  _updated: timestampSchema,
});
export type ObjectImage = z.infer<typeof objectImageSchema>;

/** An object on the registers face: the image, trimmed to what the reader may see, and `id`, which equals `_uuid`. */
export const objectSchema = objectImageSchema.extend({ id: uuidSchema });
export type RegisterObject = z.infer<typeof objectSchema>;

/** `PUT …/{uuid}/owner`: whose the object shall be; null: nobody's. `_version` is the one that was read. */
export const newOwnerSchema = z.strictObject({
  owner: principalIdSchema.nullable(),
  _version: z.int().min(1).optional(),
});

/** An object as the answer to its writer. Who may write what it may not read learns these members and no others. */
export const writtenObjectSchema = z.looseObject({
  id: uuidSchema,
  _uuid: uuidSchema,
  _version: z.int().min(1),
  _created: timestampSchema,
  _updated: timestampSchema,
});

/** A deleted object in the answer to a poll: for those who could see it, and nothing of what it was. */
export const deletedObjectSchema = z.object({
  id: uuidSchema,
  _uuid: uuidSchema,
  _version: z.int().min(1),
  /** When it was deleted. */
  _updated: timestampSchema,
  _deleted: z.literal(true),
});
export type DeletedObject = z.infer<typeof deletedObjectSchema>;

/**
 * What the answer to a poll says besides its rows. `_next` is what to send as `_updatedSince` next time: at once while there
 * is `_more`. `_resync`: what the reader has cannot be brought up to date; it begins again with this answer.
 */
const pollMembers = {
  _next: z.string().max(4096).optional(),
  _more: z.boolean().optional(),
  _resync: z.object({ reason: resyncReasonSchema }).optional(),
};

/** A page of objects. `_position` is the place in the log that the list includes: subscribe from it, miss nothing. */
export const objectListSchema = z.object({
  results: z.array(z.looseObject({ id: uuidSchema })),
  total: z.int().min(0),
  page: z.int().min(1),
  pages: z.int().min(0),
  limit: z.int().min(1),
  offset: z.int().min(0),
  _position: z.string(),
  ...pollMembers,
});
export type ObjectList = z.infer<typeof objectListSchema>;

/** Who made a change. `organisation` is the one acted for; readers of other organisations do not see the actor. */
export const actorSchema = z.object({
  id: z.union([principalIdSchema, z.string().max(200)]),
  name: z.string().max(200),
  organisation: uuidSchema.nullable(),
});
export type Actor = z.infer<typeof actorSchema>;

/** Names that a list or a subscription may ask for as its fields. */
export const MAX_FIELD_NAMES = 256;

/** Query parameters with a meaning of their own; a property of such a name is filtered with `filter[name]=`. */
export const QUERY_PARAMETERS = Object.freeze({
  limit: '_limit',
  offset: '_offset',
  page: '_page',
  order: '_order',
  search: '_search',
  fields: '_fields',
  updatedSince: '_updatedSince',
  includeDeleted: '_includeDeleted',
  organisation: '_organisation',
  permanent: 'permanent',
  token: 'token',
  topic: 'topic',
  lastEventId: 'lastEventId',
  events: 'events',
  filter: 'filter',
});

/** Bounds of a list request. */
export const LIST_LIMITS = Object.freeze({ defaultLimit: 20, maxLimit: 1000 });

/** Bounds of an object: bytes of its properties as JSON text, depth of nesting, largest integer. */
export const OBJECT_LIMITS = Object.freeze({
  maxBytes: 256 * 1024,
  maxDepth: 32,
  maxInteger: Number.MAX_SAFE_INTEGER,
});
