import {
  joinPageSchema,
  leavePageSchema,
  pendingSchema,
  pingSchema,
  settledSchema,
  tableHandshakeSchema,
  tokenMessageSchema,
  topicHandshakeSchema,
  unsubscribeSchema,
} from './client-message.ts';
import {
  joinSchema,
  leaveSchema,
  presenceEntrySchema,
  presenceSignalSchema,
  presenceSyncSchema,
} from './presence.ts';
import {
  connectionStatusSchema,
  credentialExpiringMessageSchema,
  credentialRenewedSchema,
  errorMessageSchema,
  heartbeatSchema,
  pongSchema,
  resyncMessageSchema,
  subscribedSchema,
  topicEventSchema,
  unsubscribedSchema,
} from './stream-message.ts';
import { recordConflictSchema, tableChangeSchema } from './table-message.ts';

/** The messages of sockets and of presence, for {@link MESSAGES}. */
export const STREAM_MESSAGES = Object.freeze({
  'table-change': {
    schema: tableChangeSchema,
    audience: 'public',
    summary: 'a change of a record, trimmed to its reader',
  },
  'topic-event': {
    schema: topicEventSchema,
    audience: 'public',
    summary: 'an event of a topic, beside other subscriptions',
  },
  'conflict': {
    schema: recordConflictSchema,
    audience: 'public',
    summary: 'somebody else changed what this connection is editing',
  },
  'heartbeat': {
    schema: heartbeatSchema,
    audience: 'public',
    summary: 'the connection is alive, and a subscription is told up to here',
  },
  'subscribed': {
    schema: subscribedSchema,
    audience: 'public',
    summary: 'a subscription has begun, as it was understood',
  },
  'unsubscribed': { schema: unsubscribedSchema, audience: 'public', summary: 'a subscription is over' },
  'join': { schema: joinSchema, audience: 'public', summary: 'somebody came to a page' },
  'leave': { schema: leaveSchema, audience: 'public', summary: 'somebody left a page' },
  'presence-sync': { schema: presenceSyncSchema, audience: 'public', summary: 'who is on a page' },
  'connection-status': {
    schema: connectionStatusSchema,
    audience: 'public',
    summary: 'delivery is held, or goes on',
  },
  'resync-message': {
    schema: resyncMessageSchema,
    audience: 'public',
    summary: 'fetch again, where messages are told apart by their type',
  },
  'error': {
    schema: errorMessageSchema,
    audience: 'public',
    summary: 'what a client sent was refused, or a subscription ended',
  },
  'credential-expiring-message': {
    schema: credentialExpiringMessageSchema,
    audience: 'public',
    summary: 'the credential of a connection will end',
  },
  'credential-renewed': {
    schema: credentialRenewedSchema,
    audience: 'public',
    summary: 'a connection lives by another credential',
  },
  'pong': { schema: pongSchema, audience: 'public', summary: 'the answer to a ping' },
  'table-handshake': {
    schema: tableHandshakeSchema,
    audience: 'public',
    summary: 'a client subscribes to a table',
  },
  'topic-handshake': {
    schema: topicHandshakeSchema,
    audience: 'public',
    summary: 'a client subscribes to a topic',
  },
  'unsubscribe': { schema: unsubscribeSchema, audience: 'public', summary: 'a client ends a subscription' },
  'join-page': { schema: joinPageSchema, audience: 'public', summary: 'a client is on a page' },
  'leave-page': {
    schema: leavePageSchema,
    audience: 'public',
    summary: 'a client is not on a page any more',
  },
  'pending': { schema: pendingSchema, audience: 'public', summary: 'a client edits a record' },
  'settled': {
    schema: settledSchema,
    audience: 'public',
    summary: 'a client does not edit a record any more',
  },
  'token': { schema: tokenMessageSchema, audience: 'public', summary: 'a client renews its credential' },
  'ping': { schema: pingSchema, audience: 'public', summary: 'a client asks whether anybody is there' },
  'presence-entry': {
    schema: presenceEntrySchema,
    audience: 'internal',
    summary: 'a connection that is on a page',
  },
  'presence-signal': {
    schema: presenceSignalSchema,
    audience: 'internal',
    summary: 'what changed among the connections of a page',
  },
} as const);
