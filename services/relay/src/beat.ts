import { SIGNAL_SUBJECTS, formatEventId } from '@tidewire/contract';
import type { Beat, LogPosition } from '@tidewire/contract';
import type { Clock } from '@tidewire/service-kit';

interface Covered {
  readonly position: LogPosition;
  /** Everything committed before this instant, on each clock, is in the log up to `position`. */
  readonly wall: number;
  readonly monotonic: number;
}

/**
 * What the beat says: the end of the log, and how old the newest instant is before which every commit is in it. Known
 * only from rows that were fetched and then acknowledged by the log, so a relay that hangs, or that stood still for a
 * while, says itself how old its knowledge is.
 */
export class BeatSource {
  readonly #clock: Clock;
  #covered: Covered | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param coversUntil an instant of the monotonic clock. */
  noteCovered(position: LogPosition, coversUntil: number): void {
    const age = this.#clock.monotonic() - coversUntil;
    const monotonic = Math.max(coversUntil, this.#covered?.monotonic ?? -Infinity);
    const wall = Math.max(this.#clock.now() - age, this.#covered?.wall ?? -Infinity);
    this.#covered = { position, monotonic, wall };
  }

  /** In doubt, or not leading: there is nothing to say. */
  forget(): void {
    this.#covered = undefined;
  }

  /** Age of what is in the log, milliseconds; undefined while nothing is known. */
  backlogAgeMs(): number | undefined {
    if (this.#covered === undefined) return undefined;
    const { monotonic, wall } = this.#covered;
    return Math.max(0, Math.ceil(this.#clock.monotonic() - monotonic), Math.ceil(this.#clock.now() - wall));
  }

  /** The beat of this moment; undefined while nothing is known. */
  current(): Beat | undefined {
    const backlogAgeMs = this.backlogAgeMs();
    if (this.#covered === undefined || backlogAgeMs === undefined) return undefined;
    return { head: formatEventId(this.#covered.position), sentAt: this.#clock.now(), backlogAgeMs };
  }
}

/** The subject that beats are sent on. */
export const BEAT_SUBJECT = SIGNAL_SUBJECTS.beat;
