import { NO_ORGANISATION, isSlug, isUuid } from './identifier.ts';
import { formatSubscriber, parseSubscriber } from './subscriber.ts';
import type { SubscriberAddress } from './subscriber.ts';
import type { Topic } from './topic.ts';

/** The one log: data, rights and catalogue changes in commit order. Only the relay may publish to it. */
export const EVENTS_STREAM = 'EVENTS';

/** What happened to an object; the last token of its subject. */
export const OBJECT_ACTIONS = ['created', 'updated', 'deleted'] as const;
export type ObjectAction = (typeof OBJECT_ACTIONS)[number];

/** Kinds of rights in the log, on `authz.{kind}.{id}`. */
export const RIGHTS_KINDS = ['policy', 'organisation', 'principal', 'credential'] as const;
export type RightsKind = (typeof RIGHTS_KINDS)[number];

/** Kinds of catalogue entries in the log, on `catalogue.{kind}.{id}`. */
export const CATALOGUE_KINDS = ['register', 'schema'] as const;
export type CatalogueKind = (typeof CATALOGUE_KINDS)[number];

/**
 * The stream's subjects. Kinds are listed one by one, because request subjects such as `authz.v1.authenticate`
 * begin with the same token and must not be captured.
 */
export const EVENTS_STREAM_SUBJECTS: readonly string[] = Object.freeze([
  'events.>',
  ...RIGHTS_KINDS.map((kind) => `authz.${kind}.*`),
  ...CATALOGUE_KINDS.map((kind) => `catalogue.${kind}.*`),
]);

/** Request subjects: one question, one answer, any replica of the owner. Payloads are in `request.ts`. */
export const REQUEST_SUBJECTS = Object.freeze({
  /** A credential -> who it is, from authz's primary database. */
  authenticate: 'authz.v1.authenticate',
  /** Policies and organisations, page by page, each page one SQL snapshot with its position. */
  rightsState: 'authz.v1.state',
  /** Sets or removes the policy of a register or schema, on behalf of a principal. */
  setPolicy: 'authz.v1.set-policy',
  /** A principal by its id, without any credential: whoever asks has to know whether it may. */
  principal: 'authz.v1.principal',
  /** Registers and schemas, page by page. */
  catalogueState: 'catalogue.v1.state',
  /** What names of properties mean in a register or schema. */
  catalogueEntry: 'catalogue.v1.entry',
  /** Who would gain and lose which rows by a policy. */
  previewPolicy: 'records.v1.preview-policy',
  /** Lists, ends or renews connections: asked of every gateway, and every gateway answers. */
  connections: 'gateway.v1.connections',
  /** Operations on a stream of GraphQL, one token more: the gateway that has it ({@link formatGraphqlStreamSubject}). */
  graphqlStream: 'gateway.v1.graphql-stream',
  /** Workers for a group of a feed, one token more: the gateway that leads it ({@link formatFeedGroupSubject}). */
  feedGroup: 'gateway.v1.feed-group',
});

/**
 * Request subjects of the clients' account, one token more: the subscriber's address (`subscriber.ts`). NATS lets nobody
 * but that subscriber publish there, so whoever takes such a request knows who asks.
 */
export const CLIENT_SUBJECTS = Object.freeze({
  /** The next events of a feed: one answer, or a stream of messages (`feed.ts`). */
  feed: 'feed.v1.next',
  list: 'read.v1.list',
  get: 'read.v1.get',
  topics: 'read.v1.topics',
  explain: 'read.v1.explain',
});
export type ClientSubject = keyof typeof CLIENT_SUBJECTS;

/** Where a subscriber answers messages that want to be answered: address, gateway and what is answered follow. */
const FEED_ANSWER_PREFIX = 'feed.v1.ack';

