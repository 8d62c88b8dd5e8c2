export { ClientError, type FieldError } from './client-error.ts';
export { createClient } from './client.ts';
export type {
  Client,
  ClientOptions,
  Presence,
  PresenceSnapshot,
  RecordChange,
  Subscription,
  SubscriptionListener,
  TableOptions,
  TopicOptions,
} from './client-types.ts';
export type { LinkState, LinkStatus } from './link/link.ts';
export type { Clock, PageLife, Runtime, SocketConstructor, SocketLike } from './runtime.ts';
export type { CloudEvent, EventData, PresentUser, Resync } from './server-messages.ts';
export { ConflictError } from './sources/conflict-error.ts';
export {
  POLL_INTERVAL_MS,
  REFRESH_MODES,
  SOURCE_LIMIT,
  SOURCE_STATES,
  type AnyTables,
  type DataSource,
  type DataSourceOptions,
  type FieldOf,
  type Fields,
  type Filter,
  type LiveRow,
  type RefreshMode,
  type RowConflict,
  type RowEdit,
  type RowPart,
  type SortTerm,
  type SourceSnapshot,
  type SourceState,
  type TableName,
  type TableTypes,
  type Values,
} from './sources/source.ts';
export { TRANSPORT_NAMES, type TransportName } from './transports/transport.ts';
