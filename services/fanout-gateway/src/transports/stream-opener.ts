import { randomUUID } from 'node:crypto';
import { TidewireError } from '@tidewire/contract';
import type { LogPosition, ObjectAction, Transport } from '@tidewire/contract';
import { identify, unavailable } from '@tidewire/rights';
import type { Admission, Reader } from '@tidewire/rights';
import type { Clock } from '@tidewire/service-kit';
import type { Connection, Wire } from '../delivery/connection.ts';
import type { FanOutPort } from '../fanout/subscription.ts';
import { ANONYMOUS_PRINCIPAL } from '../limits/connection-slots.ts';
import type { ConnectionSlots, Slot } from '../limits/connection-slots.ts';
import type { LogFeed } from '../log/log-feed.ts';
import { decideStart, isBeyond } from '../replay/cursor.ts';
import type { Start } from '../replay/cursor.ts';
import type { Wish } from '../rights/resolve-filter.ts';
import { resolveSource } from '../rights/resolve-source.ts';
import type { ResolvedSource, Source } from '../rights/resolve-source.ts';
import type { RightsFeed } from '../rights/rights-feed.ts';
import { StreamRequest } from '../rights/stream-request.ts';
import type { StreamKeeper } from './stream-keeper.ts';
import type { Stream, StreamSink } from './stream.ts';

export interface StreamOpenerOptions {
  readonly feed: LogFeed;
  readonly rights: RightsFeed;
  readonly fanOut: FanOutPort;
  readonly keeper: StreamKeeper;
  readonly slots: ConnectionSlots;
  readonly clock: Clock;
  readonly random: () => number;
  readonly maxAgeMs: number;
}

/** What a client asked for, read; whether it is there for this client is not looked at yet. */
export interface Wanted {
  readonly from: Source;
  readonly wish: Wish;
  /** Undefined: all of them. */
  readonly actions: readonly ObjectAction[] | undefined;
}

/** How a client is written to. */
export interface StreamSide {
  readonly transport: Transport;
  readonly wire: Wire;
  readonly tick: 0 | 1;
  /** Whether the client may know events beyond its cursor. Default: false. */
  readonly knowsAhead?: boolean;
  /** What its frames call it, where frames of its wire carry a name; otherwise empty. */
  readonly subscription: string;
  readonly sink: StreamSink;
}

/** Who connects. */
export interface ConnectionOrder {
  readonly admission: Admission;
  /** The client's, as far as proxies are trusted. */
  readonly address: string;
}

/** A request for a stream or a poll, read and authenticated. */
export interface StreamOrder extends ConnectionOrder {
  readonly wanted: Wanted;
  readonly cursor: string | undefined;
  /** `sink` is undefined when the client has gone already. */
  readonly side: Omit<StreamSide, 'sink'> & { readonly sink: StreamSink | undefined };
}

/** A subscription on a connection that can have several. */
export interface LaneOrder {
  readonly wanted: Wanted;
  readonly cursor: string | undefined;
  readonly side: StreamSide;
}

/** A stream that takes part from `position` on: nothing was written to it, and what its cursor misses is still to come. */
export interface OpenedStream {
  readonly stream: Stream;
  readonly connection: Connection;
  readonly start: Start;
  readonly position: LogPosition;
}

const NOTHING: ResolvedSource = Object.freeze({
  topics: [],
  interests: [],
  table: undefined,
  selection: undefined,
});
const NO_WISH: Wish = Object.freeze({ filter: [], fields: undefined });
/** A subscription has its connection's place, and is let in by what let that in. */
const NO_PLACE = Object.freeze({ release: () => undefined });

/** Part of a stream's life that is taken off at random, so that those opened together do not age together. */
const AGE_JITTER = 0.2;

/** Lets streams and polls in: everything that can be refused is refused here, before the client is told anything. */
export class StreamOpener {
  readonly #options: StreamOpenerOptions;
  #draining = false;

  constructor(options: StreamOpenerOptions) {
    this.#options = options;
  }

  /** Whether nobody is let in any more. */
  get draining(): boolean {
    return this.#draining;
  }

  /** From here on nobody is let in any more. */
  drain(): void {
    this.#draining = true;
  }

