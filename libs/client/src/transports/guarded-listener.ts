import type { StreamMessage } from '@tidewire/contract';
import type { TransportEnd, TransportListener } from './transport.ts';

/**
 * Who is told by a connection, with what the port promises: one `opened`, one end, nothing after it or after `close`. What
 * a listener throws reaches the page, or the process, as any uncaught error does, and not who reads.
 */
export class GuardedListener implements TransportListener {
  #listener: TransportListener | undefined;
  #opened = false;

  constructor(listener: TransportListener) {
    this.#listener = listener;
  }

  /** Whether it was closed, or told of the end. */
  get over(): boolean {
    return this.#listener === undefined;
  }

  opened(): void {
    if (this.#opened) return;
    this.#opened = true;
    tell(this.#listener, (listener) => listener.opened());
  }

  message(message: StreamMessage): void {
    tell(this.#listener, (listener) => listener.message(message));
  }

  heard(): void {
    tell(this.#listener, (listener) => listener.heard());
  }

  ended(end: TransportEnd): void {
    const listener = this.#listener;
    this.#listener = undefined;
    tell(listener, (told) => told.ended(end));
  }

  close(): void {
    this.#listener = undefined;
  }
}

function tell(listener: TransportListener | undefined, say: (listener: TransportListener) => void): void {
  if (listener === undefined) return;
  try {
    say(listener);
  } catch (error) {
    report(error);
  }
}

function report(error: unknown): void {
  const { reportError = rethrow } = globalThis as { reportError?: (error: unknown) => void };
  reportError(error);
}

function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
