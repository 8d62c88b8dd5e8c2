import type { ErrorCode, Resync, Topic } from '@tidewire/contract';
import type { Connection, Sink } from '../delivery/connection.ts';
import type { Interest, Subscription } from '../fanout/subscription.ts';
import type { Reader } from '../rights/access.ts';
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
}

/** One open stream of one principal, or one poll that waits, with what it asked for. */
export interface Stream {
  readonly id: string;
  readonly reader: Reader;
  readonly topics: readonly Topic[];
  readonly interests: readonly Interest[];
  readonly wish: Wish;
  /** Slug of the table, on the tables face. */
  readonly table: string | undefined;
  readonly sink: StreamSink;
  /** Monotonic milliseconds at which it is told to reconnect. */
  readonly agesAt: number;
  /** Wall-clock milliseconds at which its credential expires; follows the credential. */
  expiresAt: number | null;
  connection: Connection | undefined;
  subscription: Subscription | undefined;
  /** Aborts what still runs for it: a wait, a replay. Undefined when nothing does. */
  work: AbortController | undefined;
  ended: boolean;
  /** Gives back what the stream holds: its place among the connections, its reader in the view. */
  readonly release: () => void;
}

/** The open streams of this process, by who holds them. */
export class Streams {
  readonly #all = new Set<Stream>();
  readonly #byPrincipal = new Map<string, Set<Stream>>();
  readonly #byCredential = new Map<string, Set<Stream>>();

  add(stream: Stream): void {
    this.#all.add(stream);
    addTo(this.#byPrincipal, stream.reader.principalId, stream);
    addTo(this.#byCredential, stream.reader.credentialId, stream);
  }

  remove(stream: Stream): void {
    this.#all.delete(stream);
    removeFrom(this.#byPrincipal, stream.reader.principalId, stream);
    removeFrom(this.#byCredential, stream.reader.credentialId, stream);
  }

  get size(): number {
    return this.#all.size;
  }

  all(): ReadonlySet<Stream> {
    return this.#all;
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
