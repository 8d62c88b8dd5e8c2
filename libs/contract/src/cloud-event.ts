import { z } from 'zod';
import { jsonValueSchema } from './catalogue.ts';
import { eventIdSchema } from './event-id.ts';
import { slugSchema, uuidSchema } from './identifier.ts';
import { OBJECT_ACTIONS } from './subject.ts';
import type { ObjectAction } from './subject.ts';
import { timestampSchema } from './time.ts';

export const DEFAULT_EVENT_TYPE_PREFIX = 'nl.conduction.openregister';

/** SSE `event:` names and suffixes of the CloudEvents type, by action. */
export const EVENT_NAMES = Object.freeze({
  created: 'object.created',
  updated: 'object.updated',
  deleted: 'object.deleted',
} as const satisfies Record<ObjectAction, string>);

/** What happened to a row from where one subscriber stands: relative to what it may see and asked for. */
export const TRANSITIONS = ['created', 'entered', 'updated', 'left', 'deleted'] as const;
export type Transition = (typeof TRANSITIONS)[number];

/** `data` of an event. `object` is the row trimmed to the reader; `changed` only on updates; neither on deletes. */
export const eventDataSchema = z.object({
  uuid: uuidSchema,
  register: slugSchema,
  schema: slugSchema,
  organisation: uuidSchema.nullable().optional(),
  version: z.int().min(1).optional(),
  /** Present on `left`: the row still exists, but not for this subscriber. */
  transition: z.enum(['entered', 'left']).optional(),
  actor: z.object({ id: z.string(), name: z.string() }).optional(),
  object: z.looseObject({ id: uuidSchema }).optional(),
  changed: z.record(z.string(), z.object({ old: jsonValueSchema, new: jsonValueSchema })).optional(),
});
export type EventData = z.infer<typeof eventDataSchema>;

/** CloudEvents 1.0 in its JSON format; the same event has the same `id` and `source` on every transport. */
export const cloudEventSchema = z.object({
  specversion: z.literal('1.0'),
  id: eventIdSchema,
  source: z.string().min(1),
  type: z.string().regex(new RegExp(`\\.object\\.(${OBJECT_ACTIONS.join('|')})$`)),
  time: timestampSchema,
  subject: uuidSchema,
  datacontenttype: z.literal('application/json'),
  sequence: z.string(),
  correlationid: z.string().optional(),
  data: eventDataSchema,
});
export type CloudEvent = z.infer<typeof cloudEventSchema>;
