import { systemClock } from '@tidewire/service-kit';
import type { Clock } from '@tidewire/service-kit';

/** Time, timers and turns of the event loop; injected, so that tests decide when they come. */
export interface Scheduler extends Clock {
  /** Runs once in the next turn, after the I/O that is ready now. */
  setImmediate(run: () => void): void;
}

/** The event loop of this process, with the time of a clock. */
export function createScheduler(clock: Clock): Scheduler {
  return Object.freeze({ ...clock, setImmediate: (run: () => void): void => void setImmediate(run) });
}

export const processScheduler: Scheduler = createScheduler(systemClock);
