import type { z } from 'zod';
import { auditEntrySchema, auditPageSchema } from './audit.ts';
import { catalogueEntryReplySchema, catalogueEntryRequestSchema } from './catalogue-entry.ts';
import { cloudEventSchema } from './cloud-event.ts';
import {
  connectionPageSchema,
  connectionsEndedSchema,
  connectionsReplySchema,
  connectionsRequestSchema,
  credentialExpiringSchema,
} from './connection.ts';
import { explanationSchema } from './explain.ts';
import {
  feedEndSchema,
  feedGroupReplySchema,
  feedGroupRequestSchema,
  feedGroupSchema,
  feedRequestSchema,
} from './feed.ts';
import { graphqlResultSchema } from './graphql.ts';
import {
  graphqlReservationSchema,
  graphqlStreamReplySchema,
  graphqlStreamRequestSchema,
} from './graphql-stream.ts';
import { objectMessageSchema, rightsMessageSchema } from './log-message.ts';
import { deletedObjectSchema, objectListSchema, objectSchema } from './object.ts';
import {
  policyPreviewSchema,
  previewPolicyReplySchema,
  previewPolicyRequestSchema,
} from './policy-preview.ts';
import { tablePollSchema, topicPollSchema } from './poll.ts';
import { notificationListSchema } from './notification.ts';
import { problemSchema } from './problem.ts';
import { pushChangedSchema, pushChangesSchema } from './push.ts';
import { getRequestSchema, listRequestSchema, queryRequestSchema } from './read-request.ts';
import {
  authenticateReplySchema,
  authenticateRequestSchema,
  beatSchema,
  principalReplySchema,
  principalRequestSchema,
  setPolicyReplySchema,
  setPolicyRequestSchema,
  stateReplySchema,
  stateRequestSchema,
} from './request.ts';
import { STREAM_MESSAGES } from './stream-message-catalogue.ts';
import { resyncSchema, streamEndSchema, streamStatusSchema, topicListSchema } from './stream.ts';
import { tableBatchResultSchema, tableRecordListSchema, tableRecordSchema } from './table.ts';

interface MessageRow {
  readonly schema: z.ZodType;
  /** `public`: clients see it. `internal`: only Tidewire's own processes do. */
  readonly audience: 'public' | 'internal';
  readonly summary: string;
}

/**
 * Every message by name: what the examples, the wire hash and the reference documentation are made from. A new
 * message is one row here and one file in `examples/`.
 */
