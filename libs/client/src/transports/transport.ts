import type { ClientMessage, StreamMessage, TableHandshake, TopicHandshake } from '@tidewire/contract';
import type { ClientError } from '../client-error.ts';
import type { Runtime } from '../runtime.ts';

/** The ways of being told, best first: the rungs of the ladder that a link goes down and up again. */
export const TRANSPORT_NAMES = Object.freeze(['websocket', 'sse', 'poll'] as const);
export type TransportName = (typeof TRANSPORT_NAMES)[number];

/** The longest silence of a healthy connection: one and a half or two heartbeats, or a whole poll with its way. Milliseconds. */
export const SILENCE_MS = Object.freeze({ websocket: 45_000, sse: 30_000, poll: 40_000 });

/** A subscription as it is asked for now: always named, and with the cursor that it has. */
export type Handshake = (TableHandshake | TopicHandshake) & { readonly subscriptionId: string };

/** What is to be opened. */
export interface TransportOrder {
  /** The installation's address, without a slash at the end: `https://tidewire.example`. */
  readonly url: string;
  /** null: the browser's cookies say who asks. */
  readonly token: string | null;
  /** All subscriptions with the cursors of now: asked at the opening, and again by transports that have to open anew. */
  readonly subscriptions: () => readonly Handshake[];
}

/** Why a connection is over. */
export type TransportEnd =
  /** It broke, was never made, or the server told us to come back. `retryAfterMs`: not before. */
  | { readonly kind: 'lost'; readonly error: ClientError; readonly retryAfterMs?: number | undefined }
  /** The credential does not count (any more): with another one it may. */
  | { readonly kind: 'unauthorized'; readonly error: ClientError }
  /** The server said not to come back with the same request. */
  | { readonly kind: 'refused'; readonly error: ClientError };

/** Called by a connection, never before `open` has returned, and never after `close` was called or `ended` has been. */
export interface TransportListener {
  /** The server answers: what follows is a matter of subscriptions. */
  opened(): void;
  /** A message of the server. Messages without a `subscriptionId` on the wire (answers to polls) have got theirs here. */
  message(message: StreamMessage): void;
  /** A sign of life that is no message: a comment, an empty answer to a poll. */
  heard(): void;
  ended(end: TransportEnd): void;
}

/** A connection, being made or open. */
export interface TransportConnection {
  /** Whether presence and pending edits can be said here. */
  readonly speaks: boolean;
  /** A subscription was added or taken away; `order.subscriptions()` has them all. */
  add(handshake: Handshake): void;
  remove(subscriptionId: string): void;
  /** Says something besides subscriptions. Does nothing where {@link speaks} is false, or before `opened`. */
  say(message: ClientMessage): void;
  /** Another credential of the same principal takes the place of the one that the connection lives by. */
  renew(token: string | null): void;
  /** Asks for a sign of life: something will be `heard`, unless the connection is dead. */
  ping(): void;
  /** Idempotent. Nothing is called back afterwards. */
  close(): void;
}

export interface Transport {
  readonly name: TransportName;
  /** The longest silence of a healthy connection, in milliseconds. */
  readonly silenceMs: number;
  open(order: TransportOrder, listener: TransportListener): TransportConnection;
  /** Fetches what opening will need, while the network is good. Never rejects. */
  preload?(): Promise<void>;
}

/** Undefined where the runtime cannot do it. */
export type TransportFactory = (runtime: Runtime) => Transport | undefined;
