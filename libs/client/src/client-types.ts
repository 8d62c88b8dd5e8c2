import type { ClientError } from './client-error.ts';
import type { LinkStatus } from './link/link.ts';
import type { Runtime } from './runtime.ts';
import type { CloudEvent, PresentUser, Resync } from './server-messages.ts';
import type {
  DataSource,
  DataSourceOptions,
  FieldOf,
  RowPart,
  Fields,
  Filter,
  TableName,
  TableTypes,
} from './sources/source.ts';
import type { TransportName } from './transports/transport.ts';

export interface ClientOptions {
  /** The installation's address: `https://tidewire.example`. */
  readonly url: string;
  /**
   * A credential that counts now: an API token or an access token. Asked for before each connection and again before it
   * expires; null is nobody. Without it the browser's session cookie says who asks.
   */
  readonly getToken?: (() => string | null | Promise<string | null>) | undefined;
  /** What to try, best first. All of them when absent. */
  readonly transports?: readonly TransportName[] | undefined;
  /** Whether the tabs of one person in one browser share one connection. They do where they can, unless this says no. */
  readonly shareTabs?: boolean | undefined;
  readonly runtime?: Partial<Runtime> | undefined;
}

/** A subscription to a topic: events, as they are told, with nothing kept. */
export interface TopicOptions {
  readonly topic: string;
  readonly filter?: Readonly<Record<string, unknown>> | undefined;
  readonly fields?: readonly string[] | undefined;
  readonly events?: readonly string[] | undefined;
  /** Resume after this event. */
  readonly lastEventId?: string | undefined;
}

/** The same on the other face. */
export interface TableOptions<Table extends string = string> {
  readonly table: Table;
  readonly filter?: Filter | undefined;
  readonly fields?: readonly string[] | undefined;
  readonly lastEventId?: string | undefined;
}

/** A change of a record, as a subscription to a table tells it. */
export interface RecordChange<Row = Fields> {
  readonly event: 'insert' | 'update' | 'delete';
  readonly transition: 'created' | 'entered' | 'updated' | 'left' | 'deleted';
  readonly table: string;
  readonly recordId: string;
  readonly record?: { readonly id: string; readonly fields: Row };
  readonly eventId: string;
  readonly timestamp: string;
}

export interface SubscriptionListener<Event> {
  event(event: Event): void;
  /** Events may be missing: fetch again. Events that follow come after `current`. */
  resync?(resync: Resync): void;
  /** Whether events come as they happen. */
  live?(live: boolean): void;
  /** It is over, and why. Nothing follows. */
  ended?(error: ClientError): void;
}

export interface Subscription {
  /** The event up to which everything was told. Keep it to go on another time. */
  readonly lastEventId: string | undefined;
  close(): void;
}

/** Who is on a page. */
export interface PresenceSnapshot {
  /** Each once, oneself included. */
  readonly users: readonly PresentUser[];
  /** `unknown`: the connection is away, or its transport cannot tell; `users` are those who were there. */
  readonly state: 'idle' | 'unknown' | 'present' | 'refused';
  readonly error: ClientError | null;
}

/** Being on a page, while somebody listens. */
export interface Presence {
  getSnapshot(): PresenceSnapshot;
  subscribe(listener: () => void): () => void;
}

export interface Client<Tables extends TableTypes> {
  readonly url: string;
  /** The same object until something changes. */
  getStatus(): LinkStatus;
  /** Calls back on every change of the status. The answer stops it. */
  onStatus(listener: () => void): () => void;
  /** @throws ClientError VALIDATION_ERROR for options that mean nothing, naming the one. */
  dataSource<Table extends TableName<Tables>, Shown extends FieldOf<Tables[Table]> = FieldOf<Tables[Table]>>(
    options: DataSourceOptions<Table, FieldOf<Tables[Table]>, Shown>,
  ): DataSource<RowPart<Tables[Table], Shown>, Tables[Table]>;
  subscribe(options: TopicOptions, listener: SubscriptionListener<CloudEvent>): Subscription;
  subscribe<Table extends TableName<Tables>>(
    options: TableOptions<Table>,
    listener: SubscriptionListener<RecordChange<Tables[Table]>>,
  ): Subscription;
  /** Being on a page, for as long as somebody listens. The same for the same page. */
  presence(pagePath: string): Presence;
  /** Tries to connect again at once. */
  reconnect(): void;
  /** Ends everything that was made of this client. */
  close(): void;
}
