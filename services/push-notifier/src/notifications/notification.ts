import { createHash } from 'node:crypto';
import { parseTopic } from '@tidewire/contract';
import type { Notification } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import type { StoredChange } from '../changes/change-repository-postgres.ts';

/** A changed topic as a notification: which one, and where to look. Nothing of what changed. */
export function formatNotification(
  { topic, changedAt, notification }: StoredChange,
  { user, publicUrl, view }: { readonly user: string; readonly publicUrl: string; readonly view: RightsView },
): Notification {
  return {
    notification_id: Number(notification),
    app: 'tidewire',
    user,
    // Without fractions, as clients of it parse.
    datetime: `${changedAt.toISOString().slice(0, 19)}+00:00`,
    object_type: 'topic',
    object_id: topic,
    subject: `Something changed in ${titleOf(topic, view)}`,
    subjectRich: '',
    subjectRichParameters: [],
    message: '',
    messageRich: '',
    messageRichParameters: [],
    link: `${publicUrl}/notifications.html#${topic}`,
    icon: '',
    shouldNotify: true,
    actions: [],
  };
}

/** The same text for the same notifications of the same person: what a client compares before it reads. */
export function formatEtag(user: string, notifications: readonly StoredChange[]): string {
  const ids = notifications.map(({ notification, sequence }) => [notification, sequence]);
  return `"${createHash('sha256')
    .update(JSON.stringify([user, ids]))
    .digest('base64url')}"`;
}

function titleOf(topic: string, view: RightsView): string {
  const parsed = parseTopic(topic);
  if (parsed?.kind !== 'schema') return topic;
  return view.schemaBySlug(parsed.register, parsed.schema)?.title ?? parsed.schema;
}
