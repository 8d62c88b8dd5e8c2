import type { ClientMessage, FieldError, PendingEdit } from '@tidewire/contract';
import { formatTimestamp } from '@tidewire/contract';
import type { Reader } from '@tidewire/rights';
import type { Clock, Logger } from '@tidewire/service-kit';
import { readHandshake } from './handshake.ts';
import type { Lanes, WantedLane } from './lanes.ts';
import type { Peer } from './peer.ts';
import { tellRefusal } from './refusal.ts';
import { findSubscription, readClientMessage } from './socket-input.ts';
import type { SocketPeer } from './socket-peer.ts';
import { SocketQueue } from './socket-queue.ts';
import type { SocketFlow } from './socket-queue.ts';
import type { SocketListener } from './socket-upgrade.ts';
import { SocketWatch } from './socket-watch.ts';
import type { SocketWatchParts } from './socket-watch.ts';
import type { StreamKeeper } from './stream-keeper.ts';
import type { Stream } from './stream.ts';

/** Who is on which page. */
export interface PresencePort {
  /** The page's name. @throws TidewireError for one that this reader may not be on, and for what is no page. */
  requirePage(reader: Reader, pagePath: string): string;
  join(peer: Peer, pagePath: string): Promise<void>;
  leave(peer: Peer, pagePath: string): void;
  /** The connection is over. */
  left(peer: Peer): void;
  /** Something was heard of the client. */
  touch(peer: Peer): void;
  isPresent(peer: Peer): boolean;
}

/** Who is editing what. */
export interface PendingEditsPort {
  announce(peer: Peer, edit: PendingEdit): Promise<void> | void;
  settle(peer: Peer, table: string, recordId: string): void;
  left(peer: Peer): void;
  /** Whether anything that the connection is editing is followed. */
  isEditing(peer: Peer): boolean;
}

export interface SocketSessionOptions {
  readonly keeper: StreamKeeper;
  readonly presence: PresencePort;
  readonly pendingEdits: PendingEditsPort;
  /** Lets the connection live by another credential; says when that one ends. */
  readonly renew: (stream: Stream, token: string) => Promise<number | null>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface SocketSessionParts extends Omit<SocketWatchParts, 'peer'> {
  readonly host: Stream;
  readonly peer: SocketPeer;
  readonly subscriptions: Lanes;
  readonly flow: SocketFlow;
}

/** What one client says on its socket, done one after another. */
export class SocketSession implements SocketListener {
  readonly #options: SocketSessionOptions;
  readonly #parts: SocketSessionParts;
  readonly #queue: SocketQueue;
  readonly #watch: SocketWatch;

  constructor(options: SocketSessionOptions, parts: SocketSessionParts) {
    this.#options = options;
    this.#parts = parts;
    this.#queue = new SocketQueue(parts.flow);
    this.#watch = new SocketWatch(parts, options.clock.monotonic());
  }

  receive(text: string): void {
    if (!this.heard(1)) return;
    this.#queue.add(async () => {
      try {
        await this.#act(readClientMessage(text));
      } catch (error) {
        this.#refuse(error, findSubscription(text));
      }
    });
  }

  heard(cost: 0 | 1): boolean {
    const { clock, keeper, presence } = this.#options;
    const { host, peer } = this.#parts;
    if (!peer.open) return false;
    if (!this.#watch.heard(clock.monotonic(), cost)) {
      keeper.end(host, 'RATE_LIMITED');
      return false;
    }
    presence.touch(peer);
    return true;
  }

  /** Begins with a subscription that came with the address. */
  subscribe(wanted: WantedLane): void {
    this.#queue.add(async () => {
      try {
        await this.#parts.subscriptions.add(wanted);
      } catch (error) {
        this.#refuse(error, wanted.subscription);
      }
    });
  }

  /** Looks after the connection, about once a second: is anybody there, and for anything. */
  look(now: number): void {
    const { keeper, presence, pendingEdits } = this.#options;
    const { host, peer, subscriptions } = this.#parts;
    const inUse = subscriptions.size > 0 || presence.isPresent(peer) || pendingEdits.isEditing(peer);
    const end = this.#watch.look(now, inUse);
    if (end !== undefined) keeper.end(host, end);
  }

  /** The connection is over, whoever ended it. */
  ended(): void {
    const { presence, pendingEdits, keeper } = this.#options;
    const { peer, host } = this.#parts;
    this.#queue.clear();
    presence.left(peer);
    pendingEdits.left(peer);
    keeper.drop(host);
  }

  async #act(message: ClientMessage): Promise<void> {
    const { presence, pendingEdits, clock } = this.#options;
    const { peer, subscriptions } = this.#parts;
    switch (message.type) {
      case undefined:
      case 'subscribe':
        return await subscriptions.add(readHandshake(message));
      case 'unsubscribe':
        return subscriptions.remove(message);
      case 'join':
        return await presence.join(peer, message.pagePath);
      case 'leave':
        return presence.leave(peer, message.pagePath);
      case 'pending':
        return await this.#announce(message);
      case 'settled':
        return pendingEdits.settle(peer, message.table, message.recordId);
      case 'token':
        return await this.#renew(message.token);
      case 'ping':
        return peer.tell({ type: 'pong', timestamp: formatTimestamp(clock.now()) });
    }
  }

  /** A refusal names the record: a client edits several at once. */
  async #announce(edit: PendingEdit): Promise<void> {
    try {
      await this.#options.pendingEdits.announce(this.#parts.peer, edit);
    } catch (error) {
      this.#refuse(error, undefined, [{ field: 'recordId', message: edit.recordId }]);
    }
  }

  async #renew(token: string): Promise<void> {
    const { host, peer } = this.#parts;
    const expiresAt = await this.#options.renew(host, token);
    peer.tell({
      type: 'credential-renewed',
      expiresAt: expiresAt === null ? null : formatTimestamp(expiresAt),
    });
  }

  #refuse(thrown: unknown, subscriptionId: string | undefined, detail: readonly FieldError[] = []): void {
    const { logger } = this.#options;
    tellRefusal({ peer: this.#parts.peer, logger }, thrown, { subscriptionId, detail });
  }
}
