/** A timer that was started; cancelling one that has fired or was cancelled does nothing. */
export interface Timer {
  cancel(): void;
}

/** Where a process gets its time from. Injected everywhere, so that tests move time instead of waiting for it. */
export interface Clock {
  /** Wall clock: milliseconds since 1970. May jump. For what is written down. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. For how long something took or may still take. */
  monotonic(): number;
  /** Runs `run` once after `delayMs`. Does not keep the process alive. An error in `run` is the caller's to catch. */
  setTimeout(run: () => void, delayMs: number): Timer;
  /** Runs `run` every `intervalMs` until cancelled. Does not keep the process alive. */
  setInterval(run: () => void, intervalMs: number): Timer;
}

/** The machine's clock. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(run: () => void, delayMs: number): Timer {
    const handle = setTimeout(run, delayMs).unref();
    return { cancel: () => clearTimeout(handle) };
  },
  setInterval(run: () => void, intervalMs: number): Timer {
    const handle = setInterval(run, intervalMs).unref();
    return { cancel: () => clearInterval(handle) };
  },
});

/** A clock for tests that stands still until it is told to move. */
export interface ManualClock extends Clock {
  /** Moves time forward and runs what falls due on the way, in the order of its due times. */
  advance(ms: number): void;
}

/** A {@link ManualClock} that starts at this wall-clock time (milliseconds since 1970); its monotonic time starts at 0. */
export function createManualClock(startMs = Date.parse('2026-01-01T00:00:00.000Z')): ManualClock {
  let elapsed = 0;
  let nextId = 0;
  const waiting = new Map<number, { dueAt: number; everyMs: number | undefined; run: () => void }>();

  const schedule = (run: () => void, delayMs: number, everyMs?: number): Timer => {
    const id = nextId++;
    waiting.set(id, { dueAt: elapsed + Math.max(delayMs, 0), everyMs, run });
    return { cancel: () => void waiting.delete(id) };
  };

  return {
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    setTimeout: (run, delayMs) => schedule(run, delayMs),
    // An interval of 0 would never let `advance` end.
    setInterval: (run, intervalMs) => schedule(run, Math.max(intervalMs, 1), Math.max(intervalMs, 1)),
    advance(ms) {
      const target = elapsed + ms;
      for (;;) {
        const due = [...waiting]
          .filter(([, timer]) => timer.dueAt <= target)
          .toSorted(([idA, a], [idB, b]) => a.dueAt - b.dueAt || idA - idB)[0];
        if (due === undefined) break;
        const [id, timer] = due;
        elapsed = Math.max(elapsed, timer.dueAt);
        if (timer.everyMs === undefined) waiting.delete(id);
        else timer.dueAt += timer.everyMs;
        timer.run();
      }
      elapsed = target;
    },
  };
}