export const MESSAGES = Object.freeze({
  ...STREAM_MESSAGES,
  'cloud-event': {
    schema: cloudEventSchema,
    audience: 'public',
    summary: 'a change of an object, trimmed to its reader',
  },
  'graphql-result': {
    schema: graphqlResultSchema,
    audience: 'public',
    summary: 'what a GraphQL subscription is told, as `next` carries it',
  },
  'topic-poll': {
    schema: topicPollSchema,
    audience: 'public',
    summary: 'what a long poll of topics brought',
  },
  'table-poll': {
    schema: tablePollSchema,
    audience: 'public',
    summary: 'what a long poll of a table brought',
  },
  'feed-request': {
    schema: feedRequestSchema,
    audience: 'public',
    summary: 'asks for the next events of a feed, over NATS',
  },
  'feed-end': {
    schema: feedEndSchema,
    audience: 'public',
    summary: 'the last message of a stream over NATS',
  },
  'feed-group': {
    schema: feedGroupSchema,
    audience: 'internal',
    summary: 'where a group of workers stands, and which gateway leads it',
  },
  'feed-group-request': {
    schema: feedGroupRequestSchema,
    audience: 'internal',
    summary: 'a worker for a group that another gateway leads',
  },
  'feed-group-reply': {
    schema: feedGroupReplySchema,
    audience: 'internal',
    summary: 'the worker is with that gateway from here on',
  },
  'list-request': { schema: listRequestSchema, audience: 'public', summary: 'asks for a list, over NATS' },
  'get-request': {
    schema: getRequestSchema,
    audience: 'public',
    summary: 'asks for an object or a record, over NATS',
  },
  'query-request': {
    schema: queryRequestSchema,
    audience: 'public',
    summary: 'asks what there is to subscribe to, or why something is seen, over NATS',
  },
  'push-changes': {
    schema: pushChangesSchema,
    audience: 'public',
    summary: 'the topics under which something changed',
  },
  'push-changed': {
    schema: pushChangedSchema,
    audience: 'internal',
    summary: 'it is written down that something changed for these principals',
  },
  'notification-list': {
    schema: notificationListSchema,
    audience: 'public',
    summary: 'the topics under which something changed, as notifications of Nextcloud',
  },
  'resync': { schema: resyncSchema, audience: 'public', summary: 'fetch again: events may be missing' },
  'stream-end': { schema: streamEndSchema, audience: 'public', summary: 'why the server ends a stream' },
  'topic-list': { schema: topicListSchema, audience: 'public', summary: 'what the caller may subscribe to' },
  'stream-status': { schema: streamStatusSchema, audience: 'public', summary: 'state of the streams' },
  'credential-expiring': {
    schema: credentialExpiringSchema,
    audience: 'public',
    summary: 'the credential of a stream will end',
  },
  'connection-page': {
    schema: connectionPageSchema,
    audience: 'public',
    summary: 'open connections, for operators',
  },
  'connections-ended': {
    schema: connectionsEndedSchema,
    audience: 'public',
    summary: 'how many connections were ended',
  },
  'object': { schema: objectSchema, audience: 'public', summary: 'an object on the registers face' },
  'deleted-object': {
    schema: deletedObjectSchema,
    audience: 'public',
    summary: 'a deleted object, in the answer to a poll',
  },
  'object-list': {
    schema: objectListSchema,
    audience: 'public',
    summary: 'a page of objects with its position',
  },
  'table-record': { schema: tableRecordSchema, audience: 'public', summary: 'a record on the tables face' },
  'table-record-list': {
    schema: tableRecordListSchema,
    audience: 'public',
    summary: 'a page of records with its position',
  },
  'table-batch-result': {
    schema: tableBatchResultSchema,
    audience: 'public',
    summary: 'what a request on many records did',
  },
  'explanation': {
    schema: explanationSchema,
    audience: 'public',
    summary: 'why somebody sees something, or does not',
  },
  'problem': { schema: problemSchema, audience: 'public', summary: 'the body of every error' },
  'audit-entry': { schema: auditEntrySchema, audience: 'public', summary: 'a change of rights, by whom' },
  'audit-page': { schema: auditPageSchema, audience: 'public', summary: 'a page of changes of rights' },
  'policy-preview': {
    schema: policyPreviewSchema,
    audience: 'public',
    summary: 'who would gain and lose what by a policy',
  },
  'object-message': {
    schema: objectMessageSchema,
    audience: 'internal',
    summary: 'a change of an object in the log',
  },
  'rights-message': {
    schema: rightsMessageSchema,
    audience: 'internal',
    summary: 'a change of rights in the log',
  },
  'authenticate-request': {
    schema: authenticateRequestSchema,
    audience: 'internal',
    summary: 'who is this credential',
  },
  'authenticate-reply': {
    schema: authenticateReplySchema,
    audience: 'internal',
    summary: 'principal and credential',
  },
  'principal-request': {
    schema: principalRequestSchema,
    audience: 'internal',
    summary: 'asks for a principal by its id',
  },
  'principal-reply': {
    schema: principalReplySchema,
    audience: 'internal',
    summary: 'a principal with its memberships',
  },
  'state-request': { schema: stateRequestSchema, audience: 'internal', summary: 'asks for a page of rights' },
  'state-reply': {
    schema: stateReplySchema,
    audience: 'internal',
    summary: 'a page of rights with its position',
  },
  'set-policy-request': {
    schema: setPolicyRequestSchema,
    audience: 'internal',
    summary: 'sets the rules of a target',
  },
  'set-policy-reply': { schema: setPolicyReplySchema, audience: 'internal', summary: 'the rules as stored' },
  'connections-request': {
    schema: connectionsRequestSchema,
    audience: 'internal',
    summary: 'asks every gateway about its connections',
  },
  'connections-reply': {
    schema: connectionsReplySchema,
    audience: 'internal',
    summary: 'what one gateway answers',
  },
  'graphql-reservation': {
    schema: graphqlReservationSchema,
    audience: 'internal',
    summary: 'a stream of GraphQL operations that a client reserved or opened',
  },
  'graphql-stream-request': {
    schema: graphqlStreamRequestSchema,
    audience: 'internal',
    summary: 'asks the gateway that has a stream for an operation on it',
  },
  'graphql-stream-reply': {
    schema: graphqlStreamReplySchema,
    audience: 'internal',
    summary: 'whether the operation was taken',
  },
  'catalogue-entry-request': {
    schema: catalogueEntryRequestSchema,
    audience: 'internal',
    summary: 'what names of properties mean in a register or schema',
  },
  'catalogue-entry-reply': {
    schema: catalogueEntryReplySchema,
    audience: 'internal',
    summary: 'how the properties of these names are defined',
  },
  'preview-policy-request': {
    schema: previewPolicyRequestSchema,
    audience: 'internal',
    summary: 'asks what a policy would change for some principals',
  },
  'preview-policy-reply': {
    schema: previewPolicyReplySchema,
    audience: 'internal',
    summary: 'who would gain and lose what',
  },
  'beat': { schema: beatSchema, audience: 'internal', summary: 'head of the log and age of its backlog' },
} as const satisfies Record<string, MessageRow>);

export type MessageName = keyof typeof MESSAGES;
