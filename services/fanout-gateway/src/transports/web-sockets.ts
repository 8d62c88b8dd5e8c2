import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import {
  HTTP_HEADERS,
  PROTOCOL_VERSION,
  REALTIME_TRANSPORT_CONFIG,
  SOCKET_LIMITS,
  SOCKET_PROTOCOL,
  TidewireError,
} from '@tidewire/contract';
import { takeUpgrade } from '@tidewire/service-kit';
import type { Timer } from '@tidewire/service-kit';
import { WebSocketServer } from 'ws';
import type { ServerOptions, WebSocket } from 'ws';
import { ANONYMOUS_PRINCIPAL } from '../limits/connection-slots.ts';
import type { Admission } from '../rights/admission.ts';
import { pongFrame } from '../formats/web-socket.ts';
import { SocketPeer } from './socket-peer.ts';
import { SocketSession } from './socket-session.ts';
import type { SocketSessionOptions } from './socket-session.ts';
import { SocketSubscriptions } from './socket-subscriptions.ts';
import type { SocketSubscriptionsOptions, WantedLane } from './socket-subscriptions.ts';
import type { Stream } from './stream.ts';

export interface WebSocketsOptions extends SocketSubscriptionsOptions, SocketSessionOptions {
  readonly random: () => number;
}

/** A request for a WebSocket, read and authenticated. */
export interface SocketOrder {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly admission: Admission;
  readonly address: string;
  readonly correlationId: string;
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
/** A client that does not answer a closing frame is cut off after this. */
const CLOSE_TIMEOUT_MS = 5000;
/** `closeTimeout` is missing in the library's types. */
const SERVER_OPTIONS: ServerOptions & { readonly closeTimeout: number } = {
  // Pings count as messages do, and are answered within that.
  autoPong: false,
  noServer: true,
  clientTracking: false,
  maxPayload: SOCKET_LIMITS.maxMessageBytes,
  closeTimeout: CLOSE_TIMEOUT_MS,
  // No context is kept on either side, so that a frame that was compressed once is good for everybody.
  perMessageDeflate: { serverNoContextTakeover: true, clientNoContextTakeover: true },
  handleProtocols: (offered) => (offered.has(SOCKET_PROTOCOL) ? SOCKET_PROTOCOL : false),
};
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const VERSION = '13';

/** The open sockets of this process: lets them in, keeps them alive, and finds out which are not. */
export class WebSockets {
  readonly #options: WebSocketsOptions;
  readonly #sessions = new Map<SocketPeer, SocketSession>();
  readonly #headers = new WeakMap<IncomingMessage, readonly string[]>();
  readonly #server: WebSocketServer;
  readonly #sweep: Timer;

  constructor(options: WebSocketsOptions) {
    this.#options = options;
    this.#server = new WebSocketServer(SERVER_OPTIONS);
    this.#server.on('headers', (headers, request) => headers.push(...(this.#headers.get(request) ?? [])));
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
    const { admission, address, request, response } = order;
    requireHandshake(request);
    const slot = await slots.take(admission.reader.principalId ?? ANONYMOUS_PRINCIPAL);
    const peer = new SocketPeer(this.#forget);
    const side = { transport: 'websocket', wire: 'socket', tick: 0, subscription: '', sink: peer } as const;
    const host = opener.openHost({ admission, address }, side, slot);
    const taken = takeUpgrade(response);
    if (taken !== undefined) {
      this.#headers.set(request, [
        `${HTTP_HEADERS.connection}: ${host.id}`,
        `${HTTP_HEADERS.protocol}: ${PROTOCOL_VERSION}`,
        `${HTTP_HEADERS.correlationId}: ${order.correlationId}`,
      ]);
      this.#server.handleUpgrade(request, taken.socket, taken.head, (socket) => {
        const { cursor, first } = order;
        this.#begin(socket, { peer, host, connection: taken.socket, cursor, first });
      });
    }
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
    const subscriptions = new SocketSubscriptions(this.#options, { host, peer, wire, cursor });
    // Spread, so that sockets that were opened together are not pinged together.
    const pingAt = clock.monotonic() + random() * REALTIME_TRANSPORT_CONFIG.heartbeatIntervalMs;
    connection.setNoDelay(true);
    peer.begin(socket, connection, host);
    const bytesRead = (): number => connection.bytesRead;
    const parts = { host, peer, subscriptions, flow: socket, bytesRead, pingAt };
    const session = new SocketSession(this.#options, parts);
    this.#sessions.set(peer, session);
    // One buffer, as the library gives messages unless it is told otherwise.
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      session.receive(isBinary ? '' : data.toString());
    });
    socket.on('ping', (payload) => {
      if (session.heard(1)) peer.write(pongFrame(payload));
    });
    socket.on('pong', () => void session.heard(0));
    // What breaks the protocol, or the connection, is closed by the library.
    socket.on('error', () => undefined);
    socket.on('close', () => peer.ended());
    if (first !== undefined) session.subscribe(first);
  }

  #lookAfterAll(): void {
    const now = this.#options.clock.monotonic();
    for (const session of this.#sessions.values()) session.look(now);
  }
}

/** @throws TidewireError BAD_REQUEST, in our own words: the library would answer with its own. */
function requireHandshake({ headers }: IncomingMessage): void {
  const version = headers['sec-websocket-version'];
  if (version !== VERSION) {
    throw new TidewireError('BAD_REQUEST', `Sec-WebSocket-Version has to be ${VERSION}`);
  }
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) {
    throw new TidewireError('BAD_REQUEST', 'Sec-WebSocket-Key has to be 16 bytes in base64');
  }
}