  /** @throws TidewireError DRAINING, SERVICE_UNAVAILABLE: come again, here or elsewhere. */
  requireReady(): void {
    if (this.#draining)
      throw new TidewireError('DRAINING', 'This server is restarting', { retryAfterSeconds: 1 });
    if (!this.#options.feed.fresh) throw unavailable('This server is not level with the event log');
    if (this.#options.slots.full) throw unavailable('This server has as many streams as it takes');
  }

  /** @throws TidewireError SERVICE_UNAVAILABLE while nothing is known of anybody's rights. */
  requireRights(): void {
    if (this.#options.feed.epoch === undefined) throw unavailable('This server has not read the rights yet');
  }

  /**
   * Subscribes, in a place that was taken for it, and calls `begin` before anything can be written to the stream; not
   * when the client has gone. Owns the place and the admission from here on, also when it throws.
   *
   * @throws TidewireError NOT_FOUND, UNKNOWN_FIELD, MALFORMED_FILTER, TOO_MANY_SUBSCRIPTIONS, UNAUTHORIZED, and what
   * {@link requireReady} throws.
   */
  async open(order: StreamOrder, slot: Slot, begin: (opened: OpenedStream) => void): Promise<void> {
    const { side, ...rest } = order;
    try {
      await this.#lookAhead(order.cursor);
      // From here to the end nothing is awaited: rights and position are those of one moment.
      this.requireReady();
      const start = this.#decideStart(order.cursor);
      this.#requireAlive(order.admission);
      const target = this.#resolve(order.wanted, order.admission.reader);
      const { sink } = side;
      if (sink === undefined) {
        slot.release();
        order.admission.release();
        return;
      }
      const stream = this.#createConnection({ ...rest, target }, { ...side, sink }, slot);
      this.#begin(stream, { ...rest, side: { ...side, sink } }, start, begin);
    } catch (error) {
      slot.release();
      order.admission.release();
      throw error;
    }
  }

  /**
   * Lets a connection in that subscribes to nothing yet: {@link openLane} does. Owns the place and the admission from here
   * on, also when it throws.
   *
   * @throws TidewireError UNAUTHORIZED, and what {@link requireReady} throws.
   */
  openHost(order: ConnectionOrder, side: StreamSide, slot: Slot): Stream {
    try {
      this.requireReady();
      this.#requireAlive(order.admission);
      const stream: Stream = {
        ...this.#createConnection({ ...order, target: NOTHING }, side, slot),
        lanes: new Set(),
      };
      this.#options.keeper.streams.add(stream);
      return stream;
    } catch (error) {
      slot.release();
      order.admission.release();
      throw error;
    }
  }

  /**
   * Subscribes on a connection. `begin` is called before anything of the subscription can be written; not when the
   * connection has ended meanwhile.
   *
   * @throws TidewireError as {@link open} does.
   */
  async openLane(host: Stream, order: LaneOrder, begin: (opened: OpenedStream) => void): Promise<void> {
    await this.#lookAhead(order.cursor);
    if (host.ended) return;
    this.requireReady();
    const start = this.#decideStart(order.cursor);
    const stream: Stream = {
      ...host,
      host,
      lanes: undefined,
      ...this.#resolve(order.wanted, host.reader),
      wish: order.wanted.wish,
      sink: order.side.sink,
      since: this.#options.clock.now(),
      slot: NO_PLACE,
      admission: NO_PLACE,
    };
    this.#begin(stream, order, start, begin);
  }

  /**
   * Whether what is wanted is there for this reader, before its connection is let in.
   *
   * @throws TidewireError NOT_FOUND, UNKNOWN_FIELD, MALFORMED_FILTER, and what {@link requireReady} throws.
   */
  check(wanted: Wanted, reader: Reader): void {
    this.requireReady();
    const { topics: _topics, ...target } = this.#resolve(wanted, reader);
    const asked = { reader, ...target, wish: wanted.wish };
    void new StreamRequest(this.#options.rights, asked, wanted.actions);
  }

  async #lookAhead(cursor: string | undefined): Promise<void> {
    const { feed } = this.#options;
    if (feed.window === undefined || isBeyond(cursor, feed.position)) await feed.refreshWindow();
  }

  #begin(stream: Stream, order: LaneOrder, start: Start, begin: (opened: OpenedStream) => void): void {
    const { fanOut, keeper } = this.#options;
    try {
      const connection = this.#attach(stream, order);
      begin({ stream, connection, start, position: fanOut.evaluatedPosition() });
    } catch (error) {
      keeper.drop(stream);
      throw error;
    }
  }

  #decideStart(cursor: string | undefined): Start {
    const { feed } = this.#options;
    if (feed.window === undefined) throw unavailable('The event log cannot be reached');
    const start = decideStart(cursor, { applied: feed.position, leader: feed.window });
    if (start.kind === 'unknown') throw unavailable('This server has not reached the cursor yet');
    return start;
  }

  #requireAlive({ reader, expiresAt }: Admission): void {
    const { rights, clock } = this.#options;
    if (reader.credentialId !== null && rights.view.credential(reader.credentialId) === undefined) {
      throw unavailable('The rights were loaded anew meanwhile');
    }
    const expired = expiresAt !== null && expiresAt <= clock.now();
    if (expired || identify(rights.view, reader) === undefined) {
      throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
    }
  }

  #createConnection(
    order: ConnectionOrder & { readonly wanted?: Wanted; readonly target: ResolvedSource },
    { transport, sink }: StreamSide,
    slot: Slot,
  ): Stream {
    const { clock, random, maxAgeMs } = this.#options;
    const { admission, address, wanted, target } = order;
    return {
      id: randomUUID(),
      host: undefined,
      lanes: undefined,
      reader: admission.reader,
      address,
      transport,
      since: clock.now(),
      ...target,
      wish: wanted?.wish ?? NO_WISH,
      sink,
      agesAt: clock.monotonic() + maxAgeMs * (1 - AGE_JITTER * random()),
      expiresAt: admission.expiresAt,
      warned: false,
      connection: undefined,
      subscription: undefined,
      work: undefined,
      ended: false,
      slot,
      admission,
    };
  }

  /** What is wanted, by its names of now. @throws TidewireError NOT_FOUND */
  find(wanted: Wanted, reader: Reader): ResolvedSource {
    return this.#resolve(wanted, reader);
  }

  #resolve({ from }: Wanted, reader: Reader): ResolvedSource {
    return resolveSource(this.#options.rights.view, reader, from);
  }

  #attach(stream: Stream, { wanted, side }: LaneOrder): Connection {
    const { fanOut, rights, keeper } = this.#options;
    const request = new StreamRequest(rights, stream, wanted.actions);
    stream.connection = fanOut.addConnection({
      id: stream.id,
      principalId: stream.reader.principalId ?? ANONYMOUS_PRINCIPAL,
      sink: stream.sink,
      wire: side.wire,
      subscription: side.subscription,
      tick: side.tick,
      knowsAhead: side.knowsAhead,
    });
    stream.subscription = fanOut.subscribe(stream.connection, request);
    keeper.streams.add(stream);
    return stream.connection;
  }
}
