import type { Socket } from 'node:net';
import { REALTIME_TRANSPORT_CONFIG, TidewireError } from '@tidewire/contract';
import { admitAnonymous } from '@tidewire/rights';
import type { Admission } from '@tidewire/rights';
import type { GivenCredential, Timer } from '@tidewire/service-kit';
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { ANONYMOUS_PRINCIPAL } from '../limits/connection-slots.ts';
import { KeyedPlaces } from '../limits/keyed-places.ts';
import type { KeyedLimits } from '../limits/keyed-places.ts';
import { SocketUpgrades, listenTo, requireHandshake } from '../transports/socket-upgrade.ts';
import type { UpgradeRequest } from '../transports/socket-upgrade.ts';
import type { Stream } from '../transports/stream.ts';
import { GraphqlSocketPeer } from './graphql-socket-peer.ts';
import { GraphqlSocketSession } from './graphql-socket-session.ts';
import type { GraphqlSocketSessionOptions } from './graphql-socket-session.ts';

export interface GraphqlSocketsOptions extends Omit<GraphqlSocketSessionOptions, 'letIn'> {
  readonly random: () => number;
  readonly admit: (given: GivenCredential) => Promise<Admission>;
  readonly anonymousStreams: boolean;
  /** Sockets whose clients have not said who they are: all of them, and those of one address. */
  readonly strangers: KeyedLimits;
}

/** A request for a WebSocket of GraphQL. */
export interface GraphqlSocketOrder extends UpgradeRequest {
  /** Undefined: without a credential, which `connection_init` may carry. */
  readonly admission: Admission | undefined;
  readonly address: string;
  readonly cursor: string | undefined;
}

type Start = Pick<GraphqlSocketOrder, 'address' | 'cursor'> & {
  readonly peer: GraphqlSocketPeer;
  readonly host: Stream | undefined;
  readonly known: () => void;
};

const SWEEP_MS = 1000;
const NOTHING = (): void => {};

/** The open sockets of GraphQL (sub-protocol `graphql-transport-ws`) of this process. */
export class GraphqlSockets {
  readonly #options: GraphqlSocketSessionOptions & GraphqlSocketsOptions;
  readonly #sessions = new Map<GraphqlSocketPeer, GraphqlSocketSession>();
  readonly #strangers: KeyedPlaces;
  // Frames are put together of what many share, which compressed pieces are not.
  readonly #upgrades = new SocketUpgrades({
    protocol: GRAPHQL_TRANSPORT_WS_PROTOCOL,
    perMessageDeflate: false,
  });
  readonly #sweep: Timer;

  constructor(options: GraphqlSocketsOptions) {
    this.#options = {
      ...options,
      letIn: (peer, address, secret) => this.#letIn(peer, address, secret),
    };
    this.#strangers = new KeyedPlaces(options.strangers);
    this.#sweep = options.clock.setInterval(() => this.#lookAfterAll(), SWEEP_MS);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Those whose clients have not said who they are. */
  get strangers(): number {
    return this.#strangers.size;
  }

  /**
   * Upgrades the connection. Owns the admission.
   *
   * @throws TidewireError while it can still be answered: BAD_REQUEST for what is no handshake of this protocol,
   * TOO_MANY_CONNECTIONS, and what {@link StreamOpener.openHost} throws.
   */
  async accept(order: GraphqlSocketOrder): Promise<void> {
    const { admission, address, cursor, request } = order;
    requireHandshake(request);
    requireProtocol(request.headers['sec-websocket-protocol']);
    const peer = new GraphqlSocketPeer(this.#forget);
    const host = admission && (await this.#openHost(peer, admission, address));
    const known = host === undefined ? this.#takeStranger(address) : NOTHING;
    this.#upgrades.upgrade(order, host?.id, (socket, connection) => {
      this.#begin(socket, connection, { peer, host, address, cursor, known });
    });
    if (this.#sessions.has(peer)) return;
    // The client has gone, or was answered by the library.
    known();
    if (host !== undefined) this.#options.keeper.drop(host);
  }

  /** Sends away those of whom nothing is known: all others are streams, which their keeper sends away. */
  drain(): void {
    for (const session of this.#sessions.values()) if (!session.known) session.end('DRAINING');
  }

  stop(): void {
    this.#sweep.cancel();
    this.drain();
  }

  readonly #forget = (peer: GraphqlSocketPeer): void => {
    const session = this.#sessions.get(peer);
    this.#sessions.delete(peer);
    session?.ended();
  };

  /** What is made here lasts as long as the socket: nothing of the request may be within its reach. */
  #begin(socket: WebSocket, connection: Socket, { peer, ...start }: Start): void {
    const { clock, random } = this.#options;
    // Spread, so that sockets that were opened together are not pinged together.
    const pingAt = clock.monotonic() + random() * REALTIME_TRANSPORT_CONFIG.heartbeatIntervalMs;
    peer.begin(socket, connection);
    const bytesRead = (): number => connection.bytesRead;
    const session = new GraphqlSocketSession(this.#options, {
      ...start,
      peer,
      flow: socket,
      bytesRead,
      pingAt,
    });
    this.#sessions.set(peer, session);
    listenTo(socket, session, peer);
  }

  #takeStranger(address: string): () => void {
    const leave = this.#strangers.take(address);
    if (leave === undefined) {
      const message = 'Too many sockets wait for connection_init: send the credential with the request';
      throw new TidewireError('TOO_MANY_CONNECTIONS', message, { retryAfterSeconds: 5 });
    }
    return leave;
  }

  async #letIn(
    peer: GraphqlSocketPeer,
    address: string,
    secret: string | undefined,
  ): Promise<Stream | undefined> {
    const { admit, anonymousStreams } = this.#options;
    if (secret === undefined && !anonymousStreams) {
      throw new TidewireError('UNAUTHORIZED', 'Send a credential with connection_init, or with the request.');
    }
    const admission =
      secret === undefined
        ? admitAnonymous()
        : await admit({ source: 'bearer', type: 'token', secret, address });
    try {
      if (peer.open) return await this.#openHost(peer, admission, address);
    } catch (error) {
      admission.release();
      throw error;
    }
    admission.release();
    return undefined;
  }

  async #openHost(peer: GraphqlSocketPeer, admission: Admission, address: string): Promise<Stream> {
    const { slots, opener } = this.#options;
    const slot = await slots.take(admission.reader.principalId ?? ANONYMOUS_PRINCIPAL);
    const side = {
      transport: 'graphql-ws',
      wire: 'graphql-lines',
      tick: 0,
      subscription: '',
      sink: peer,
    } as const;
    return opener.openHost({ admission, address }, side, slot);
  }

  #lookAfterAll(): void {
    const now = this.#options.clock.monotonic();
    for (const session of this.#sessions.values()) session.look(now);
  }
}

/** @throws TidewireError BAD_REQUEST */
function requireProtocol(offered: string | undefined): void {
  const names = (offered ?? '').split(',').map((name) => name.trim());
  if (!names.includes(GRAPHQL_TRANSPORT_WS_PROTOCOL)) {
    const message = `Ask for the sub-protocol ${GRAPHQL_TRANSPORT_WS_PROTOCOL}, or for Server-Sent Events`;
    throw new TidewireError('BAD_REQUEST', message);
  }
}
