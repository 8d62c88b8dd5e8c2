import { z } from 'zod';
import { principalIdSchema, uuidSchema } from './identifier.ts';
import { timestampSchema } from './time.ts';

/** A page as its address names it: the path without query, fragment and trailing slash, `/tables/{slug}` for a table. */
export const pagePathSchema = z.string().max(512).regex(/^\//);

/** Somebody who is on a page. */
export const presentUserSchema = z.object({
  id: principalIdSchema,
  name: z.string().max(200),
  avatarUrl: z
    .string()
    .max(2048)
    .regex(/^https?:\/\//)
    .optional(),
  pagePath: pagePathSchema,
  /** When the first of the connections that are there now joined. */
  joinedAt: timestampSchema,
});
export type PresentUser = z.infer<typeof presentUserSchema>;

/** Somebody came to a page. */
export const joinSchema = z.object({ type: z.literal('join'), user: presentUserSchema });

/** The last connection of somebody left a page. */
export const leaveSchema = z.object({
  type: z.literal('leave'),
  userId: principalIdSchema,
  pagePath: pagePathSchema,
});

/** Everybody who is on a page, each once; sent when one joins it, and when what was told before does not hold any more. */
export const presenceSyncSchema = z.object({
  type: z.literal('presence-sync'),
  pagePath: pagePathSchema,
  users: z.array(presentUserSchema),
});

/** What one connection is to the others of its page, as gateways keep it for each other. */
export const presenceEntrySchema = presentUserSchema.extend({
  /** One stay of a connection on the page; when it comes back, that is another one. */
  connection: uuidSchema,
  gateway: z.string(),
});
export type PresenceEntry = z.infer<typeof presenceEntrySchema>;

/** `presence.v1.{page}`: what changed among the connections of a page. */
export const presenceSignalSchema = z.discriminatedUnion('change', [
  z.object({ change: z.literal('join'), entry: presenceEntrySchema }),
  z.object({ change: z.literal('leave'), connection: uuidSchema }),
]);
export type PresenceSignal = z.infer<typeof presenceSignalSchema>;

/**
 * KV bucket of presence: `{page}.{connection}` -> {@link PresenceEntry}, where `page` is a hash of the organisation and
 * the path. An entry counts while the gateway that it names is alive.
 */
export const PRESENCE_BUCKET = 'PRESENCE';
