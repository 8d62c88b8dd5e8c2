import type { Clock, Timer } from '@tidewire/service-kit';

export interface ReminderOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'setTimeout'>;
  /** This one's part of the interval, 0.5 to 1.5: so that not everybody asks the same at once. */
  readonly factor: number;
  /** Open sockets of the process: the more there are, the longer each of them waits. */
  readonly openSockets: () => number;
  readonly send: () => void;
}

/** Seconds between two reminders: one for each so many sockets, within these bounds. */
const SOCKETS_PER_SECOND = 10;
const SHORTEST_MS = 1000;
const LONGEST_MS = 15_000;
/** What comes within this of each other is one thing that happened. */
const QUIET_MS = 100;

/**
 * Turns calls into reminders: one when it has been quiet for a moment and the last one is an interval ago. A stream of calls
 * that never is quiet puts it off by no more than an interval and a moment.
 */
export class Reminder {
  readonly #options: ReminderOptions;
  #sentAt = -Infinity;
  /** The first and the last call that is not answered. */
  #firstAt: number | undefined;
  #lastAt = 0;
  #timer: Timer | undefined;

  constructor(options: ReminderOptions) {
    this.#options = options;
  }

  call(): void {
    const now = this.#options.clock.monotonic();
    this.#firstAt ??= now;
    this.#lastAt = now;
    this.#timer ??= this.#wait(now);
  }

  /** Takes note that one was sent, for whatever reason: it stands for all calls so far. */
  sent(): void {
    this.stop();
    this.#sentAt = this.#options.clock.monotonic();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#firstAt = undefined;
  }

  #wait(now: number): Timer {
    return this.#options.clock.setTimeout(this.#look, this.#dueAt(now) - now);
  }

  /** Later calls move the time: looked at again when the earlier one has come. */
  readonly #look = (): void => {
    const now = this.#options.clock.monotonic();
    this.#timer = undefined;
    if (now < this.#dueAt(now)) {
      this.#timer = this.#wait(now);
      return;
    }
    this.sent();
    this.#options.send();
  };

  #dueAt(now: number): number {
    const { factor, openSockets } = this.#options;
    const perSocket = (openSockets() / SOCKETS_PER_SECOND) * 1000;
    const intervalMs = Math.min(Math.max(perSocket, SHORTEST_MS), LONGEST_MS) * factor;
    const wanted = Math.max(this.#sentAt + intervalMs, this.#lastAt + QUIET_MS);
    return Math.min(wanted, (this.#firstAt ?? now) + intervalMs + QUIET_MS);
  }
}
