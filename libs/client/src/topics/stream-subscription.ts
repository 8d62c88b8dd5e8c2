import type { CloudEvent, TableChange } from '@tidewire/contract';
import type { RecordChange, Subscription, SubscriptionListener } from '../client-types.ts';
import type { ClientError } from '../client-error.ts';
import type { Link, SubscriptionMessage, SubscriptionWish } from '../link/link.ts';

/** Events as they are told, each once and in order, over all connections. Keeps nothing but its place in the log. */
export class StreamSubscription implements Subscription {
  readonly #listener: SubscriptionListener<never>;
  readonly #stop: () => void;
  readonly #onOver: () => void;
  #cursor: string | undefined;
  #live = false;
  #over = false;

  constructor(
    link: Link,
    wish: SubscriptionWish,
    lastEventId: string | undefined,
    listener: SubscriptionListener<CloudEvent> | SubscriptionListener<RecordChange>,
    onOver: () => void,
  ) {
    this.#listener = listener;
    this.#onOver = onOver;
    this.#cursor = lastEventId;
    this.#stop = link.subscribe(wish, {
      cursor: () => this.#cursor,
      message: (message) => this.#receive(message),
      interrupted: () => this.#become(false),
      ended: (error) => this.#end(error),
    });
  }

  get lastEventId(): string | undefined {
    return this.#cursor;
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stop();
    this.#onOver();
  }

  #receive(message: SubscriptionMessage): void {
    if (this.#over) return;
    switch (message.type) {
      case 'event':
        return this.#tell(message.event.id, message.event);
      case 'change':
        return this.#tell(message.eventId, message);
      case 'resync':
        this.#cursor = message.current;
        this.#listener.resync?.({ reason: message.reason, current: message.current });
        return this.#become(true);
      default:
        if (message.eventId === undefined) return;
        this.#moveOn(message.eventId);
        this.#become(true);
    }
  }

  /** The place moves on when the event was dealt with: one that threw comes again after a reconnect. */
  #tell(eventId: string, event: CloudEvent | TableChange): void {
    if (this.#cursor !== undefined && eventId <= this.#cursor) return;
    this.#listener.event(event as never);
    this.#cursor = eventId;
  }

  #moveOn(eventId: string): void {
    if (this.#cursor === undefined || this.#cursor < eventId) this.#cursor = eventId;
  }

  #become(live: boolean): void {
    if (this.#over || this.#live === live) return;
    this.#live = live;
    this.#listener.live?.(live);
  }

  #end(error: ClientError): void {
    if (this.#over) return;
    this.#become(false);
    this.#over = true;
    this.#onOver();
    this.#listener.ended?.(error);
  }
}
