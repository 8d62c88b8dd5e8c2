import type { ErrorCode, Resync } from '@tidewire/contract';
import type { Stream, StreamSink } from '../transports/stream.ts';
import { readOperationLines } from './operation-line.ts';
import type { OperationPeer } from './operation-peer.ts';

/** The write side of one operation: it shares the connection, and ends by itself. */
export class OperationLane implements StreamSink {
  readonly id: string;
  /** Its subscription, once it has begun. */
  stream: Stream | undefined;
  /** Nothing more is for it: the client does not want it, perhaps not even begun, or was told its last. */
  over = false;
  readonly #peer: OperationPeer;
  /** The id as JSON text. */
  readonly #name: string;
  readonly #onEnd: (lane: OperationLane) => void;

  /** `onEnd` is called when it is ended from this side. */
  constructor(peer: OperationPeer, id: string, onEnd: (lane: OperationLane) => void) {
    this.#peer = peer;
    this.id = id;
    this.#name = JSON.stringify(id);
    this.#onEnd = onEnd;
  }

  write(bytes: Buffer): void {
    if (this.over) return;
    this.#peer.cork();
    for (const line of readOperationLines(bytes)) {
      if (line.kind === 'result') this.#peer.result(this.#name, line);
      else if (line.kind === 'position') this.#peer.position(this.id, line.id);
      else this.resync(line.resync);
    }
    this.#peer.uncork();
  }

  queuedBytes(): number {
    return this.#peer.queuedBytes();
  }

  async drained(): Promise<void> {
    await this.#peer.drained();
  }

  /** The bytes of one operation cannot be taken back alone. */
  reset(): void {
    this.#peer.reset();
  }

  resync(resync: Resync): void {
    if (!this.over) this.#peer.next(this.id, { data: null, extensions: { resync } });
  }

  /** What can be come back from ends the connection: an operation alone ends for good. */
  end(code: ErrorCode, reason: string): void {
    if (this.over) return;
    this.over = true;
    this.#onEnd(this);
    this.#peer.refuse(this.id, [{ message: reason, extensions: { code } }]);
  }

  /** Credential and freshness are the connection's. */
  expiring(): void {}

  held(): void {}
}
