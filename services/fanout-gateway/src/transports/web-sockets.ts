import type { Socket } from 'node:net';
import { REALTIME_TRANSPORT_CONFIG, SOCKET_PROTOCOL } from '@tidewire/contract';
import type { Admission } from '@tidewire/rights';
import type { Timer } from '@tidewire/service-kit';
import type { WebSocket } from 'ws';
import { ANONYMOUS_PRINCIPAL } from '../limits/connection-slots.ts';
import { Lanes } from './lanes.ts';
import type { LanesOptions, WantedLane } from './lanes.ts';
import { SocketPeer } from './socket-peer.ts';
import { SocketSession } from './socket-session.ts';
import type { SocketSessionOptions } from './socket-session.ts';
import { SocketUpgrades, listenTo, requireHandshake } from './socket-upgrade.ts';
import type { UpgradeRequest } from './socket-upgrade.ts';
import type { Stream } from './stream.ts';

export interface WebSocketsOptions extends LanesOptions, SocketSessionOptions {
  readonly random: () => number;
}

/** A request for a WebSocket, read and authenticated. */
export interface SocketOrder extends UpgradeRequest {
  readonly admission: Admission;
  readonly address: string;
  readonly cursor: string | undefined;
  /** What it begins with; undefined: it waits for handshakes. */
  readonly first: WantedLane | undefined;
}

/** A socket that was upgraded, and what it begins with. */
interface Beginning extends Pick<SocketOrder, 'cursor' | 'first'> {
  readonly peer: SocketPeer;
  readonly host: Stream;
  readonly connection: Socket;
}

const SWEEP_MS = 1000;

/** The open sockets of this process: lets them in, keeps them alive, and finds out which are not. */
export class WebSockets {
  readonly #options: WebSocketsOptions;
  readonly #sessions = new Map<SocketPeer, SocketSession>();
  readonly #upgrades = new SocketUpgrades({
    protocol: SOCKET_PROTOCOL,
    // No context is kept on either side, so that a frame that was compressed once is good for everybody.
    perMessageDeflate: { serverNoContextTakeover: true, clientNoContextTakeover: true },
  });
  readonly #sweep: Timer;

  constructor(options: WebSocketsOptions) {
    this.#options = options;
    this.#sweep = options.clock.setInterval(() => this.#lookAfterAll(), SWEEP_MS);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Upgrades the connection. Owns the admission.
   *
   * @throws TidewireError while it can still be answered: BAD_REQUEST for what is no handshake, TOO_MANY_CONNECTIONS, and
   * what {@link StreamOpener.openHost} throws.
   */
  async accept(order: SocketOrder): Promise<void> {
    const { slots, opener, keeper } = this.#options;
    const { admission, address, cursor, first } = order;
    requireHandshake(order.request);
    const slot = await slots.take(admission.reader.principalId ?? ANONYMOUS_PRINCIPAL);
    const peer = new SocketPeer(this.#forget);
    const side = { transport: 'websocket', wire: 'socket', tick: 0, subscription: '', sink: peer } as const;
    const host = opener.openHost({ admission, address }, side, slot);
    this.#upgrades.upgrade(order, host.id, (socket, connection) => {
      this.#begin(socket, { peer, host, connection, cursor, first });
    });
    // The client has gone, or was answered by the library.
    if (!this.#sessions.has(peer)) keeper.drop(host);
  }

  stop(): void {
    this.#sweep.cancel();
  }

  readonly #forget = (peer: SocketPeer): void => {
    const session = this.#sessions.get(peer);
    this.#sessions.delete(peer);
    session?.ended();
  };

  /** What is made here lasts as long as the socket: nothing of the request may be within its reach. */
  #begin(socket: WebSocket, { peer, host, connection, cursor, first }: Beginning): void {
    const { clock, random } = this.#options;
    const wire = socket.extensions === '' ? 'socket' : 'socket-deflate';
    const subscriptions = new Lanes(this.#options, { host, peer, wire, cursor });
    // Spread, so that sockets that were opened together are not pinged together.
    const pingAt = clock.monotonic() + random() * REALTIME_TRANSPORT_CONFIG.heartbeatIntervalMs;
    peer.begin(socket, connection, host);
    const bytesRead = (): number => connection.bytesRead;
    const parts = { host, peer, subscriptions, flow: socket, bytesRead, pingAt };
    const session = new SocketSession(this.#options, parts);
    this.#sessions.set(peer, session);
    listenTo(socket, session, peer);
    if (first !== undefined) session.subscribe(first);
  }

  #lookAfterAll(): void {
    const now = this.#options.clock.monotonic();
    for (const session of this.#sessions.values()) session.look(now);
  }
}
