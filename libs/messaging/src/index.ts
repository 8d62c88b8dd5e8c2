export { createAccountKey, readAccountKey } from './account-key.ts';
export type { AccountKey } from './account-key.ts';
export { answerConnects } from './auth-callout.ts';
export type { AdmittedUser, AuthCalloutOptions, DroppedQuestion } from './auth-callout.ts';
export { BusUnavailableError, MalformedReplyError, STREAM_ERROR, StreamRefusedError } from './bus-error.ts';
export type { BusStatus } from './bus-link.ts';
export { openFeedGroupStore } from './feed-group-store.ts';
export type {
  FeedGroupName,
  FeedGroupStore,
  FeedGroupStoreOptions,
  StoredFeedGroup,
} from './feed-group-store.ts';
export { openFeedSource } from './feed-source.ts';
export type { FeedMessage, FeedSource, FeedSourceOptions, FeedStream } from './feed-source.ts';
export type { GatherOptions } from './gathering.ts';
export { NOBODY, openClientChannel } from './client-channel.ts';
export type {
  ClientAnswerOptions,
  ClientChannel,
  ClientMessage,
  ClientRequest,
  ClientRequestOptions,
} from './client-channel.ts';
export { formatRefusal } from './client-refusal.ts';
export { clientEndpoint, serveClients } from './client-services.ts';
export type { AnyClientEndpoint, ClientEndpoint, ClientServiceOptions } from './client-services.ts';
export { eachConnection, endConnections } from './client-connections.ts';
export type { ClientConnection, ConnectionQuery } from './client-connections.ts';
export { processClock } from './clock.ts';
export type { BusClock } from './clock.ts';
export type { ConnectRequest } from './connect-request.ts';
export { openDeadLetters } from './dead-letters.ts';
export type { DeadLetters } from './dead-letters.ts';
export { Freshness } from './freshness.ts';
export type { FreshnessOptions } from './freshness.ts';
export type { EntryProblem, LogEntry } from './log-entry.ts';
export { findLogInfo, readLogInfo } from './log-info.ts';
export type { LogInfo } from './log-info.ts';
export { openLogReader } from './log-reader.ts';
export type { LogReader, LogReaderOptions, LogReaderStatus, LogReset, LogResetReason } from './log-reader.ts';
export { ReplayGapError, readLog } from './log-replay.ts';
export type { ReplayOptions } from './log-replay.ts';
export { findLogTail } from './log-tail.ts';
export type { LogTailOptions } from './log-tail.ts';
export { SMALL_PUBLICATION, encodePayload, openLogWriter } from './log-writer.ts';
export type { LogSettings, LogWriter, OutgoingEvent, Publication } from './log-writer.ts';
export { silentLogger } from './logger.ts';
export type { BusLogger } from './logger.ts';
export { connectBus, untilConnected } from './message-bus.ts';
export { connectInBackground } from './background-bus.ts';
export type { BackgroundBus } from './background-bus.ts';
export type { BusOptions, MessageBus } from './message-bus.ts';
export type { RequestOptions, Responder } from './request-reply.ts';
export type { Schema, SchemaIssue } from './schema.ts';
export { openSharedConsumer } from './shared-consumer.ts';
export type {
  SharedConsumer,
  SharedConsumerOptions,
  SharedEntry,
  SharedProgress,
} from './shared-consumer.ts';
export { loadStates } from './state-loader.ts';
export type { LoadedStates } from './state-loader.ts';
export { openLeases } from './leases.ts';
export type { Leases, LeasesOptions } from './leases.ts';
export { openPreAuthStore } from './pre-auth-store.ts';
export type { PreAuthStore, PreAuthStoreOptions } from './pre-auth-store.ts';
export { openPresenceStore } from './presence-store.ts';
export type { PresenceStore, PresenceStoreOptions, StoredPresence } from './presence-store.ts';
export { openReservationStore } from './reservation-store.ts';
export type { ReservationStore, ReservationStoreOptions, StoredReservation } from './reservation-store.ts';
