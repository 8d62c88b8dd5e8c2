import type { ResyncReason } from '@tidewire/contract';
import type { DirtyNode, Frame } from './class-set.ts';

/** Where the bytes of one connection go. The transport owns the socket; none of these may call back into delivery. */
export interface Sink {
  /** Hands the bytes to the stream, in order. The buffer is shared by many connections: never written into. */
  write(bytes: Buffer): void;
  /** Bytes that were written and have not left this process. */
  queuedBytes(): number;
  /** Ends the connection at once, dropping what is queued (`resetAndDestroy`). */
  reset(): void;
}

/** Encodings of a stream (`formats/wire.ts`). Part of a frame's shape. */
export type Wire =
  | 'sse'
  | 'table-sse'
  | 'several-sse'
  | 'poll'
  | 'socket'
  | 'socket-deflate'
  | 'graphql-sse'
  | 'graphql-lines';

/** Frames of a connection whose replay has not ended: released after it, or dropped when they became too many. */
export interface Held {
  frames: Frame[];
  bytes: number;
  /** Set when frames were dropped or rights changed: the client is told to fetch again instead. */
  resync: ResyncReason | undefined;
}

/** An answer for one connection that takes the place of its class's frame of the same event. */
export interface Override {
  readonly sequence: number;
  /** The class whose frame it replaces. */
  readonly source: object;
  /** What the connection gets instead; null: nothing. */
  readonly bytes: Buffer | null;
}

/**
 * What delivery keeps of one open stream, or of one subscription of a socket. Plain state: no timer, closure or emitter
 * of its own.
 */
export interface Connection {
  readonly id: string;
  readonly principalId: string;
  readonly sink: Sink;
  readonly wire: Wire;
  /** The subscription's id, where the frames of its wire carry one; otherwise empty. */
  readonly subscription: string;
  /** Which of the two process-wide ticks it belongs to: 0, or 1 for the one that joins for a while. */
  readonly tick: 0 | 1;
  /** Whether its client may know events beyond its cursor: what it was told of them is not where its cursor is. */
  readonly knowsAhead: boolean;
  /** The last walk of the dirty classes that came by. */
  mark: number;
  /** What is owed to it: written before anything later is. */
  node: DirtyNode | null;
  overrides: Override[] | null;
  held: Held | null;
  /** Events up to here are not wanted, because the client's own cursor says so; 0: no such bound. */
  after: number;
  /** Over its budget: nothing is written until it has drained, then one `resync`. */
  behind: boolean;
  /** Set for good when it is removed or about to be reset: nothing is written any more. */
  closed: boolean;
  /** Monotonic milliseconds of the last write; heartbeats go to quiet connections only. */
  wroteAt: number;
  /** Bytes and events written since the queue was last seen empty: how many events the queued bytes stand for. */
  queueBytes: number;
  queueEvents: number;
  /** Bytes that would be queued if none had left since the last look, and when some were last seen to leave. */
  seenQueued: number;
  progressAt: number;
}

export interface ConnectionOptions {
  readonly id: string;
  readonly principalId: string;
  readonly sink: Sink;
  readonly wire: Wire;
  readonly subscription: string;
  readonly tick: 0 | 1;
  /** Default: false. */
  readonly knowsAhead?: boolean | undefined;
}

/** The state of a stream that has just opened. `now` is monotonic milliseconds. */
export function createConnection(options: ConnectionOptions, now: number): Connection {
  const { knowsAhead = false } = options;
  return {
    ...options,
    knowsAhead,
    mark: 0,
    node: null,
    overrides: null,
    held: null,
    after: 0,
    behind: false,
    closed: false,
    wroteAt: now,
    queueBytes: 0,
    queueEvents: 0,
    seenQueued: 0,
    progressAt: now,
  };
}
