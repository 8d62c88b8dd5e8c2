import { GRAPHQL_STREAMS_BUCKET } from './graphql-stream.ts';
import { PRESENCE_BUCKET } from './presence.ts';
import {
  EVENTS_STREAM,
  EVENTS_STREAM_SUBJECTS,
  REQUEST_SUBJECTS,
  SIGNAL_SUBJECTS,
  formatPresenceSubject,
  inboxPrefix,
} from './subject.ts';

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
    publish: [SIGNAL_SUBJECTS.poke, REQUEST_SUBJECTS.catalogueEntry, REQUEST_SUBJECTS.previewPolicy],
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
      ...useBucket(CONNECTIONS_BUCKET),
      ...useBucket(PRESENCE_BUCKET),
      ...useBucket(GRAPHQL_STREAMS_BUCKET),
      formatPresenceSubject('*'),
    ],
    subscribe: [
      REQUEST_SUBJECTS.connections,
      `${REQUEST_SUBJECTS.graphqlStream}.*`,
      SIGNAL_SUBJECTS.beat,
      formatPresenceSubject('*'),
      ownInbox('fanout-gateway'),
    ],
  },
} as const satisfies Record<string, SubjectPermissions>);

/** The services that have a NATS user of their own; the user's name is the service's. */
export type NatsUser = keyof typeof SERVICE_PERMISSIONS;
