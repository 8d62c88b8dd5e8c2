import { inboxPrefix } from './subject.ts';
import { formatSubscriber, isInboxBelow } from './subscriber.ts';
import type { SubscriberAddress } from './subscriber.ts';

/**
 * The notifier in the clients' account: it asks for the feeds of those who have webhooks, and passes on what comes. Nobody else
 * may ask as somebody else.
 */
export const NOTIFIER_CLIENT_USER = 'push-notifier-clients';

/**
 * What the inboxes begin with in which the notifier is told the feeds of one subscriber. The address is in it, because NATS lets
 * a subscriber name any reply subject: somebody who named one of these could only bring about what is his own. That subscriber
 * may not listen there either, so it does not learn which of them there are.
 */
export function notifierInbox(address: SubscriberAddress): string {
  return `${inboxPrefix(NOTIFIER_CLIENT_USER)}.${formatSubscriber(address)}`;
}

/** Whether a reply subject is an inbox in which the notifier may be told the feeds of this subscriber. */
export function isNotifierInboxOf(address: SubscriberAddress, reply: string): boolean {
  return isInboxBelow(notifierInbox(address), reply);
}

/** What a process of the notifier listens to: everything that is meant for it, whoever's feed it is. */
export function notifierInboxFilter(instance: string): string {
  return `${inboxPrefix(NOTIFIER_CLIENT_USER)}.*.${instance}.*`;
}
