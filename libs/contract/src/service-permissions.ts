import { FEED_GROUPS_BUCKET } from './feed.ts';
import { GRAPHQL_STREAMS_BUCKET } from './graphql-stream.ts';
import { NOTIFIER_CLIENT_USER } from './notifier-inbox.ts';
import { PRESENCE_BUCKET } from './presence.ts';
import { PRE_AUTH_BUCKET } from './push.ts';
import {
  CLIENT_SUBJECTS,
  DEAD_LETTERS_STREAM,
  EVENTS_STREAM,
  EVENTS_STREAM_SUBJECTS,
  REQUEST_SUBJECTS,
  SIGNAL_SUBJECTS,
  deadLetterSubject,
  feedAnswerFilter,
  formatClientSubject,
  formatPresenceSubject,
  inboxPrefix,
  subscriberAnswerFilter,
} from './subject.ts';
import type { ClientSubject } from './subject.ts';
import { subscriberInbox } from './subscriber.ts';
import type { SubscriberAddress } from './subscriber.ts';

/**
 * Accounts of NATS: nothing passes from one to another. The log, its API, the buckets and the services' own subjects are in
 * the platform's; subscribers of other teams are in the clients', with the few users of services that answer them there.
 */
export const NATS_ACCOUNTS = Object.freeze({
  platform: 'TIDEWIRE',
  clients: 'CLIENTS',
  system: 'SYSTEM',
} as const);
export type NatsAccount = keyof typeof NATS_ACCOUNTS;

/** KV bucket of connection leases: `{principal}.{gateway instance}` -> count, dying with the gateway. */
export const CONNECTIONS_BUCKET = 'CONNECTIONS';

/** What one NATS user may publish and subscribe to. Replies to requests it received are allowed besides. */
export interface SubjectPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const streamApi = (name: string): string => `$JS.API.${name}.${EVENTS_STREAM}`;

/** What reading the log takes: create and pull own consumers, look at the stream and at single messages. */
const readLog = [
  '$JS.API.INFO',
  streamApi('STREAM.INFO'),
  streamApi('STREAM.MSG.GET'),
  `${streamApi('CONSUMER.CREATE')}.>`,
  `${streamApi('CONSUMER.INFO')}.>`,
  `${streamApi('CONSUMER.DELETE')}.>`,
  `${streamApi('CONSUMER.MSG.NEXT')}.>`,
  `$JS.ACK.${EVENTS_STREAM}.>`,
];

/** What a bucket of what dies by itself takes: make it, write to it, list its keys and read one. */
const useBucket = (bucket: string): readonly string[] => [
  `$JS.API.STREAM.INFO.KV_${bucket}`,
  `$JS.API.STREAM.CREATE.KV_${bucket}`,
  `$JS.API.STREAM.MSG.GET.KV_${bucket}`,
  `$KV.${bucket}.>`,
];

const ownInbox = (user: string): string => `${inboxPrefix(user)}.>`;

/** Per service, the least that it needs. Only the relay may publish to the log. */
export const SERVICE_PERMISSIONS = Object.freeze({
  'relay': {
    publish: [
      ...EVENTS_STREAM_SUBJECTS,
      '$JS.API.INFO',
      streamApi('STREAM.INFO'),
      streamApi('STREAM.CREATE'),
      streamApi('STREAM.UPDATE'),
      streamApi('STREAM.DELETE'),
      streamApi('STREAM.MSG.GET'),
      streamApi('STREAM.PURGE'),
      SIGNAL_SUBJECTS.beat,
    ],
    subscribe: [SIGNAL_SUBJECTS.poke, ownInbox('relay')],
  },
  'records': {
    publish: [
      ...readLog,
      SIGNAL_SUBJECTS.poke,
      REQUEST_SUBJECTS.principal,
      REQUEST_SUBJECTS.authenticate,
      REQUEST_SUBJECTS.rightsState,
      REQUEST_SUBJECTS.setPolicy,
      REQUEST_SUBJECTS.catalogueState,
    ],
    subscribe: [
      REQUEST_SUBJECTS.catalogueState,
      REQUEST_SUBJECTS.catalogueEntry,
      REQUEST_SUBJECTS.previewPolicy,
      SIGNAL_SUBJECTS.beat,
      ownInbox('records'),
    ],
  },
  'authz': {
    publish: [
      ...readLog,
      SIGNAL_SUBJECTS.poke,
      REQUEST_SUBJECTS.catalogueEntry,
      REQUEST_SUBJECTS.previewPolicy,
    ],
    subscribe: [
      REQUEST_SUBJECTS.principal,
      REQUEST_SUBJECTS.authenticate,
      REQUEST_SUBJECTS.rightsState,
      REQUEST_SUBJECTS.setPolicy,
      SIGNAL_SUBJECTS.poke,
      SIGNAL_SUBJECTS.beat,
      ownInbox('authz'),
    ],
  },
  'fanout-gateway': {
    publish: [
      ...readLog,
      REQUEST_SUBJECTS.principal,
      REQUEST_SUBJECTS.authenticate,
      REQUEST_SUBJECTS.rightsState,
      REQUEST_SUBJECTS.catalogueState,
      REQUEST_SUBJECTS.connections,
      `${REQUEST_SUBJECTS.graphqlStream}.*`,
      `${REQUEST_SUBJECTS.feedGroup}.*`,
      ...useBucket(CONNECTIONS_BUCKET),
      ...useBucket(PRESENCE_BUCKET),
      ...useBucket(GRAPHQL_STREAMS_BUCKET),
      ...useBucket(FEED_GROUPS_BUCKET),
      formatPresenceSubject('*'),
    ],
    subscribe: [
      REQUEST_SUBJECTS.connections,
      `${REQUEST_SUBJECTS.graphqlStream}.*`,
      `${REQUEST_SUBJECTS.feedGroup}.*`,
      SIGNAL_SUBJECTS.beat,
      formatPresenceSubject('*'),
      ownInbox('fanout-gateway'),
    ],
  },
  'push-notifier': {
    publish: [
      ...readLog,
      REQUEST_SUBJECTS.principal,
      REQUEST_SUBJECTS.authenticate,
      REQUEST_SUBJECTS.rightsState,
      REQUEST_SUBJECTS.catalogueState,
      ...useBucket(PRE_AUTH_BUCKET),
      SIGNAL_SUBJECTS.pushChanged,
      SIGNAL_SUBJECTS.pushReset,
      SIGNAL_SUBJECTS.pushCookie,
      `$JS.API.STREAM.CREATE.${DEAD_LETTERS_STREAM}`,
      deadLetterSubject('*'),
    ],
    subscribe: [
      SIGNAL_SUBJECTS.beat,
      SIGNAL_SUBJECTS.pushChanged,
      SIGNAL_SUBJECTS.pushReset,
      SIGNAL_SUBJECTS.pushCookie,
      ownInbox('push-notifier'),
    ],
  },
} as const satisfies Record<string, SubjectPermissions>);

