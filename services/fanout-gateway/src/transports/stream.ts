import type { ErrorCode, Resync, Topic, Transport } from '@tidewire/contract';
import type { EventSelection } from '@tidewire/graphql';
import type { Admission, Reader } from '@tidewire/rights';
import type { Connection, Sink } from '../delivery/connection.ts';
import type { Interest, Subscription } from '../fanout/subscription.ts';
import type { Slot } from '../limits/connection-slots.ts';
import type { Wish } from '../rights/resolve-filter.ts';

/** The client's side of a stream, whatever its transport. */
export interface StreamSink extends Sink {
  /** Says at once, past everything that waits, that the client has to fetch again. */
  resync(resync: Resync): void;
  /**
   * Says why, and ends. Bytes of a credential that ended must not wait for a slow reader: with `lingerMs` the connection
   * is reset that long afterwards, at once when something is queued already.
   */
  end(code: ErrorCode, reason: string, lingerMs?: number): void;
  /** Says that the credential will end then, unless it is renewed. Wall-clock milliseconds. */
  expiring(expiresAt: number): void;
  /** Says that events are held back, or that they are not any more, where the client's protocol has words for it. */
  held(on: boolean): void;
}

/** Ends after which nothing leaves that was judged before: it was meant for somebody who may not have it any more. */
export const ENDS_AT_ONCE: ReadonlySet<ErrorCode> = new Set(['CREDENTIAL_ENDED', 'CONNECTION_ENDED']);

/**
 * One open stream of one principal, or one poll that waits, with what it asked for. A connection that can have several
 * subscriptions is a stream that asked for nothing, the host, and one stream per subscription: what happens to the
 * connection happens to the host, what happens to a subscription to its own stream alone.
 */
export interface Stream {
  readonly id: string;
  /** The stream of the connection that this one is a subscription of; undefined: it is its own connection. */
  readonly host: Stream | undefined;
  /** The subscriptions of a connection that can have several; undefined: it cannot. */
  readonly lanes: Set<Stream> | undefined;
  /** Who is told, by which credential: by another one of the same principal after a renewal. */
  reader: Reader;
  /** The client's, as far as proxies are trusted. */
  readonly address: string;
  readonly transport: Transport;
  /** Wall-clock milliseconds at which it was opened. */
  readonly since: number;
  readonly topics: readonly Topic[];
  readonly interests: readonly Interest[];
  readonly wish: Wish;
  /** Slug of the table, on the tables face. */
  readonly table: string | undefined;
  /** What a GraphQL subscription selects. */
  readonly selection: EventSelection | undefined;
  readonly sink: StreamSink;
  /** Monotonic milliseconds at which it is told to reconnect. */
  readonly agesAt: number;
  /** Wall-clock milliseconds at which its credential expires; follows the credential. */
  expiresAt: number | null;
  /** Whether it was told that this will be soon. */
  warned: boolean;
  connection: Connection | undefined;
  subscription: Subscription | undefined;
  /** Aborts what still runs for it: a wait, a replay. Undefined when nothing does. */
  work: AbortController | undefined;
  ended: boolean;
  /** Its place among the connections. */
  readonly slot: Pick<Slot, 'release'>;
  /** Its reader in the view. */
  admission: Pick<Admission, 'release'>;
}

/** The open streams of this process, by who holds them. */
export class Streams {
  readonly #all = new Set<Stream>();
  readonly #byId = new Map<string, Stream>();
  readonly #byPrincipal = new Map<string, Set<Stream>>();
  readonly #byCredential = new Map<string, Set<Stream>>();

  add(stream: Stream): void {
    this.#all.add(stream);
    stream.host?.lanes?.add(stream);
    if (stream.host === undefined) this.#byId.set(stream.id, stream);
    addTo(this.#byPrincipal, stream.reader.principalId, stream);
    addTo(this.#byCredential, stream.reader.credentialId, stream);
  }

  remove(stream: Stream): void {
    this.#all.delete(stream);
    stream.host?.lanes?.delete(stream);
    if (stream.host === undefined) this.#byId.delete(stream.id);
    removeFrom(this.#byPrincipal, stream.reader.principalId, stream);
    removeFrom(this.#byCredential, stream.reader.credentialId, stream);
  }

  /** The stream is another credential's from here on, of the same principal. */
  rebind(stream: Stream, reader: Reader): void {
    removeFrom(this.#byCredential, stream.reader.credentialId, stream);
    stream.reader = reader;
    addTo(this.#byCredential, stream.reader.credentialId, stream);
  }

  /** The connection of that id. */
  find(id: string): Stream | undefined {
    return this.#byId.get(id);
  }

  get size(): number {
    return this.#all.size;
  }

  all(): ReadonlySet<Stream> {
    return this.#all;
  }

  get openConnections(): number {
    return this.#byId.size;
  }

  /** Those that are connections: no subscriptions of one. Some may end while this is walked. */
  connections(): Iterable<Stream> {
    return this.#byId.values();
  }

  ofPrincipal(id: string): ReadonlySet<Stream> {
    return this.#byPrincipal.get(id) ?? NONE;
  }

  ofCredential(id: string): ReadonlySet<Stream> {
    return this.#byCredential.get(id) ?? NONE;
  }
}

const NONE: ReadonlySet<Stream> = new Set();

function addTo(index: Map<string, Set<Stream>>, key: string | null, stream: Stream): void {
  if (key === null) return;
  const streams = index.get(key) ?? new Set();
  streams.add(stream);
  index.set(key, streams);
}

function removeFrom(index: Map<string, Set<Stream>>, key: string | null, stream: Stream): void {
  if (key === null) return;
  const streams = index.get(key);
  streams?.delete(stream);
  if (streams?.size === 0) index.delete(key);
}
