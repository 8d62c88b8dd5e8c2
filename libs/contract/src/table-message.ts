import { z } from 'zod';
import { jsonValueSchema } from './catalogue.ts';
import { TRANSITIONS } from './cloud-event.ts';
import type { Transition } from './cloud-event.ts';
import { eventIdSchema } from './event-id.ts';
import { slugSchema, uuidSchema } from './identifier.ts';
import { tableFieldsSchema } from './table.ts';
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

/** A record as a change shows it: the fields that its reader may see and asked for. */
export const changedRecordSchema = z.object({ id: uuidSchema, fields: tableFieldsSchema });
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
  /** The id of the event, which is also the cursor: the same on every transport. */
  eventId: eventIdSchema,
  transition: z.enum(TRANSITIONS),
  record: changedRecordSchema.optional(),
  oldRecord: changedRecordSchema.optional(),
  /** When the row was written. Not an order: the event id is. */
  timestamp: timestampSchema,
  /** Where the record stands in the order that was asked for; absent where none was. */
  sortKey: z.array(jsonValueSchema).optional(),
});
export type TableChange = z.infer<typeof tableChangeSchema>;

/** Every message of the tables face, told apart by `type`. Clients ignore types that they do not know. */
export const tableMessageSchema = z.discriminatedUnion('type', [tableChangeSchema]);
export type TableMessage = z.infer<typeof tableMessageSchema>;
