import { z } from 'zod';
import { jsonValueSchema } from './catalogue.ts';
import { TRANSITIONS } from './cloud-event.ts';
import type { Transition } from './cloud-event.ts';
import { eventIdSchema } from './event-id.ts';
import { slugSchema, uuidSchema } from './identifier.ts';
import { subscriptionIdSchema } from './subscription.ts';
import { tableActorSchema, tableFieldsSchema } from './table.ts';
import { timestampSchema } from './time.ts';

/** What a change is called on the tables face. */
export const TABLE_EVENTS = ['insert', 'update', 'delete'] as const;
export type TableEvent = (typeof TABLE_EVENTS)[number];

/** The event of a transition: a row that comes into view is inserted for its reader, one that goes out is deleted. */
export const TABLE_EVENT_OF = Object.freeze({
  created: 'insert',
  entered: 'insert',
  updated: 'update',
  left: 'delete',
  deleted: 'delete',
} as const satisfies Record<Transition, TableEvent>);

/** The fields of a record that its reader may see and asked for. */
export const recordFieldsSchema = z.object({ id: uuidSchema, fields: tableFieldsSchema });
export type RecordFields = z.infer<typeof recordFieldsSchema>;

/** A record as a change shows it. The times are there whatever fields were asked for; `updatedAt` is the token of the next write. */
export const changedRecordSchema = recordFieldsSchema.extend({
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
});
export type ChangedRecord = z.infer<typeof changedRecordSchema>;

/**
 * A change of a record. `record` replaces what the client had and is absent on deletes; `oldRecord` comes with updates
 * only, and only with fields that may be read on both.
 */
export const tableChangeSchema = z.object({
  type: z.literal('change'),
  event: z.enum(TABLE_EVENTS),
  table: slugSchema,
  recordId: uuidSchema,
  /** Absent in the answer to a poll, which is of one table. */
  subscriptionId: subscriptionIdSchema.optional(),
  /** The id of the event, which is also the cursor: the same on every transport. */
  eventId: eventIdSchema,
  transition: z.enum(TRANSITIONS),
  record: changedRecordSchema.optional(),
  oldRecord: recordFieldsSchema.optional(),
  /** When the row was written. Not an order: the event id is. */
  timestamp: timestampSchema,
  /** Where the record stands in the order that was asked for; absent where none was. */
  sortKey: z.array(jsonValueSchema).optional(),
});
export type TableChange = z.infer<typeof tableChangeSchema>;

/**
 * Somebody else's write changed fields of a record that this connection is editing (`pendingSchema`). Sent to that
 * connection only, and only of fields that its principal may read.
 */
export const recordConflictSchema = z.object({
  type: z.literal('conflict'),
  table: slugSchema,
  recordId: uuidSchema,
  /** Of the fields that are being edited, those that the write changed. */
  overwrittenFields: z.array(z.string()).min(1),
  /** {@link SOMEBODY} where the reader shares no organisation with who wrote. */
  overwrittenBy: tableActorSchema,
  /** The record as it is now, as far as this reader may see it. */
  authoritativeRecord: recordFieldsSchema,
  /** `updatedAt` of that record: the token of the next write. */
  updatedAt: timestampSchema,
  /** The write. */
  eventId: eventIdSchema,
  timestamp: timestampSchema,
});
export type RecordConflict = z.infer<typeof recordConflictSchema>;

/** Stands for a person of whom the reader may not know. No principal has an empty id. */
export const SOMEBODY = Object.freeze({ id: '', name: 'Another user' });
