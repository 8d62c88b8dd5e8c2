import auditEntry from '../../examples/audit-entry.json' with { type: 'json' };
import auditPage from '../../examples/audit-page.json' with { type: 'json' };
import cloudEvent from '../../examples/cloud-event.json' with { type: 'json' };
import conflict from '../../examples/conflict.json' with { type: 'json' };
import connectionPage from '../../examples/connection-page.json' with { type: 'json' };
import connectionStatus from '../../examples/connection-status.json' with { type: 'json' };
import connectionsEnded from '../../examples/connections-ended.json' with { type: 'json' };
import credentialExpiring from '../../examples/credential-expiring.json' with { type: 'json' };
import credentialExpiringMessage from '../../examples/credential-expiring-message.json' with { type: 'json' };
import credentialRenewed from '../../examples/credential-renewed.json' with { type: 'json' };
import deletedObject from '../../examples/deleted-object.json' with { type: 'json' };
import error from '../../examples/error.json' with { type: 'json' };
import explanation from '../../examples/explanation.json' with { type: 'json' };
import feedEnd from '../../examples/feed-end.json' with { type: 'json' };
import feedRequest from '../../examples/feed-request.json' with { type: 'json' };
import getRequest from '../../examples/get-request.json' with { type: 'json' };
import graphqlResult from '../../examples/graphql-result.json' with { type: 'json' };
import heartbeat from '../../examples/heartbeat.json' with { type: 'json' };
import join from '../../examples/join.json' with { type: 'json' };
import joinPage from '../../examples/join-page.json' with { type: 'json' };
import leave from '../../examples/leave.json' with { type: 'json' };
import leavePage from '../../examples/leave-page.json' with { type: 'json' };
import listRequest from '../../examples/list-request.json' with { type: 'json' };
import object from '../../examples/object.json' with { type: 'json' };
import objectList from '../../examples/object-list.json' with { type: 'json' };
import pending from '../../examples/pending.json' with { type: 'json' };
import ping from '../../examples/ping.json' with { type: 'json' };
import policyPreview from '../../examples/policy-preview.json' with { type: 'json' };
import pong from '../../examples/pong.json' with { type: 'json' };
import presenceSync from '../../examples/presence-sync.json' with { type: 'json' };
import problem from '../../examples/problem.json' with { type: 'json' };
import notificationList from '../../examples/notification-list.json' with { type: 'json' };
import pushChanges from '../../examples/push-changes.json' with { type: 'json' };
import queryRequest from '../../examples/query-request.json' with { type: 'json' };
import resync from '../../examples/resync.json' with { type: 'json' };
import resyncMessage from '../../examples/resync-message.json' with { type: 'json' };
import settled from '../../examples/settled.json' with { type: 'json' };
import streamEnd from '../../examples/stream-end.json' with { type: 'json' };
import streamStatus from '../../examples/stream-status.json' with { type: 'json' };
import subscribed from '../../examples/subscribed.json' with { type: 'json' };
import tableBatchResult from '../../examples/table-batch-result.json' with { type: 'json' };
import tableChange from '../../examples/table-change.json' with { type: 'json' };
import tableHandshake from '../../examples/table-handshake.json' with { type: 'json' };
import tablePoll from '../../examples/table-poll.json' with { type: 'json' };
import tableRecord from '../../examples/table-record.json' with { type: 'json' };
import tableRecordList from '../../examples/table-record-list.json' with { type: 'json' };
import token from '../../examples/token.json' with { type: 'json' };
import topicEvent from '../../examples/topic-event.json' with { type: 'json' };
import topicHandshake from '../../examples/topic-handshake.json' with { type: 'json' };
import topicList from '../../examples/topic-list.json' with { type: 'json' };
import topicPoll from '../../examples/topic-poll.json' with { type: 'json' };
import unsubscribe from '../../examples/unsubscribe.json' with { type: 'json' };
import unsubscribed from '../../examples/unsubscribed.json' with { type: 'json' };
import type { MESSAGES, MessageName } from '../message-catalogue.ts';

/** Messages that clients see. */
export type PublicMessageName = {
  [Name in MessageName]: (typeof MESSAGES)[Name]['audience'] extends 'public' ? Name : never;
}[MessageName];

/** One example of each message that clients see: the files of `examples/`, for what runs where there are no files. */
export const MESSAGE_EXAMPLES: Readonly<Record<PublicMessageName, unknown>> = Object.freeze({
  'audit-entry': auditEntry,
  'audit-page': auditPage,
  'cloud-event': cloudEvent,
  conflict,
  'connection-page': connectionPage,
  'connection-status': connectionStatus,
  'connections-ended': connectionsEnded,
  'credential-expiring': credentialExpiring,
  'credential-expiring-message': credentialExpiringMessage,
  'credential-renewed': credentialRenewed,
  'deleted-object': deletedObject,
  error,
  explanation,
  'feed-end': feedEnd,
  'feed-request': feedRequest,
  'get-request': getRequest,
  'graphql-result': graphqlResult,
  heartbeat,
  join,
  'join-page': joinPage,
  leave,
  'leave-page': leavePage,
  'list-request': listRequest,
  object,
  'object-list': objectList,
  pending,
  ping,
  'policy-preview': policyPreview,
  pong,
  'presence-sync': presenceSync,
  problem,
  'notification-list': notificationList,
  'push-changes': pushChanges,
  'query-request': queryRequest,
  resync,
  'resync-message': resyncMessage,
  settled,
  'stream-end': streamEnd,
  'stream-status': streamStatus,
  subscribed,
  'table-batch-result': tableBatchResult,
  'table-change': tableChange,
  'table-handshake': tableHandshake,
  'table-poll': tablePoll,
  'table-record': tableRecord,
  'table-record-list': tableRecordList,
  token,
  'topic-event': topicEvent,
  'topic-handshake': topicHandshake,
  'topic-list': topicList,
  'topic-poll': topicPoll,
  unsubscribe,
  unsubscribed,
});
