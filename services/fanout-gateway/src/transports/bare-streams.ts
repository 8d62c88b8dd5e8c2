import { REALTIME_TRANSPORT_CONFIG, formatTimestamp } from '@tidewire/contract';
import type { Clock, Timer } from '@tidewire/service-kit';
/** A stream that is subscribed to nothing, and what is told of it. */
export interface BareStream {
  readonly peer: {
    queuedBytes(): number;
    /** Sends a sign of life. */
    beat(timestamp: string): void;
    reset(): void;
  };
  /** Everything that was sent has been taken: somebody is there. */
  readonly onAlive: () => void;
}

/** Rounds after which a client that took nothing is cut off. */
const MOST_SILENT_ROUNDS = 2;

/** Heartbeats of the streams that have no events, whose place in the log would be theirs otherwise. One timer for all. */
export class BareStreams {
  readonly #clock: Clock;
  readonly #silent = new Map<BareStream, number>();
  readonly #timer: Timer;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#timer = clock.setInterval(() => this.#beat(), REALTIME_TRANSPORT_CONFIG.sseHeartbeatIntervalMs);
  }

  add(stream: BareStream): void {
    this.#silent.set(stream, 0);
  }

  remove(stream: BareStream): void {
    this.#silent.delete(stream);
  }

  stop(): void {
    this.#timer.cancel();
  }

  #beat(): void {
    const timestamp = formatTimestamp(this.#clock.now());
    for (const [stream, silentRounds] of this.#silent) {
      const taken = stream.peer.queuedBytes() === 0;
      if (taken) {
        stream.onAlive();
        stream.peer.beat(timestamp);
      } else if (silentRounds + 1 >= MOST_SILENT_ROUNDS) {
        stream.peer.reset();
      }
      this.#silent.set(stream, taken ? 0 : silentRounds + 1);
    }
  }
}
