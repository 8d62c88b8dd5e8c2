import type { Socket } from 'node:net';
import { PUSH_LIMITS, TidewireError } from '@tidewire/contract';
import type { Admission } from '@tidewire/rights';
import type { Clock, Timer } from '@tidewire/service-kit';
import type { WebSocket } from 'ws';
import type { LoginDialogueOptions } from './login-dialogue.ts';
import { PushConnection } from './push-connection.ts';
import type { PushConnectionOptions } from './push-connection.ts';
import { PushSocket } from './push-socket.ts';
import type { PushMessageType, PushSocketOptions } from './push-socket.ts';
import { PushUpgrade, requireHandshake } from './push-upgrade.ts';
import type { UpgradeRequest } from './push-upgrade.ts';
import type { SocketLine } from './socket-line.ts';
import { SocketRegistry } from './socket-registry.ts';
import { StrangerPlaces } from './stranger-places.ts';

/** How many sockets there may be in this process. */
export interface PushSocketLimits {
  readonly total: number;
  /** Of those, such whose clients have not said who they are: all of them, and of one network address. */
  readonly strangers: number;
  readonly strangersPerAddress: number;
}

export const DEFAULT_PUSH_SOCKET_LIMITS: PushSocketLimits = Object.freeze({
  total: 10_000,
  strangers: 1000,
  strangersPerAddress: 100,
});

export interface PushSocketsOptions extends LoginDialogueOptions {
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly limits: PushSocketLimits;
  /** How long a socket may last, milliseconds; 0: as long as it likes. */
  readonly maxAgeMs: number;
  /** Somebody is there who is to be told. Must not throw. */
  readonly onOpen: (socket: PushSocket) => void;
  /** Nothing can be told any more; called once for each that was opened. Must not throw. */
  readonly onClose: (socket: PushSocket) => void;
}

/** A request for a socket. */
export interface PushSocketOrder extends UpgradeRequest {
  readonly address: string;
}

/** What was done since the start. */
export interface PushSocketCounters {
  /** Sockets whose clients were let in. */
  readonly opened: number;
  /** Messages that were sent to them. */
  readonly sent: Readonly<Record<PushMessageType, number>>;
}

const SWEEP_MS = 500;

/** The sockets of notify_push of this process: lets clients in, and knows who is there. */
export class PushSockets {
  readonly #options: PushSocketsOptions;
  readonly #connectionOptions: PushConnectionOptions;
  readonly #socketOptions: PushSocketOptions;
  readonly #upgrade = new PushUpgrade();
  readonly #strangers: StrangerPlaces;
  /** All that are not closed, whoever is there. */
  readonly #connections = new Set<PushConnection>();
  readonly #registry = new SocketRegistry<PushSocket>();
  readonly #admissions = new Map<PushSocket, Admission>();
  readonly #counters = { opened: 0, sent: { notification: 0, custom: 0 } };
  readonly #sweep: Timer;

  constructor(options: PushSocketsOptions) {
    const { clock, random, limits, maxAgeMs } = options;
    this.#options = options;
    this.#strangers = new StrangerPlaces({
      total: limits.strangers,
      perAddress: limits.strangersPerAddress,
    });
    this.#connectionOptions = {
      ...options,
      hasRoom: ({ reader }) =>
        this.#registry.ofPrincipal(reader.principalId).size <= PUSH_LIMITS.socketsPerPrincipal,
      open: (line, admission) => this.#open(line, admission),
      onClose: (connection) => void this.#connections.delete(connection),
    };
    this.#socketOptions = {
      clock,
      random,
      maxAgeMs,
      openSockets: () => this.size,
      onSent: (type) => (this.#counters.sent[type] += 1),
      onEnd: (socket) => this.#close(socket),
    };
    this.#sweep = clock.setInterval(() => this.#lookAfterAll(), SWEEP_MS);
  }

  /** Sockets whose clients were let in, and are told. */
  get size(): number {
    return this.#registry.size;
  }

  /** How many principals have one. */
  get users(): number {
    return this.#registry.principals;
  }

  /** Sockets whose clients have not said who they are. */
  get strangers(): number {
    return this.#strangers.size;
  }

  get counters(): PushSocketCounters {
    return this.#counters;
  }

  /** These may be ended while they are walked through. */
  all(): Iterable<PushSocket> {
    return this.#registry.all();
  }

  ofPrincipal(id: string): Iterable<PushSocket> {
    return this.#registry.ofPrincipal(id);
  }

  ofCredential(id: string): Iterable<PushSocket> {
    return this.#registry.ofCredential(id);
  }

  /**
   * Upgrades the connection and asks who is there.
   *
   * @throws TidewireError while it can still be answered: BAD_REQUEST for what is no handshake, TOO_MANY_CONNECTIONS.
   */
  accept(order: PushSocketOrder): void {
    const { request, address } = order;
    requireHandshake(request);
    const leave = this.#takePlace(address);
    let begun = false;
    this.#upgrade.upgrade(order, (socket, connection) => {
      begun = true;
      this.#begin(socket, connection, { address, leave });
    });
    // The client has gone, or was answered by the library.
    if (!begun) leave();
  }

  /** Ends all, also those of whom nothing is known: their clients come back, here or elsewhere. */
  endAll(): void {
    for (const connection of this.#connections) connection.end();
  }

  /** Ends all, and looks after nobody any more. */
  stop(): void {
    this.#sweep.cancel();
    this.endAll();
  }

  #takePlace(address: string): () => void {
    const full = this.#connections.size >= this.#options.limits.total;
    const leave = full ? undefined : this.#strangers.take(address);
    if (leave !== undefined) return leave;
    const message = full ? 'Too many sockets are open' : 'Too many sockets wait for a login';
    throw new TidewireError('TOO_MANY_CONNECTIONS', message, { retryAfterSeconds: 5 });
  }

  /** What is made here lasts as long as the socket: nothing of the request may be within its reach. */
  #begin(
    socket: WebSocket,
    connection: Socket,
    { address, leave }: { address: string; leave: () => void },
  ): void {
    // One that is refused keeps its place until it is closed.
    socket.once('close', leave);
    const parts = { socket, connection, address, known: leave };
    this.#connections.add(new PushConnection(this.#connectionOptions, parts));
  }

  #open(line: SocketLine, admission: Admission): PushSocket {
    const socket = new PushSocket(this.#socketOptions, line, admission);
    this.#counters.opened += 1;
    this.#registry.add(socket);
    this.#admissions.set(socket, admission);
    this.#options.onOpen(socket);
    return socket;
  }

  #close(socket: PushSocket): void {
    this.#registry.remove(socket);
    this.#options.onClose(socket);
    this.#admissions.get(socket)?.release();
    this.#admissions.delete(socket);
  }

  #lookAfterAll(): void {
    const now = this.#options.clock.monotonic();
    for (const connection of this.#connections) connection.look(now);
  }
}
