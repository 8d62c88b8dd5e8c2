import { z } from 'zod';
import { principalIdSchema } from './identifier.ts';
import type { PushBody } from './push.ts';

/** Whom in a Nextcloud a principal is. */
export const NEXTCLOUD_PATH = '/api/push/nextcloud/{principal}';

/** Channels of Redis that notify_push, the daemon of a Nextcloud, listens on. It knows no prefix. */
export const NEXTCLOUD_CHANNELS = Object.freeze({
  custom: 'notify_custom',
  notification: 'notify_notification',
} as const);

/** What a Nextcloud takes for the id of a user. It does not end, nor begin, with a space, and is not `.` or `..`. */
export const nextcloudUserIdSchema = z
  .string()
  .regex(
    /^(?!\.{1,2}$)[A-Za-z0-9_.@'-](?:[A-Za-z0-9 _.@'-]{0,62}[A-Za-z0-9_.@'-])?$/,
    "must be the id of a user: 1 to 64 of A-Z, a-z, 0-9, _ . @ - ' and spaces within",
  );

/** Switches on that a principal is told in a Nextcloud. */
export const newNextcloudUserSchema = z.strictObject({
  /** Absent: it is called there what it is called here. */
  user: nextcloudUserIdSchema.optional(),
});
export type NewNextcloudUser = z.infer<typeof newNextcloudUserSchema>;

/** A principal that is told in a Nextcloud, and who it is there. */
export const nextcloudUserSchema = z.object({ principal: principalIdSchema, user: nextcloudUserIdSchema });
export type NextcloudUser = z.infer<typeof nextcloudUserSchema>;

/** A message of {@link NEXTCLOUD_CHANNELS}.custom: sockets of the user get the name, a space and the body. */
export function formatNextcloudCustom(user: string, message: string, body: PushBody): string {
  return JSON.stringify({ user, message, body });
}

/** A message of {@link NEXTCLOUD_CHANNELS}.notification. */
export function formatNextcloudNotification(user: string): string {
  return JSON.stringify({ user });
}
