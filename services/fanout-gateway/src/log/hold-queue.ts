import type { LogEntry } from '@tidewire/messaging';

/**
 * What the log brought while the process was behind. Bounded: when it would hold more, everything is given up at once
 * and it remembers that, because whoever waited for those events has to be told.
 */
export class HoldQueue {
  readonly #limits: { readonly maxEvents: number; readonly maxBytes: number };
  #entries: LogEntry[] = [];
  #bytes = 0;
  #overflowed = false;

  constructor(limits: { readonly maxEvents: number; readonly maxBytes: number }) {
    this.#limits = limits;
  }

  get empty(): boolean {
    return this.#entries.length === 0 && !this.#overflowed;
  }

  get overflowing(): boolean {
    return (
      this.#overflowed || this.#entries.length > this.#limits.maxEvents || this.#bytes > this.#limits.maxBytes
    );
  }

  push(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
  }

  /** Takes everything out, in order. */
  take(): readonly LogEntry[] {
    const entries = this.#entries;
    this.#entries = [];
    this.#bytes = 0;
    return entries;
  }

  /** Takes everything out that will not be delivered. */
  giveUp(): readonly LogEntry[] {
    this.#overflowed = true;
    return this.take();
  }

  /** Whether something was given up since this was asked last. */
  takeOverflowed(): boolean {
    const overflowed = this.#overflowed;
    this.#overflowed = false;
    return overflowed;
  }

  clear(): void {
    this.take();
    this.#overflowed = false;
  }
}
