import type { ClientError } from '../src/client-error.ts';
import type { Link, SubscriptionMessage, SubscriptionSink } from '../src/link/link.ts';
import type { LogServer } from './log-link.ts';

/** One subscription, which notices whatever is missing, told twice, in disorder, or not its principal's. */
export class LogReader implements SubscriptionSink {
  readonly topic: string;
  readonly seen: string[] = [];
  readonly faults: string[] = [];
  /** Where it began; undefined: it has not. */
  start: string | undefined;
  live = false;
  error: ClientError | undefined;
  readonly stop: () => void;
  readonly #server: LogServer;
  #cursor: string | undefined;

  constructor(server: LogServer, link: Link, topic: string) {
    this.#server = server;
    this.topic = topic;
    this.stop = link.subscribe({ type: 'subscribe', topic } as Parameters<Link['subscribe']>[0], this);
  }

  cursor(): string | undefined {
    return this.#cursor;
  }

  message(message: SubscriptionMessage): void {
    if (this.error !== undefined) this.faults.push('told something after the end');
    if (message.type === 'subscribed') {
      this.live = true;
      const { eventId } = message;
      if (eventId === undefined) return;
      this.start ??= eventId;
      if (this.missing.some((id) => id <= eventId)) this.faults.push('current, with events missing');
      this.#cursor = eventId;
    } else if (message.type === 'event') this.#event(message.event);
  }

  interrupted(): void {
    if (!this.live) this.faults.push('interrupted twice');
    this.live = false;
  }

  ended(error: ClientError): void {
    if (this.error !== undefined) this.faults.push('ended twice');
    this.error = error;
  }

  /** Events that it should have been told by now. */
  get missing(): readonly string[] {
    return this.#cursor === undefined ? [] : this.#server.after(this.topic, this.#cursor);
  }

  #event({ id, source }: { readonly id: string; readonly source: string }): void {
    if (source !== this.#server.principal) this.faults.push(`told what ${source} sees`);
    if (!this.live) this.faults.push(`told ${id} while interrupted`);
    if (id !== this.missing[0]) this.faults.push(`told ${id} after ${this.#cursor}`);
    this.seen.push(id);
    this.#cursor = id;
  }
}
