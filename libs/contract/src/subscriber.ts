import { isSlug, isUuid } from './identifier.ts';

/**
 * Who subscribes on NATS, as one token of a subject: the principal, and where its credential has less rights than the
 * principal itself (scopes), the credential too. Everything that decides what is told is in it, so that requests need to
 * carry no secret.
 */
export interface SubscriberAddress {
  readonly principal: string;
  /** Id of a credential with scopes; null: any credential of the principal without. */
  readonly credential: string | null;
}

/** No slug and no UUID has it. */
const SEPARATOR = '=';
const INBOX = '_INBOX.';

/**
 * `alice`, or `alice={id of the token}` for a token with scopes.
 *
 * @throws RangeError when the principal is no slug or the credential no UUID.
 */
export function formatSubscriber({ principal, credential }: SubscriberAddress): string {
  if (!isSlug(principal)) throw new RangeError('the principal of a subscriber must be a slug');
  if (credential === null) return principal;
  if (!isUuid(credential)) throw new RangeError('the credential of a subscriber must be a UUID');
  return `${principal}${SEPARATOR}${credential}`;
}

/** The inverse of {@link formatSubscriber}; undefined for any other text. */
export function parseSubscriber(text: string): SubscriberAddress | undefined {
  const [principal = '', credential, ...rest] = text.split(SEPARATOR);
  if (!isSlug(principal) || rest.length > 0) return undefined;
  if (credential === undefined) return { principal, credential: null };
  return isUuid(credential) ? { principal, credential } : undefined;
}

/** What every inbox of a subscriber begins with: `_INBOX.alice`. Nobody else may listen below it. */
export function subscriberInbox(address: SubscriberAddress): string {
  return `${INBOX}${formatSubscriber(address)}`;
}

/** Whose inbox a subject is; undefined when it is nobody's. Says nothing about who named it. */
export function parseInbox(subject: string): SubscriberAddress | undefined {
  if (!subject.startsWith(INBOX)) return undefined;
  const address = parseSubscriber(subject.slice(INBOX.length).split('.', 1)[0] ?? '');
  return address !== undefined && isInboxOf(address, subject) ? address : undefined;
}

/** The longest inbox that is answered to. */
const MAX_INBOX_LENGTH = 256;
/** What clients make inboxes of; without wildcards, which would be nobody's inbox. */
const INBOX_TOKENS = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/**
 * Whether a reply subject is an inbox of this subscriber. NATS lets a client name any reply subject, and whoever answers
 * publishes there with rights of its own: an answer to another one's inbox would be told to the wrong person.
 */
export function isInboxOf(address: SubscriberAddress, reply: string): boolean {
  return isInboxBelow(subscriberInbox(address), reply);
}

/** Whether a subject is an inbox below this prefix: of plain tokens, and not the prefix itself. */
export function isInboxBelow(inbox: string, reply: string): boolean {
  const prefix = `${inbox}.`;
  if (reply.length > MAX_INBOX_LENGTH || !reply.startsWith(prefix)) return false;
  return INBOX_TOKENS.test(reply.slice(prefix.length));
}
