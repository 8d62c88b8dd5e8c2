import { TidewireError } from '@tidewire/contract';
import type { ClientMessage } from '@tidewire/contract';
import type { Wire } from '../delivery/connection.ts';
import { startShownStream } from './catch-up.ts';
import { Lane, describeSubscription, laneSubject } from './lane.ts';
import type { LanePeer } from './lane.ts';
import type { Wanted } from './stream-opener.ts';
import type { Stream } from './stream.ts';
import type { TransportOptions } from './transport-options.ts';

export interface LanesOptions extends TransportOptions {
  /** Subscriptions of one connection. */
  readonly maxSubscriptions: number;
}

export interface LanesParts {
  readonly host: Stream;
  readonly peer: LanePeer;
  readonly wire: Wire;
  /** The cursor of subscriptions that have none of their own. */
  readonly cursor: string | undefined;
  /** Told when the server has ended one of them. */
  readonly onEnd?: () => void;
}

type Unsubscribe = Extract<ClientMessage, { type: 'unsubscribe' }>;

/** A subscription that was asked for, read. */
export interface WantedLane {
  readonly wanted: Wanted;
  /** How the client calls it. */
  readonly subscription?: string | undefined;
  readonly cursor?: string | undefined;
}

/** The subscriptions of one connection, by the names that their frames carry. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #parts: LanesParts;

  constructor(options: LanesOptions, parts: LanesParts) {
    this.#options = options;
    this.#parts = parts;
  }

  get size(): number {
    return this.#parts.host.lanes?.size ?? 0;
  }

  /**
   * Subscribes, says so, and brings what was missed.
   *
   * @throws TidewireError CONFLICT for a name that is taken, TOO_MANY_SUBSCRIPTIONS, and what opening a stream throws.
   */
  async add({ wanted, ...asked }: WantedLane): Promise<void> {
    const { opener, keeper, maxSubscriptions } = this.#options;
    const { host, peer, wire, onEnd } = this.#parts;
    const { table, topics } = opener.find(wanted, host.reader);
    const subject = laneSubject(table, topics);
    const subscription = asked.subscription ?? ('table' in subject ? subject.table : subject.topic);
    if (this.#find(subscription) !== undefined) {
      throw new TidewireError(
        'CONFLICT',
        'There is a subscription of that name; give another subscriptionId',
      );
    }
    if (this.size >= maxSubscriptions) {
      const message = `A connection has at most ${maxSubscriptions} subscriptions`;
      throw new TidewireError('TOO_MANY_SUBSCRIPTIONS', message);
    }
    const sink = new Lane(peer, subscription, subject, onEnd);
    const cursor = asked.cursor ?? this.#parts.cursor;
    const side = { transport: host.transport, wire, tick: 0, subscription, sink } as const;
    await opener.openLane(host, { wanted, cursor, side }, (opened) => {
      if (!peer.open) {
        keeper.drop(opened.stream);
        return;
      }
      peer.tell(describeSubscription(opened, subscription, host.id));
      startShownStream(this.#options, opened, sink);
    });
  }

  /** @throws TidewireError NOT_FOUND */
  remove({ subscriptionId, table, topic }: Unsubscribe): void {
    const name = subscriptionId ?? table ?? topic ?? '';
    const lane = this.#find(name);
    if (lane === undefined) throw new TidewireError('NOT_FOUND', 'There is no such subscription');
    if (lane.connection !== undefined) this.#options.fanOut.settle(lane.connection);
    this.#options.keeper.drop(lane);
    const subject = laneSubject(lane.table, lane.topics);
    this.#parts.peer.tell({ type: 'unsubscribed', ...subject, subscriptionId: name });
  }

  /** Most connections have one: a map of their own would take more memory than the rest of it. */
  #find(name: string): Stream | undefined {
    for (const lane of this.#parts.host.lanes ?? []) if (lane.connection?.subscription === name) return lane;
    return undefined;
  }
}