/** The services that have a NATS user of their own; the user's name is the service's. */
export type NatsUser = keyof typeof SERVICE_PERMISSIONS;

const everybodys = (...kinds: readonly ClientSubject[]): readonly string[] =>
  kinds.map((kind) => formatClientSubject(kind, '*'));

/**
 * Users of services in the clients' account. What those who answer may publish are answers: whose inbox one goes to is looked
 * at before each (`isInboxOf`, `isNotifierInboxOf`), because NATS does not.
 */
export const CLIENT_SIDE_PERMISSIONS = Object.freeze({
  'fanout-gateway-clients': {
    publish: ['_INBOX.>', ownInbox(NOTIFIER_CLIENT_USER)],
    subscribe: [
      ...everybodys('feed', 'topics', 'explain'),
      feedAnswerFilter('*'),
      '$SRV.>',
      ownInbox('fanout-gateway-clients'),
    ],
  },
  'records-clients': {
    // The right to answer what one was asked is used up by the first of several requests that name the same inbox.
    publish: ['_INBOX.>'],
    subscribe: [...everybodys('list', 'get'), '$SRV.>', ownInbox('records-clients')],
  },
  [NOTIFIER_CLIENT_USER]: {
    // Asks for the feeds of those who have webhooks, and answers what comes of them; nothing else of theirs.
    publish: [...everybodys('feed'), feedAnswerFilter('*')],
    subscribe: [ownInbox(NOTIFIER_CLIENT_USER)],
  },
} as const satisfies Record<string, SubjectPermissions>);
export type ClientSideUser = keyof typeof CLIENT_SIDE_PERMISSIONS;

/** The user of the system account: answers who may connect, lists the clients' connections and ends them. */
export const SYSTEM_PERMISSIONS = Object.freeze({
  'authz-callout': {
    publish: ['$SYS.REQ.SERVER.PING.CONNZ', '$SYS.REQ.SERVER.*.KICK'],
    subscribe: ['$SYS.REQ.USER.AUTH', ownInbox('authz-callout')],
  },
} as const satisfies Record<string, SubjectPermissions>);
export type SystemUser = keyof typeof SYSTEM_PERMISSIONS;

/**
 * Bounds of a subscriber's connection. Servers do not keep those that a callout gives a user (2.15): the configuration
 * bounds subscriptions for the whole account, and whoever answers bounds the bytes of a request (`FEED_LIMITS`).
 */
export const SUBSCRIBER_LIMITS = Object.freeze({
  /** Subscriptions of one connection. */
  subscriptions: 50,
  /** Bytes of a message that it publishes. */
  payloadBytes: 64 * 1024,
});

/** What a subscriber may do: ask as itself, answer as itself, listen below its own inbox, and see which services there are. */
export function subscriberPermissions(address: SubscriberAddress): SubjectPermissions {
  const kinds = Object.keys(CLIENT_SUBJECTS) as ClientSubject[];
  return {
    publish: [
      ...kinds.map((kind) => formatClientSubject(kind, address)),
      subscriberAnswerFilter(address),
      '$SRV.PING',
      '$SRV.PING.>',
      '$SRV.INFO',
      '$SRV.INFO.>',
    ],
    subscribe: [`${subscriberInbox(address)}.>`],
  };
}
