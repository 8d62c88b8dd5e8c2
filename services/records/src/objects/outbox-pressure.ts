import { TidewireError } from '@tidewire/contract';
import type { Clock } from '@tidewire/service-kit';

export interface OutboxPressureOptions {
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly outboxBytes: () => Promise<number>;
}

const LOOK_AGAIN_MS = 1_000;

/**
 * Refuses writes while too many events wait for the log: PostgreSQL's disk is not a queue without end. Looked at at most
 * once a second, so what is written in that second comes on top.
 */
export class OutboxPressure {
  readonly #options: OutboxPressureOptions;
  #bytes = 0;
  #lookedAt = -Infinity;

  constructor(options: OutboxPressureOptions) {
    this.#options = options;
  }

  /** Bytes at the last look. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws TidewireError SERVICE_UNAVAILABLE while the outbox is over its limit. */
  async admit(): Promise<void> {
    const { clock, maxBytes, outboxBytes } = this.#options;
    if (clock.monotonic() - this.#lookedAt >= LOOK_AGAIN_MS) {
      this.#lookedAt = clock.monotonic();
      this.#bytes = await outboxBytes();
    }
    if (this.#bytes > maxBytes) {
      throw new TidewireError(
        'SERVICE_UNAVAILABLE',
        'Too many events wait to be published; try again later.',
        {
          retryAfterSeconds: 5,
        },
      );
    }
  }
}
