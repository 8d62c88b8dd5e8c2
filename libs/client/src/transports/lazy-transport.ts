import { ClientError } from '../client-error.ts';
import type { ClientMessage } from '@tidewire/contract';
import type {
  Handshake,
  Transport,
  TransportConnection,
  TransportListener,
  TransportName,
  TransportOrder,
} from './transport.ts';

/** A transport whose code is fetched when it is first needed: most pages never do. */
export class LazyTransport implements Transport {
  readonly name: TransportName;
  readonly silenceMs: number;
  readonly #load: () => Promise<Transport>;
  #loaded: Transport | undefined;

  /** `load` fetches the code, where it is not here yet. */
  constructor(name: TransportName, silenceMs: number, load: () => Promise<Transport>) {
    this.name = name;
    this.silenceMs = silenceMs;
    this.#load = load;
  }

  /** While the network is good: when it is needed, it may not be. Never rejects. */
  async preload(): Promise<void> {
    try {
      this.#loaded ??= await this.#load();
    } catch {
      // It is fetched again when it is needed.
    }
  }

  open(order: TransportOrder, listener: TransportListener): TransportConnection {
    if (this.#loaded !== undefined) return this.#loaded.open(order, listener);
    const connection = new LazyConnection();
    this.#load().then(
      (transport) => {
        this.#loaded = transport;
        connection.begin(() => transport.open(order, listener));
      },
      (cause: unknown) => {
        const error = new ClientError('NETWORK', 'The code of the transport did not come', {
          transient: true,
          cause,
        });
        connection.fail(() => listener.ended({ kind: 'lost', error }));
      },
    );
    return connection;
  }
}

/** Stands for a connection until there is code to make it. What is subscribed to meanwhile is in the order. */
class LazyConnection implements TransportConnection {
  #inner: TransportConnection | undefined;
  #closed = false;

  get speaks(): boolean {
    return this.#inner?.speaks ?? false;
  }

  begin(open: () => TransportConnection): void {
    if (!this.#closed) this.#inner = open();
  }

  fail(end: () => void): void {
    if (!this.#closed) end();
  }

  add(handshake: Handshake): void {
    this.#inner?.add(handshake);
  }

  remove(subscriptionId: string): void {
    this.#inner?.remove(subscriptionId);
  }

  say(message: ClientMessage): void {
    this.#inner?.say(message);
  }

  renew(token: string | null): void {
    this.#inner?.renew(token);
  }

  ping(): void {
    this.#inner?.ping();
  }

  close(): void {
    this.#closed = true;
    this.#inner?.close();
  }
}
