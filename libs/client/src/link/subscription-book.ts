import type { ErrorCode, StreamMessage } from '@tidewire/contract';
import { ClientError } from '../client-error.ts';
import type { Clock } from '../runtime.ts';
import type { Handshake, TransportConnection } from '../transports/transport.ts';
import type { SubscriptionSink, SubscriptionWish } from './link.ts';

/** Codes after which the same subscription may succeed. */
const PASSING: ReadonlySet<string> = new Set<ErrorCode>([
  'SERVICE_UNAVAILABLE',
  'INTERNAL_ERROR',
  'RATE_LIMITED',
  'RIGHTS_STALE',
  'DRAINING',
  'TOO_MANY_CONNECTIONS',
]);
/** When a subscription is asked for again that the server could not give. Milliseconds. */
const RETRY_MS = 5000;

interface Entry {
  readonly wish: SubscriptionWish;
  readonly sink: SubscriptionSink;
  cancelRetry: (() => void) | undefined;
}

/** What is subscribed to, over all connections. Each subscription has one name for life. */
export class SubscriptionBook {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  #next = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Everything that is subscribed to, with the cursors of now. What waits to be asked for again is not among it. */
  readonly handshakes = (): readonly Handshake[] =>
    [...this.#entries].filter(([, { cancelRetry }]) => cancelRetry === undefined).map(toHandshake);

  add(
    wish: SubscriptionWish,
    sink: SubscriptionSink,
  ): { readonly id: string; readonly handshake: Handshake } {
    const id = `s${this.#next++}`;
    const entry: Entry = { wish, sink, cancelRetry: undefined };
    this.#entries.set(id, entry);
    return { id, handshake: toHandshake([id, entry]) };
  }

  /** Whether it was there. */
  remove(id: string): boolean {
    this.#entries.get(id)?.cancelRetry?.();
    return this.#entries.delete(id);
  }

  /** Hands a message to whom it concerns. `connection` is asked again for what the server could not give. */
  route(message: StreamMessage, connection: () => TransportConnection | undefined): void {
    switch (message.type) {
      case 'subscribed':
      case 'change':
      case 'event':
      case 'heartbeat':
        return this.#entries.get(message.subscriptionId ?? '')?.sink.message(message);
      case 'resync':
        return this.#resync(message);
      case 'error':
        return this.#fail(message, connection);
      default:
        return undefined;
    }
  }

  /** The connection is gone, or holds everything back. */
  interrupt(): void {
    for (const { sink } of this.#entries.values()) sink.interrupted();
  }

  /** Nothing will be delivered any more. */
  endAll(error: ClientError): void {
    const sinks = [...this.#entries.values()].map(({ sink }) => sink);
    for (const id of this.#entries.keys()) this.remove(id);
    for (const sink of sinks) sink.ended(error);
  }

  #resync(message: Extract<StreamMessage, { type: 'resync' }>): void {
    for (const id of message.scope ?? [...this.#entries.keys()]) this.#entries.get(id)?.sink.message(message);
  }

  #fail(
    { subscriptionId, code, message, detail }: Extract<StreamMessage, { type: 'error' }>,
    connection: () => TransportConnection | undefined,
  ): void {
    const entry = subscriptionId === undefined ? undefined : this.#entries.get(subscriptionId);
    if (entry === undefined || subscriptionId === undefined) return;
    if (!PASSING.has(code)) {
      this.remove(subscriptionId);
      entry.sink.ended(new ClientError(code, message, { errors: detail }));
      return;
    }
    entry.sink.interrupted();
    entry.cancelRetry ??= this.#clock.setTimeout(() => {
      entry.cancelRetry = undefined;
      connection()?.add(toHandshake([subscriptionId, entry]));
    }, RETRY_MS);
  }
}

function toHandshake([subscriptionId, { wish, sink }]: [string, Entry]): Handshake {
  const lastEventId = sink.cursor();
  return {
    type: 'subscribe',
    ...wish,
    subscriptionId,
    ...(lastEventId !== undefined && { lastEventId }),
  };
}
