import { z } from 'zod';
import { cloudEventSchema } from './cloud-event.ts';
import { eventIdSchema } from './event-id.ts';
import { resyncSchema } from './stream.ts';
import { tableChangeSchema } from './table-message.ts';

const poll = {
  /** The cursor of the next poll: every event up to it was told, or was not for this caller. */
  lastEventId: eventIdSchema,
  /** Whether the next poll will be answered without waiting. */
  more: z.boolean(),
  /** "Fetch again": the list is empty then, and events follow `lastEventId`. */
  resync: resyncSchema.optional(),
};

/** The answer to a long poll of topics. */
export const topicPollSchema = z.object({ events: z.array(cloudEventSchema), ...poll });
export type TopicPoll = z.infer<typeof topicPollSchema>;

/** The answer to a long poll of a table. */
export const tablePollSchema = z.object({ messages: z.array(tableChangeSchema), ...poll });
export type TablePoll = z.infer<typeof tablePollSchema>;
