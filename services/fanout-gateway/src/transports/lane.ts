import { formatTableFilter } from '@tidewire/condition';
import { formatEventId, formatTopic } from '@tidewire/contract';
import type { ErrorCode, Resync, StreamMessage, Topic } from '@tidewire/contract';
import { formatSort } from '../rights/resolve-sort.ts';
import type { StreamRequest } from '../rights/stream-request.ts';
import type { Peer } from './peer.ts';
import type { OpenedStream } from './stream-opener.ts';
import type { StreamSink } from './stream.ts';

/** What a subscription is to, as messages call it. */
export type LaneSubject = { readonly table: string } | { readonly topic: string };

export function laneSubject(table: string | undefined, topics: readonly Topic[]): LaneSubject {
  return table === undefined ? { topic: topics.map(formatTopic).join(' ') } : { table };
}

/** What a client is told of a subscription that has begun. */
export function describeSubscription(
  { stream, start, position }: OpenedStream,
  subscription: string,
  connectionId: string,
): Extract<StreamMessage, { type: 'subscribed' }> {
  const request = stream.subscription?.request as StreamRequest;
  const filter = stream.table === undefined ? '' : formatTableFilter(request.filter);
  return {
    type: 'subscribed',
    ...laneSubject(stream.table, stream.topics),
    subscriptionId: subscription,
    connectionId,
    ...(filter !== '' && { filter }),
    ...(request.fields && { fields: [...request.fields] }),
    ...(request.sort && { sort: formatSort(request.sort), sortTypes: request.sortTypes }),
    ...(start.kind === 'live' && { eventId: formatEventId(position) }),
  };
}

/** One connection with several subscriptions, as those see it. */
export interface LanePeer extends Pick<Peer, 'open' | 'tell'> {
  write(bytes: Buffer): void;
  queuedBytes(): number;
  drained(): Promise<void>;
  reset(): void;
}

/** The write side of one subscription of a connection that has several: it shares the connection, and ends by itself. */
export class Lane implements StreamSink {
  readonly subscription: string;
  readonly subject: LaneSubject;
  readonly #peer: LanePeer;
  readonly #onEnd: (() => void) | undefined;

  /** `onEnd` is called when it was ended from this side. */
  constructor(peer: LanePeer, subscription: string, subject: LaneSubject, onEnd?: () => void) {
    this.#peer = peer;
    this.subscription = subscription;
    this.subject = subject;
    this.#onEnd = onEnd;
  }

  write(bytes: Buffer): void {
    this.#peer.write(bytes);
  }

  queuedBytes(): number {
    return this.#peer.queuedBytes();
  }

  async drained(): Promise<void> {
    await this.#peer.drained();
  }

  /** The bytes of one subscription cannot be taken back alone. */
  reset(): void {
    this.#peer.reset();
  }

  resync(resync: Resync): void {
    this.#peer.tell({ type: 'resync', ...resync, scope: [this.subscription] });
  }

  end(code: ErrorCode, reason: string): void {
    const { subscription: subscriptionId, subject } = this;
    this.#peer.tell({ type: 'error', code, message: reason, subscriptionId });
    this.#peer.tell({ type: 'unsubscribed', ...subject, subscriptionId });
    this.#onEnd?.();
  }

  /** Credential and freshness are the connection's, which tells of them once. */
  expiring(): void {}

  held(): void {}
}
