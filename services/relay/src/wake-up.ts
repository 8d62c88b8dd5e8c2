/** Lets one loop sleep until there is something to do. */
export class WakeUp {
  #pending = false;
  #resolve: (() => void) | undefined;

  /** Ends the sleep; when nobody sleeps, the next sleep does not happen. */
  notify(): void {
    this.#pending = true;
    this.#resolve?.();
  }

  /** Resolves after the time, at a notification, or when the signal aborts. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#pending) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resolve = resolve;
      await pause(ms, signal, promise);
      this.#resolve = undefined;
    }
    this.#pending = false;
  }
}

/** Resolves after the time, when the signal aborts, or when `until` does. */
export async function pause(ms: number, signal: AbortSignal, until?: Promise<void>): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const aborted = (): void => resolve();
  signal.addEventListener('abort', aborted, { once: true });
  await (until === undefined ? promise : Promise.race([promise, until]));
  signal.removeEventListener('abort', aborted);
  clearTimeout(timer);
}
