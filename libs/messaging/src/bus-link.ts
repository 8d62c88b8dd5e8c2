import type { NatsConnection } from '@nats-io/transport-node';
import { BusUnavailableError } from './bus-error.ts';
import type { BusLogger } from './logger.ts';

/** What happened to the connection. `reconnected` is not reported for the first connection. */
export type BusStatus = 'connected' | 'disconnected' | 'reconnected' | 'closed';

/**
 * A connection with its ups and downs: the client library knows them, but lets every request wait for its whole
 * time-out over a disconnect. Here whoever waits is told at once.
 */
export class BusLink {
  readonly connection: NatsConnection;
  readonly logger: BusLogger;
  /** Begins every inbox of this connection; its user may listen on no other. */
  readonly inboxPrefix: string;
  #connected = true;
  #down = new AbortController();
  readonly #listeners = new Set<(status: BusStatus) => void>();

  constructor(connection: NatsConnection, logger: BusLogger, inboxPrefix: string) {
    this.connection = connection;
    this.inboxPrefix = inboxPrefix;
    this.logger = logger;
    void this.#watch();
  }

  get connected(): boolean {
    return this.#connected && !this.connection.isClosed();
  }

  /** Calls back at every change. Returns how to stop that. A listener must not throw. */
  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The promise's outcome, or {@link BusUnavailableError} as soon as the connection is lost. */
  async whileConnected<T>(work: () => Promise<T>): Promise<T> {
    if (!this.connected) throw new BusUnavailableError('not connected to NATS');
    const { signal } = this.#down;
    const { promise, reject } = Promise.withResolvers<never>();
    const lost = (): void => reject(new BusUnavailableError('the connection to NATS was lost'));
    signal.addEventListener('abort', lost, { once: true });
    const pending = work();
    // Whoever loses the race must not become an unhandled rejection.
    pending.catch(() => undefined);
    promise.catch(() => undefined);
    try {
      return await Promise.race([pending, promise]);
    } finally {
      signal.removeEventListener('abort', lost);
    }
  }

  /** Resolves when connected: now, or after the next reconnect. Rejects when the signal aborts or the bus closes. */
  async untilConnected(abort: AbortSignal): Promise<void> {
    while (!this.connected) {
      abort.throwIfAborted();
      if (this.connection.isClosed()) throw new BusUnavailableError('the connection to NATS is closed');
      const { promise, resolve } = Promise.withResolvers<void>();
      const off = this.onStatus(() => resolve());
      const aborted = (): void => resolve();
      abort.addEventListener('abort', aborted, { once: true });
      await promise;
      off();
      abort.removeEventListener('abort', aborted);
    }
    abort.throwIfAborted();
  }

  #report(status: BusStatus): void {
    for (const listener of this.#listeners) listener(status);
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect') this.#lose('disconnected');
      else if (status.type === 'reconnect') {
        this.#connected = true;
        this.#down = new AbortController();
        this.logger.info('reconnected to NATS');
        this.#report('reconnected');
      } else if (status.type === 'error') {
        this.logger.warn('NATS reported an error', { error: status.error });
      }
    }
    this.#lose('closed');
  }

  #lose(status: 'disconnected' | 'closed'): void {
    if (status === 'disconnected') this.logger.warn('disconnected from NATS');
    this.#connected = false;
    this.#down.abort();
    this.#report(status);
  }
}
