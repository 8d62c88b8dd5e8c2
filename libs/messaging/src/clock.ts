/** Time as this library needs it; tests pass their own. */
export interface BusClock {
  /** Milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds since some start. Never goes back. */
  monotonic(): number;
}

/** The clock of this process. */
export const processClock: BusClock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
});
