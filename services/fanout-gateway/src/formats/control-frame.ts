import { formatEventId } from '@tidewire/contract';
import type { LogPosition, ResyncReason } from '@tidewire/contract';
import type { Wire } from '../delivery/connection.ts';
import type { ControlFormat } from '../delivery/delivery.ts';
import { pollPosition, pollResync } from './poll-line.ts';
import { chunk, ssePosition, sseResync } from './sse.ts';

interface ControlSources {
  readonly epoch: () => string;
  readonly oldest: () => LogPosition;
}

interface Remembered {
  readonly name: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly bytes: Buffer;
}

/**
 * Heartbeats and "fetch again". Nothing in them is a connection's own, so that the one made last serves all to whom it
 * is sent in the same moment.
 */
export class ControlFrames implements ControlFormat {
  readonly #sources: ControlSources;
  #last: Remembered | undefined;

  constructor(sources: ControlSources) {
    this.#sources = sources;
  }

  position(wire: Wire, sequence: number): Buffer {
    return this.#remember(`position ${wire}`, sequence, (current) => {
      switch (wire) {
        case 'sse':
          return chunk(ssePosition(current));
        case 'poll':
          return pollPosition(current);
      }
    });
  }

  resync(wire: Wire, reason: ResyncReason, sequence: number): Buffer {
    return this.#remember(`resync ${wire} ${reason}`, sequence, (current) => {
      const oldest = formatEventId(this.#sources.oldest());
      const resync = { reason, oldest, current: formatEventId(current) };
      switch (wire) {
        case 'sse':
          return chunk(sseResync(resync));
        case 'poll':
          return pollResync(resync);
      }
    });
  }

  #remember(name: string, sequence: number, make: (current: LogPosition) => Buffer): Buffer {
    const epoch = this.#sources.epoch();
    const last = this.#last;
    if (last?.name === name && last.sequence === sequence && last.epoch === epoch) return last.bytes;
    const bytes = make({ epoch, sequence });
    this.#last = { name, epoch, sequence, bytes };
    return bytes;
  }
}
