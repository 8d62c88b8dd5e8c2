import { formatEventId } from '@tidewire/contract';
import type { LogPosition, ResyncReason } from '@tidewire/contract';
import type { ControlFormat, ControlTarget } from '../delivery/delivery.ts';
import { WIRES } from './wire.ts';

interface ControlSources {
  readonly epoch: () => string;
  readonly oldest: () => LogPosition;
  /** Wall-clock milliseconds. */
  readonly now: () => number;
}

interface Remembered {
  readonly name: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly madeAt: number;
  readonly bytes: Buffer;
}

/** A heartbeat says what time it is; one that is so old is made anew. */
const LONGEST_USE_MS = 1000;

/**
 * Heartbeats and "fetch again". Few of them are a connection's own, so that the one made last serves all to whom it is
 * sent in the same moment.
 */
export class ControlFrames implements ControlFormat {
  readonly #sources: ControlSources;
  #last: Remembered | undefined;

  constructor(sources: ControlSources) {
    this.#sources = sources;
  }

  position({ wire, subscription }: ControlTarget, sequence: number): Buffer {
    return this.#remember(`position ${wire} ${subscription}`, sequence, (current, nowMs) =>
      WIRES[wire].position(current, subscription, nowMs),
    );
  }

  resync({ wire, subscription }: ControlTarget, reason: ResyncReason, sequence: number): Buffer {
    return this.#remember(`resync ${reason} ${wire} ${subscription}`, sequence, (current) => {
      const oldest = formatEventId(this.#sources.oldest());
      return WIRES[wire].resync({ reason, oldest, current: formatEventId(current) }, subscription);
    });
  }

  #remember(name: string, sequence: number, make: (current: LogPosition, nowMs: number) => Buffer): Buffer {
    const epoch = this.#sources.epoch();
    const nowMs = this.#sources.now();
    const last = this.#last;
    if (
      last?.name === name &&
      last.sequence === sequence &&
      last.epoch === epoch &&
      Math.abs(nowMs - last.madeAt) < LONGEST_USE_MS
    ) {
      return last.bytes;
    }
    const bytes = make({ epoch, sequence }, nowMs);
    this.#last = { name, epoch, sequence, madeAt: nowMs, bytes };
    return bytes;
  }
}
