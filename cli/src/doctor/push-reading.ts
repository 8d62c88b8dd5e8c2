import { PUSH_PATHS, callerSchema, notificationListSchema, pushChangesSchema } from '@tidewire/contract';
import type { Notification, PushChange } from '@tidewire/contract';
import { CheckFault } from './checkup.ts';
import type { Found } from './checkup.ts';
import { explainAnswer, readJson } from './http-probe.ts';
import { askPush } from './push-target.ts';
import type { PushTarget } from './push-target.ts';

/** Many more than anybody has. */
const MOST_PAGES = 100;

/** All that changed after a position, or that is remembered; `last` is what to ask with the next time. */
export async function readChanges(
  target: PushTarget,
  since: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly changes: readonly PushChange[]; readonly last: string; readonly resync: boolean }> {
  const changes: PushChange[] = [];
  let last = since;
  let resync = false;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const query = last === undefined ? '' : `?since=${encodeURIComponent(last)}`;
    const answer = await askPush(target, `${PUSH_PATHS.changes}${query}`, { signal });
    const parsed = pushChangesSchema.safeParse(readJson(answer.text));
    if (answer.status !== 200 || !parsed.success) throw explainAnswer(answer, PUSH_PATHS.changes);
    changes.push(...parsed.data.changes);
    last = parsed.data.lastEventId;
    resync ||= parsed.data.resync;
    if (!parsed.data.more) return { changes, last, resync };
  }
  throw new CheckFault(
    `${PUSH_PATHS.changes} has no end after ${MOST_PAGES} answers`,
    'Please report this with the log of the push notifier.',
  );
}

/** The caller's notifications. */
export async function readNotifications(
  target: PushTarget,
  signal: AbortSignal,
): Promise<readonly Notification[]> {
  const path = PUSH_PATHS.notifications;
  const answer = await askPush(target, path, { signal });
  const parsed = notificationListSchema.safeParse(readJson(answer.text));
  if (answer.status !== 200 || !parsed.success) throw explainAnswer(answer, path);
  return parsed.data.ocs.data;
}

/** What somebody sends as a user name and a password; undefined where the credential cannot be a password. */
export async function readLogin(
  target: PushTarget,
  signal: AbortSignal,
): Promise<readonly [string, string] | undefined> {
  const { credential } = target;
  if (credential.type === 'password') return [credential.user, credential.password];
  const answer = await askPush(target, '/api/auth/me', { signal });
  const caller = callerSchema.safeParse(readJson(answer.text));
  if (answer.status !== 200 || !caller.success) throw explainAnswer(answer, '/api/auth/me');
  return caller.data.credential.type === 'token' ? [caller.data.principal.id, credential.token] : undefined;
}

/** That changes can be read, and from where on the next ones are. */
export async function findPosition(target: PushTarget, signal: AbortSignal): Promise<Found<string>> {
  const { changes, last } = await readChanges(target, undefined, signal);
  return { text: `${changes.length} remembered, up to ${last}`, value: last };
}

/** That notifications can be listed. */
export async function countNotifications(target: PushTarget, signal: AbortSignal): Promise<Found> {
  const { length } = await readNotifications(target, signal);
  return { text: `${length} not dealt with`, value: undefined };
}
