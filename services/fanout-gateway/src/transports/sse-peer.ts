import type { ErrorCode, StreamMessage } from '@tidewire/contract';
import type { Reader } from '@tidewire/rights';
import type { LanePeer } from './lane.ts';
import type { Peer } from './peer.ts';
import type { SseSink } from './sse.ts';
import type { Stream } from './stream.ts';

/** Unsent bytes beyond which nothing more is put on top. */
const MOST_QUEUED_BYTES = 1024 * 1024;

/** A stream of Server-Sent Events as its subscriptions see it, and those who have something to say to it besides events. */
export class SsePeer implements LanePeer, Peer {
  readonly #stream: Stream;
  readonly #sink: SseSink;

  constructor(stream: Stream, sink: SseSink) {
    this.#stream = stream;
    this.#sink = sink;
  }

  get id(): string {
    return this.#stream.id;
  }

  get reader(): Reader {
    return this.#stream.reader;
  }

  get open(): boolean {
    return this.#sink.open && !this.#stream.ended;
  }

  tell(message: StreamMessage): void {
    if (this.queuedBytes() > MOST_QUEUED_BYTES) this.reset();
    else if (this.open) this.#sink.tell(message);
  }

  write(bytes: Buffer): void {
    this.#sink.write(bytes);
  }

  async drained(): Promise<void> {
    await this.#sink.drained();
  }

  beat(timestamp: string): void {
    this.tell({ type: 'heartbeat', timestamp });
  }

  queuedBytes(): number {
    return this.#sink.queuedBytes();
  }

  reset(): void {
    this.#sink.reset();
  }

  /** Says why, and ends. */
  end(code: ErrorCode, reason: string): void {
    this.#sink.end(code, reason);
  }
}
