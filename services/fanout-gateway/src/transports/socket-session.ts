import type { ClientMessage, FieldError, PendingEdit } from '@tidewire/contract';
import { REALTIME_TRANSPORT_CONFIG, formatTimestamp } from '@tidewire/contract';
import { toTidewireError } from '@tidewire/service-kit';
import type { Clock, Logger } from '@tidewire/service-kit';
import { PING_FRAME } from '../formats/web-socket.ts';
import type { Peer } from './peer.ts';
import { findSubscription, readClientMessage } from './socket-input.ts';
import type { SocketPeer } from './socket-peer.ts';
import { readTableHandshake, readTopicHandshake } from './socket-subscriptions.ts';
import type { SocketSubscriptions, WantedLane } from './socket-subscriptions.ts';
import type { Reader } from '../rights/access.ts';
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

/** Messages, pings included, that a client may send at once, and per second in the long run. */
const BURST = 200;
const PER_SECOND = 50;
/** Bytes between two looks at the connection: a client may not keep this process busy with what never becomes a message. */
const MOST_BYTES_PER_LOOK = 4 * 1024 * 1024;
/** Messages that wait while one is acted on: above this nothing more is read from the connection. */
const MOST_WAITING = 16;

const { heartbeatIntervalMs, presenceStaleTimeoutMs, idleConnectionTimeoutMs } = REALTIME_TRANSPORT_CONFIG;

export interface SocketSessionParts {
  readonly host: Stream;
  readonly peer: SocketPeer;
  readonly subscriptions: SocketSubscriptions;
  /** Stops and goes on reading from the connection. */
  readonly flow: { pause(): void; resume(): void };
  /** Bytes that the client has sent so far. */
  readonly bytesRead: () => number;
  /** Monotonic milliseconds at which it is pinged first. */
  readonly pingAt: number;
}

/** What one client says on its socket, done one after another. */
export class SocketSession {
  readonly #options: SocketSessionOptions;
  readonly #parts: SocketSessionParts;
  readonly #waiting: (() => Promise<void> | void)[] = [];
  #running = false;
  #paused = false;
  #bytesRead = 0;
  /** Messages that may come now, as of `#refilledAt`. */
  #allowance = BURST;
  #refilledAt: number;
  #heardAt: number;
  #pingAt: number;
  #busyAt: number;

  constructor(options: SocketSessionOptions, parts: SocketSessionParts) {
    this.#options = options;
    this.#parts = parts;
    const now = options.clock.monotonic();
    this.#refilledAt = now;
    this.#heardAt = now;
    this.#busyAt = now;
    this.#pingAt = parts.pingAt;
  }

  /** Takes a message of the client, as text. */
  receive(text: string): void {
    if (!this.heard(1)) return;
    this.#enqueue(async () => {
      try {
        await this.#act(readClientMessage(text));
      } catch (error) {
        this.#refuse(error, findSubscription(text));
      }
    });
  }

  /** Takes note that the client is there. `cost`: how many messages that counts as. False when they are too many. */
  heard(cost: 0 | 1): boolean {
    const { clock, keeper, presence } = this.#options;
    const { host, peer } = this.#parts;
    if (!peer.open) return false;
    const now = clock.monotonic();
    this.#heardAt = now;
    this.#allowance =
      Math.min(BURST, this.#allowance + ((now - this.#refilledAt) / 1000) * PER_SECOND) - cost;
    this.#refilledAt = now;
    if (this.#allowance < 0) {
      keeper.end(host, 'RATE_LIMITED');
      return false;
    }
    presence.touch(peer);
    return true;
  }

  /** Begins with a subscription that came with the address. */
  subscribe(wanted: WantedLane): void {
    this.#enqueue(async () => {
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
    if (now - this.#heardAt >= presenceStaleTimeoutMs) {
      // Nobody is there any more who could be told why.
      peer.reset();
      return;
    }
    const bytesRead = this.#parts.bytesRead();
    if (bytesRead - this.#bytesRead > MOST_BYTES_PER_LOOK) {
      keeper.end(host, 'RATE_LIMITED');
      return;
    }
    this.#bytesRead = bytesRead;
    const inUse = subscriptions.size > 0 || presence.isPresent(peer) || pendingEdits.isEditing(peer);
    if (inUse) this.#busyAt = now;
    else if (now - this.#busyAt >= idleConnectionTimeoutMs) {
      keeper.end(host, 'CONNECTION_IDLE');
      return;
    }
    if (now < this.#pingAt) return;
    this.#pingAt = now + heartbeatIntervalMs;
    peer.write(PING_FRAME);
  }

  /** The connection is over, whoever ended it. */
  ended(): void {
    const { presence, pendingEdits, keeper } = this.#options;
    const { peer, host } = this.#parts;
    this.#waiting.length = 0;
    presence.left(peer);
    pendingEdits.left(peer);
    keeper.drop(host);
  }

  #enqueue(work: () => Promise<void> | void): void {
    this.#waiting.push(work);
    if (this.#waiting.length >= MOST_WAITING && !this.#paused) {
      this.#paused = true;
      this.#parts.flow.pause();
    }
    if (!this.#running) void this.#run();
  }

  /** Its errors end here. */
  async #run(): Promise<void> {
    this.#running = true;
    for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) {
      await work();
      if (!this.#paused || this.#waiting.length >= MOST_WAITING) continue;
      this.#paused = false;
      this.#parts.flow.resume();
    }
    this.#running = false;
  }

  async #act(message: ClientMessage): Promise<void> {
    const { presence, pendingEdits, clock } = this.#options;
    const { peer, subscriptions } = this.#parts;
    switch (message.type) {
      case undefined:
        return await subscriptions.add(readTableHandshake(message));
      case 'subscribe':
        return await subscriptions.add(
          'table' in message ? readTableHandshake(message) : readTopicHandshake(message),
        );
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

  #refuse(thrown: unknown, subscriptionId: string | undefined, about: readonly FieldError[] = []): void {
    const error = toTidewireError(thrown);
    const { peer, host } = this.#parts;
    const detail = [...error.errors, ...about];
    if (error.status >= 500 && error.code !== 'SERVICE_UNAVAILABLE') {
      this.#options.logger.error('message of a socket failed', { connectionId: host.id, error: thrown });
    }
    peer.tell({
      type: 'error',
      code: error.code,
      message: error.message,
      ...(subscriptionId !== undefined && { subscriptionId }),
      ...(detail.length > 0 && { detail }),
    });
  }
}
