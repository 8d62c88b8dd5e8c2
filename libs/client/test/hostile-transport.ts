import type { StreamMessage } from '@tidewire/contract';
import { ClientError } from '../src/client-error.ts';
import type {
  Handshake,
  Transport,
  TransportConnection,
  TransportEnd,
  TransportListener,
  TransportName,
  TransportOrder,
} from '../src/transports/transport.ts';
import type { ManualClock } from './manual-clock.ts';
import type { SimulatedServer } from './simulated-server.ts';

/** What becomes of connections on one rung. */
export type Weather = 'fair' | 'refused' | 'swallowed';

interface Followed {
  epoch: number;
  from: number;
}

const HEARTBEAT_MS = 15_000;

/** A way to the simulated server on which everything goes wrong that can. */
export class HostileTransport implements Transport {
  readonly name: TransportName;
  readonly silenceMs = 40_000;
  readonly #clock: ManualClock;
  readonly #server: SimulatedServer;
  readonly #random: () => number;
  readonly #open = new Set<HostileConnection>();
  weather: Weather = 'fair';
  /** The credential that counts. */
  token = 't0';

  constructor(name: TransportName, clock: ManualClock, server: SimulatedServer, random: () => number) {
    this.name = name;
    this.#clock = clock;
    this.#server = server;
    this.#random = random;
  }

  get connections(): number {
    return this.#open.size;
  }

  open(order: TransportOrder, listener: TransportListener): TransportConnection {
    const connection = new HostileConnection(this, order, listener, (closed) => this.#open.delete(closed));
    this.#open.add(connection);
    return connection;
  }

  /** Ends what is open. */
  break(end: TransportEnd): void {
    for (const connection of this.#open) connection.end(end);
  }

  /** What is open stays open, and nothing comes through any more. */
  cut(): void {
    for (const connection of this.#open) connection.dead = true;
  }

  /** Tells every subscription that it may have missed something. */
  resync(): void {
    for (const connection of this.#open) connection.resync();
  }

  hold(held: boolean): void {
    for (const connection of this.#open) connection.hold(held);
  }

  get parts(): {
    readonly clock: ManualClock;
    readonly server: SimulatedServer;
    readonly random: () => number;
  } {
    return { clock: this.#clock, server: this.#server, random: this.#random };
  }
}

class HostileConnection implements TransportConnection {
  readonly speaks = true;
  readonly #transport: HostileTransport;
  readonly #order: TransportOrder;
  readonly #listener: TransportListener;
  readonly #onClose: (connection: HostileConnection) => void;
  readonly #followed = new Map<string, Followed>();
  #cancel: (() => void) | undefined;
  #closed = false;
  #opened = false;
  #held = false;
  dead = false;

  constructor(
    transport: HostileTransport,
    order: TransportOrder,
    listener: TransportListener,
    onClose: (connection: HostileConnection) => void,
  ) {
    this.#transport = transport;
    this.#order = order;
    this.#listener = listener;
    this.#onClose = onClose;
    this.#later(transport.parts.random() * 2000, () => this.#begin());
  }

  add(handshake: Handshake): void {
    if (this.#opened && !this.dead) this.#follow(handshake);
  }

  remove(subscriptionId: string): void {
    this.#followed.delete(subscriptionId);
  }

  say(): void {}

  renew(): void {}

  ping(): void {
    if (this.dead || !this.#opened) return;
    const { clock } = this.#transport.parts;
    clock.setTimeout(() => this.#tell({ type: 'pong', timestamp: '2026-03-21T12:00:00.000Z' }), 100);
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#onClose(this);
  }

  end(end: TransportEnd): void {
    if (this.#closed) return;
    this.close();
    this.#listener.ended(end);
  }

  resync(): void {
    if (!this.#opened || this.dead || this.#closed) return;
    for (const [id, followed] of this.#followed) this.#resync(id, followed, 'behind');
  }

  hold(held: boolean): void {
    if (!this.#opened || this.#held === held) return;
    this.#held = held;
    const status = held ? 'reconnecting' : 'connected';
    this.#tell({ type: 'connection-status', status, transport: 'websocket' });
  }

  #later(delayMs: number, run: () => void): void {
    this.#cancel = this.#transport.parts.clock.setTimeout(run, delayMs);
  }

  #begin(): void {
    const { weather, token } = this.#transport;
    if (weather === 'swallowed') return;
    if (weather === 'refused')
      return this.end({ kind: 'lost', error: new ClientError('NETWORK', 'refused') });
    if (this.#order.token !== token) {
      return this.end({ kind: 'unauthorized', error: new ClientError('CREDENTIAL_ENDED', 'over') });
    }
    this.#opened = true;
    this.#listener.opened();
    for (const handshake of this.#order.subscriptions()) this.#follow(handshake);
    this.#deliver();
  }

  #follow(handshake: Handshake): void {
    const { messages, from } = this.#transport.parts.server.open(handshake);
    this.#followed.set(handshake.subscriptionId, { epoch: this.#transport.parts.server.epoch, from });
    for (const message of messages) this.#tell(message);
  }

  /** Sends what is there, in pieces, some of it twice, some of it late. */
  #deliver(): void {
    const { server, random } = this.#transport.parts;
    if (!this.#held && !this.dead) {
      for (const [id, followed] of this.#followed) {
        const known = followed.epoch === server.epoch;
        const next = known ? server.next(id, followed.from, 1 + Math.floor(random() * 5)) : undefined;
        if (next === undefined) {
          this.#resync(id, followed, 'expired');
          continue;
        }
        followed.from = next[1];
        for (const message of next[0]) {
          this.#tell(message);
          if (random() < 0.05) this.#tell(message);
        }
      }
    }
    if (!this.#closed) this.#later(random() < 0.9 ? random() * 1000 : HEARTBEAT_MS, () => this.#deliver());
  }

  #resync(id: string, followed: Followed, reason: 'expired' | 'behind'): void {
    const { server } = this.#transport.parts;
    const message = server.resync(id, reason);
    followed.epoch = server.epoch;
    followed.from = Number(/(\d+)$/.exec((message as { current: string }).current)?.[1]);
    this.#tell(message);
  }

  #tell(message: StreamMessage): void {
    if (!this.#closed && !this.dead) this.#listener.message(message);
  }
}
