import type { LogEntry } from '@tidewire/messaging';

export interface RingLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

/**
 * The newest entries of the log, whole: data, rights and catalogue alike. What a reconnecting client missed is nearly
 * always in here, so that it costs no request to the log. Bounded by count and by bytes of the stored messages.
 */
export class ReplayRing {
  readonly #limits: RingLimits;
  #entries: LogEntry[] = [];
  /** Entries before this index were dropped; the array is cut now and then, so that dropping stays cheap. */
  #head = 0;
  #bytes = 0;
  /** Everything after this sequence, up to the newest entry, is in the ring. */
  #floor = 0;

  constructor(limits: RingLimits) {
    this.#limits = limits;
  }

  /** Adds the next entry of the log; sequences rise (holes are legal: an erased message leaves one). */
  push(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    while (this.size > this.#limits.maxEvents || this.#bytes > this.#limits.maxBytes) this.#dropOldest();
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) this.#compact();
  }

  /** Forgets everything: from here on the ring holds what follows `floor`. */
  reset(floor: number): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#floor = floor;
  }

  get size(): number {
    return this.#entries.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether every entry after `sequence` is here. */
  covers(sequence: number): boolean {
    return sequence >= this.#floor;
  }

  /** The entries after `from` up to and including `to`, in order. The caller has asked {@link covers}. */
  read(from: number, to: number): LogEntry[] {
    return this.#entries.slice(this.#indexAfter(from), this.#indexAfter(to));
  }

  /** The index of the first entry whose sequence is greater. */
  #indexAfter(sequence: number): number {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.sequence ?? 0) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #dropOldest(): void {
    const oldest = this.#entries[this.#head];
    if (oldest === undefined) return;
    this.#head += 1;
    this.#bytes -= oldest.bytes;
    this.#floor = oldest.sequence;
  }

  #compact(): void {
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }
}
