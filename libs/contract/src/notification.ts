import { z } from 'zod';
import { principalIdSchema } from './identifier.ts';

/** A changed topic, as clients of Nextcloud's notifications app read it: which one, and where to look. */
export const notificationSchema = z.object({
  notification_id: z.int().min(1),
  app: z.string(),
  user: principalIdSchema,
  datetime: z.string().describe('RFC 3339 to the second'),
  object_type: z.literal('topic'),
  /** The topic. */
  object_id: z.string(),
  subject: z.string(),
  subjectRich: z.string(),
  subjectRichParameters: z.array(z.never()),
  message: z.string(),
  messageRich: z.string(),
  messageRichParameters: z.array(z.never()),
  link: z.string(),
  icon: z.string(),
  shouldNotify: z.boolean(),
  actions: z.array(z.never()),
});
export type Notification = z.infer<typeof notificationSchema>;

/** The head of every answer of OCS, version 2: its status is that of HTTP. */
export const ocsMetaSchema = z.object({
  status: z.literal('ok'),
  statuscode: z.literal(200),
  message: z.literal('OK'),
});

/** An answer of OCS: what was asked for is in `data`. */
export function ocsSchema<Data extends z.ZodType>(data: Data) {
  return z.object({ ocs: z.object({ meta: ocsMetaSchema, data }) });
}

export const notificationListSchema = ocsSchema(z.array(notificationSchema));
export const notificationAnswerSchema = ocsSchema(notificationSchema);
export const ocsDoneSchema = ocsSchema(z.array(z.never()));