/** Messages that are not stored: whoever misses one loses nothing but time. */
export const SIGNAL_SUBJECTS = Object.freeze({
  /** Sent by a service after its commit: there are outbox rows to publish. No payload. */
  poke: 'relay.v1.poke',
  /** Sent by the relay twice a second: head of the log and age of its backlog (`beat.ts`). */
  beat: 'relay.v1.beat',
  /** What changed among those who are on a page, one token more: which page ({@link formatPresenceSubject}). */
  presence: 'presence.v1',
  /** Sent by a notifier when it is stored that something changed, and for whom (`pushChangedSchema`). */
  pushChanged: 'push.v1.changed',
  /** Every notifier closes its sockets, so that their clients connect anew. No payload. */
  pushReset: 'push.v1.reset',
  /** A number that a notifier was told: who asks another one for it learns whether they hear each other. */
  pushCookie: 'push.v1.cookie',
});

/** What notifiers gave up; nothing of the log is in it. */
export const DEAD_LETTERS_STREAM = 'PUSH_DEAD_LETTERS';

/** Where what was given up of one kind is stored; `*`: of all kinds. */
export function deadLetterSubject(kind: 'device' | 'webhook' | '*'): string {
  return `push.v1.dead.${kind}`;
}

/** The subject on which gateways tell each other who comes to a page and who leaves it. `page` is a token. */
export function formatPresenceSubject(page: string): string {
  return `${SIGNAL_SUBJECTS.presence}.${page}`;
}

/**
 * The subject on which one gateway takes operations for its streams.
 *
 * @throws RangeError when the gateway is no slug.
 */
export function formatGraphqlStreamSubject(gateway: string): string {
  if (!isSlug(gateway)) throw invalidToken('gateway');
  return `${REQUEST_SUBJECTS.graphqlStream}.${gateway}`;
}

/**
 * The subject on which one gateway takes workers for the groups that it leads.
 *
 * @throws RangeError when the gateway is no slug.
 */
export function formatFeedGroupSubject(gateway: string): string {
  if (!isSlug(gateway)) throw invalidToken('gateway');
  return `${REQUEST_SUBJECTS.feedGroup}.${gateway}`;
}

/** The subject of a subscriber's requests. `*` in place of the address: of everybody's. */
export function formatClientSubject(kind: ClientSubject, address: SubscriberAddress | '*'): string {
  return `${CLIENT_SUBJECTS[kind]}.${address === '*' ? '*' : formatSubscriber(address)}`;
}

/** Whose request came on this subject of {@link formatClientSubject}; undefined when its last token is no address. */
export function parseClientSubject(subject: string): SubscriberAddress | undefined {
  return parseSubscriber(subject.slice(subject.lastIndexOf('.') + 1));
}

export interface FeedAnswerSubject {
  readonly address: SubscriberAddress;
  /** The gateway that waits for the answer. */
  readonly gateway: string;
  /** What is answered: a token that this gateway understands. */
  readonly token: string;
}

/**
 * The reply subject of a message that wants an answer.
 *
 * @throws RangeError when the gateway or the token is no slug.
 */
export function formatFeedAnswerSubject({ address, gateway, token }: FeedAnswerSubject): string {
  if (!isSlug(gateway)) throw invalidToken('gateway');
  if (!isSlug(token)) throw invalidToken('answer');
  return `${FEED_ANSWER_PREFIX}.${formatSubscriber(address)}.${gateway}.${token}`;
}

/** What was answered by whom; undefined when the subject is none of {@link formatFeedAnswerSubject}. */
export function parseFeedAnswerSubject(subject: string): FeedAnswerSubject | undefined {
  if (!subject.startsWith(`${FEED_ANSWER_PREFIX}.`)) return undefined;
  const [subscriber = '', gateway = '', token = '', ...rest] = subject
    .slice(FEED_ANSWER_PREFIX.length + 1)
    .split('.');
  const address = parseSubscriber(subscriber);
  if (address === undefined || !isSlug(gateway) || !isSlug(token) || rest.length > 0) return undefined;
  return { address, gateway, token };
}

/** Every answer for one gateway, or with `*` for any. */
export function feedAnswerFilter(gateway: string): string {
  return `${FEED_ANSWER_PREFIX}.*.${gateway}.*`;
}

/** Every answer that a subscriber may give. */
export function subscriberAnswerFilter(address: SubscriberAddress): string {
  return `${FEED_ANSWER_PREFIX}.${formatSubscriber(address)}.>`;
}

