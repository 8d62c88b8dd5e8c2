import type {
  PendingEdit,
  RecordConflict,
  StreamMessage,
  TableHandshake,
  TopicHandshake,
} from '@tidewire/contract';
import type { ClientError } from '../client-error.ts';
import type { TransportName } from '../transports/transport.ts';

/**
 * How the client is connected.
 *
 * - `idle`: nothing is asked for.
 * - `connecting`: a connection is being made, for the first time or again.
 * - `live`: changes come as they happen.
 * - `held`: the connection is there, and the server delivers nothing until it can confirm rights again.
 * - `silent`: nothing was heard for too long; being looked into.
 * - `waiting`: until `retryAt`, for the next attempt.
 * - `offline`: the machine has no network.
 * - `refused`: the server does not want this client; `error` says why. Only {@link Link.reconnect} goes on from here.
 * - `closed`: for good.
 */
export type LinkState =
  'idle' | 'connecting' | 'live' | 'held' | 'silent' | 'waiting' | 'offline' | 'refused' | 'closed';

export interface LinkStatus {
  readonly state: LinkState;
  /** By which it is connected, or tries to. null: by none. */
  readonly transport: TransportName | null;
  /** No transport works at the moment: who wants to know asks again and again. */
  readonly exhausted: boolean;
  /** Clock milliseconds of the next attempt; only while `waiting`. */
  readonly retryAt: number | null;
  /** Why it is not live, where it is known. */
  readonly error: ClientError | null;
}

/** What is subscribed to, without the name and the cursor that it has on a connection. */
export type SubscriptionWish =
  | Omit<TableHandshake, 'subscriptionId' | 'lastEventId' | 'type'>
  | Omit<TopicHandshake, 'subscriptionId' | 'lastEventId' | 'type'>;

/** Messages of the server that concern one subscription. */
export type SubscriptionMessage = Extract<
  StreamMessage,
  { type: 'subscribed' | 'change' | 'event' | 'heartbeat' | 'resync' }
>;

export interface SubscriptionSink {
  /** The event up to which everything was handled; undefined: from now on. Asked each time it is subscribed anew. */
  cursor(): string | undefined;
  message(message: SubscriptionMessage): void;
  /** The subscription does not deliver any more: it will, after `subscribed` comes again. */
  interrupted(): void;
  /** The server ended this subscription for good, or never accepted it. Nothing follows. */
  ended(error: ClientError): void;
}

export interface PresenceSink {
  message(message: Extract<StreamMessage, { type: 'presence-sync' | 'join' | 'leave' }>): void;
  /** Nobody knows at the moment who is there: the connection is away, or its transport cannot tell. */
  interrupted(): void;
  refused(error: ClientError): void;
}

export interface EditSink {
  conflict(conflict: RecordConflict): void;
  /** The `updatedAt` that the edit is based on now. */
  updatedAt(): string;
}

/** The one connection that everything of a page, or of all its tabs, goes over. */
export interface Link {
  readonly status: LinkStatus;
  /** Calls back on every change of {@link status}. The answer stops it. */
  watch(listener: () => void): () => void;
  /** Stays subscribed over all reconnects until the answer is called. */
  subscribe(wish: SubscriptionWish, sink: SubscriptionSink): () => void;
  /**
   * Is on the page, over all reconnects, until the answer is called. Several may be on one page: the server is told once, and
   * who comes later is sent a `presence-sync` of what is known.
   */
  join(pagePath: string, sink: PresenceSink): () => void;
  /** Announces the edit, over all reconnects, until the answer is called. Several may edit one record. */
  edit(edit: Pick<PendingEdit, 'table' | 'recordId' | 'fields'>, sink: EditSink): () => void;
  /** Tries again at once, from whatever state but `closed`. */
  reconnect(): void;
  close(): void;
}
