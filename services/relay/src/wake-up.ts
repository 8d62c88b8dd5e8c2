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
    if (!this.#pending && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resolve = resolve;
      const timer = setTimeout(resolve, ms);
      const aborted = (): void => resolve();
      signal.addEventListener('abort', aborted, { once: true });
      await promise;
      signal.removeEventListener('abort', aborted);
      clearTimeout(timer);
      this.#resolve = undefined;
    }
    this.#pending = false;
  }
}
