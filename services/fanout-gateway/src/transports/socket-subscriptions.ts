import { TidewireError, formatTopic, parseTopic } from '@tidewire/contract';
import type { ClientMessage, TableHandshake, TopicHandshake } from '@tidewire/contract';
import type { Wire } from '../delivery/connection.ts';
import { startStream } from './catch-up.ts';
import { describeSubscription, laneSubject, SocketLane } from './socket-lane.ts';
import type { SocketPeer } from './socket-peer.ts';
import { readActions } from './stream-actions.ts';
import type { Wanted } from './stream-opener.ts';
import type { Stream } from './stream.ts';
import { queryOfFilter } from './topic-filter.ts';
import type { TransportOptions } from './transport-options.ts';

export interface SocketSubscriptionsOptions extends TransportOptions {
  /** Subscriptions of one connection. */
  readonly maxSubscriptions: number;
}

export interface SocketSubscriptionsParts {
  readonly host: Stream;
  readonly peer: SocketPeer;
  readonly wire: Wire;
  /** The cursor of subscriptions that have none of their own. */
  readonly cursor: string | undefined;
}

type Unsubscribe = Extract<ClientMessage, { type: 'unsubscribe' }>;

/** A subscription that was asked for, read. */
export interface WantedLane {
  readonly wanted: Wanted;
  /** How the client calls it. */
  readonly subscription?: string | undefined;
  readonly cursor?: string | undefined;
}

/** The subscriptions of one socket, by the names that their frames carry. */
export class SocketSubscriptions {
  readonly #options: SocketSubscriptionsOptions;
  readonly #parts: SocketSubscriptionsParts;

  constructor(options: SocketSubscriptionsOptions, parts: SocketSubscriptionsParts) {
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
    const { host, peer, wire } = this.#parts;
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
    const sink = new SocketLane(peer, subscription, subject);
    const cursor = asked.cursor ?? this.#parts.cursor;
    const side = { transport: 'websocket', wire, tick: 0, subscription, sink } as const;
    await opener.openLane(host, { wanted, cursor, side }, (opened) => {
      if (!peer.open) {
        keeper.drop(opened.stream);
        return;
      }
      peer.tell(describeSubscription(opened, subscription, host.id));
      startStream(this.#options, opened, sink);
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

  /** Most sockets have one: a map of their own would take more memory than the rest of it. */
  #find(name: string): Stream | undefined {
    for (const lane of this.#parts.host.lanes ?? []) if (lane.connection?.subscription === name) return lane;
    return undefined;
  }
}

/** A table's handshake as what every transport opens. */
export function readTableHandshake(message: TableHandshake): WantedLane {
  const { table, filter = '', fields, sort } = message;
  return {
    wanted: {
      from: table,
      wish: { filter: typeof filter === 'string' ? filter : JSON.stringify(filter), fields, sort },
      actions: undefined,
    },
    subscription: message.subscriptionId,
    cursor: message.lastEventId,
  };
}

/** @throws TidewireError MALFORMED_TOPIC, BAD_REQUEST */
export function readTopicHandshake(message: TopicHandshake): WantedLane {
  const { filter = {}, fields, events } = message;
  const topic = parseTopic(message.topic);
  if (topic === undefined) {
    throw new TidewireError('MALFORMED_TOPIC', `'${message.topic.slice(0, 200)}' is not a topic`);
  }
  return {
    wanted: {
      from: [topic],
      wish: { filter: queryOfFilter(filter), fields },
      actions: events && readActions(events),
    },
    subscription: message.subscriptionId ?? formatTopic(topic),
    cursor: message.lastEventId,
  };
}
