import { parseEventId } from '@tidewire/contract';
import type { Beat, LogPosition } from '@tidewire/contract';
import type { BusClock } from './clock.ts';

export interface FreshnessOptions {
  readonly clock: BusClock;
  /** How old the newest known state of the log may be, `TIDEWIRE_STALENESS_LIMIT_MS`. Default 10 s. */
  readonly limitMs?: number;
}

interface HeardBeat {
  readonly head: LogPosition;
  /** The instant, on each clock, up to which the head covers every commit. */
  readonly coveredWall: number;
  readonly coveredMonotonic: number;
}

/** Beats come twice a second; more than this many not yet reached means being stale anyway. */
const MAX_PENDING_BEATS = 64;

/**
 * Whether what was applied is recent enough to judge rights by. A beat says "the log ended here, and the oldest
 * unpublished row was so old"; once that end has been applied through the consumer that delivers, everything committed
 * before (beat - backlog) is known. Fresh means that this instant is at most `limitMs` ago on the monotonic and on the
 * wall clock: either alone can be fooled by a stopped process or a clock that was set.
 *
 * Clocks of the relay's host and of this one may differ by less than the limit, otherwise nothing is ever fresh.
 * Starts stale; when the relay stands still, so does freshness.
 */
export class Freshness {
  readonly limitMs: number;
  readonly #clock: BusClock;
  readonly #pending: HeardBeat[] = [];
  #applied: LogPosition | undefined;
  #reached: HeardBeat | undefined;

  constructor(options: FreshnessOptions) {
    this.#clock = options.clock;
    this.limitMs = options.limitMs ?? 10_000;
  }

  /** Heard a beat. A head that cannot be parsed is ignored. */
  noteBeat(beat: Beat): void {
    const head = parseEventId(beat.head);
    if (head === undefined) return;
    const heard = {
      head,
      coveredWall: beat.sentAt - beat.backlogAgeMs,
      coveredMonotonic: this.#clock.monotonic() - beat.backlogAgeMs,
    };
    this.#pending.push(heard);
    if (this.#pending.length > MAX_PENDING_BEATS) this.#pending.shift();
    this.#settle();
  }

  /** Applied everything up to here. Called for every entry: cheap. */
  noteApplied(position: LogPosition): void {
    this.#applied = position;
    const [next] = this.#pending;
    if (next !== undefined && isReached(next.head, position)) this.#settle();
  }

  /** The log was left (another epoch, a rebuild): nothing counts until a beat's head is applied again. */
  reset(): void {
    this.#pending.length = 0;
    this.#reached = undefined;
    this.#applied = undefined;
  }

  /** Age of what is known, milliseconds; Infinity before the first beat whose head was applied. Never negative. */
  ageMs(): number {
    if (this.#reached === undefined) return Infinity;
    const wall = this.#clock.now() - this.#reached.coveredWall;
    const monotonic = this.#clock.monotonic() - this.#reached.coveredMonotonic;
    // A beat from the far future is a clock that cannot be trusted.
    if (wall < -this.limitMs) return Infinity;
    return Math.max(wall, monotonic, 0);
  }

  isFresh(): boolean {
    return this.ageMs() <= this.limitMs;
  }

  /**
   * Whether everything committed before an instant (monotonic milliseconds) was applied. Whatever was read from a database
   * at that instant may be ahead of the log before.
   */
  covers(instant: number): boolean {
    return this.ageMs() <= this.#clock.monotonic() - instant;
  }

  #settle(): void {
    const applied = this.#applied;
    if (applied === undefined) return;
    for (let index = this.#pending.length - 1; index >= 0; index -= 1) {
      const beat = this.#pending[index];
      if (beat !== undefined && isReached(beat.head, applied)) {
        this.#reached = beat;
        this.#pending.splice(0, index + 1);
        return;
      }
    }
  }
}

function isReached(head: LogPosition, applied: LogPosition): boolean {
  return head.epoch === applied.epoch && head.sequence <= applied.sequence;
}