/** Headers that the relay puts on every message of the log. */
export const LOG_HEADERS = Object.freeze({
  /** UUID of the outbox row: how a message is recognised after a doubtful send. */
  outbox: 'Tw-Outbox',
  /** Epoch of the log, so that a reader sees a new one without asking for it. */
  epoch: 'Tw-Epoch',
});

/** Queue group of a service's request handlers, so that each request reaches one replica. */
export function queueGroup(service: string): string {
  return `${service}.v1`;
}

/** Inbox prefix of a NATS user: nobody else may listen on it. */
export function inboxPrefix(user: string): string {
  return `_INBOX_${user}`;
}

export interface ObjectSubject {
  readonly organisation: string | null;
  readonly register: string;
  readonly schema: string;
  readonly uuid: string;
  readonly action: ObjectAction;
}

/**
 * `events.{organisation}.{register}.{schema}.{object}.{action}`. The database builds the same text in the outbox
 * trigger; a test holds the two together.
 *
 * @throws RangeError when a token is not a slug or a UUID: nothing with `.`, `*`, `>` or space reaches a subject.
 */
export function formatObjectSubject(parts: ObjectSubject): string {
  const organisation = parts.organisation ?? NO_ORGANISATION;
  if (parts.organisation !== null && !isUuid(parts.organisation)) throw invalidToken('organisation');
  if (!isSlug(parts.register)) throw invalidToken('register');
  if (!isSlug(parts.schema)) throw invalidToken('schema');
  if (!isUuid(parts.uuid)) throw invalidToken('object');
  return `events.${organisation}.${parts.register}.${parts.schema}.${parts.uuid}.${parts.action}`;
}

/** The subject of a change of rights. Ids are UUIDs or slugs. */
export function formatRightsSubject(kind: RightsKind, id: string): string {
  if (!isUuid(id) && !isSlug(id)) throw invalidToken('id');
  return `authz.${kind}.${id}`;
}

/** The subject of a change of the catalogue. Ids are UUIDs. */
export function formatCatalogueSubject(kind: CatalogueKind, id: string): string {
  if (!isUuid(id)) throw invalidToken('id');
  return `catalogue.${kind}.${id}`;
}

/** The subject filter that holds exactly the events of a topic. */
export function topicFilter(topic: Topic): string {
  switch (topic.kind) {
    case 'register':
      return `events.*.${topic.register}.>`;
    case 'schema':
      return `events.*.${topic.register}.${topic.schema}.>`;
    case 'object':
      return `events.*.*.*.${topic.uuid}.*`;
    case 'organisation':
      return `events.${topic.uuid}.>`;
  }
}

/** The subject filter that holds every change of one kind of right or catalogue entry. */
export function stateFilter(kind: RightsKind | CatalogueKind): string {
  return isCatalogueKind(kind) ? `catalogue.${kind}.*` : `authz.${kind}.*`;
}

/** Whether a subject of the log is that of an object's change, and not of a right or a catalogue entry. */
export function isObjectSubject(subject: string): boolean {
  return subject.startsWith('events.');
}

/**
 * Drops filters that another one covers, and repeats: JetStream refuses a consumer whose filters contain one another.
 * Filters that merely intersect stay.
 */
export function normaliseFilters(filters: readonly string[]): string[] {
  const distinct = [...new Set(filters)];
  return distinct.filter((filter) => !distinct.some((other) => other !== filter && covers(other, filter)));
}

function isCatalogueKind(kind: RightsKind | CatalogueKind): kind is CatalogueKind {
  return (CATALOGUE_KINDS as readonly string[]).includes(kind);
}

function covers(wide: string, narrow: string): boolean {
  const wideTokens = wide.split('.');
  const narrowTokens = narrow.split('.');
  for (const [index, token] of wideTokens.entries()) {
    if (token === '>') return index < narrowTokens.length;
    const other = narrowTokens[index];
    if (other === undefined || other === '>') return false;
    if (token !== '*' && token !== other) return false;
  }
  return wideTokens.length === narrowTokens.length;
}

function invalidToken(part: string): RangeError {
  return new RangeError(`the ${part} token of a subject must be a slug or a UUID`);
}
