/** The part of `LockManager` (Web Locks) that is used. */
export type Locks = Pick<LockManager, 'request'>;

interface LockEvents {
  /** It is ours, until {@link HeldLock.release}. */
  gained(): void;
  /** Another took it from us. */
  stolen(): void;
  /** There are no locks here, whatever the browser says. */
  failed(): void;
}

/** One lock that is waited for and then held. The browser lets go of it when the page dies, however it dies. */
export class HeldLock {
  readonly #locks: Locks;
  readonly #name: string;
  readonly #events: LockEvents;
  /** Ends the request that counts, in whatever state it is. */
  #end: (() => void) | undefined;

  constructor(locks: Locks, name: string, events: LockEvents) {
    this.#locks = locks;
    this.#name = name;
    this.#events = events;
  }

  /** Waits in line for it, or takes it from whoever has it. A request from before is given up. */
  request(how: 'wait' | 'steal'): void {
    this.release();
    const abort = new AbortController();
    let release: (() => void) | undefined;
    const end = (): void => {
      abort.abort();
      release?.();
    };
    this.#end = end;
    const hold = async (): Promise<void> => {
      if (this.#end !== end) return;
      await new Promise<void>((resolve) => {
        release = resolve;
        this.#events.gained();
      });
    };
    void this.#ask(
      how === 'steal' ? { steal: true } : { signal: abort.signal },
      hold,
      () => this.#end === end,
    );
  }

  /** Lets go of it, or of the place in line. Nothing is called back afterwards. Idempotent. */
  release(): void {
    const end = this.#end;
    this.#end = undefined;
    end?.();
  }

  async #ask(options: LockOptions, hold: () => Promise<void>, counts: () => boolean): Promise<void> {
    try {
      await this.#locks.request(this.#name, options, hold);
    } catch (error) {
      if (!counts()) return;
      this.#end = undefined;
      if (error instanceof Error && error.name === 'AbortError') this.#events.stolen();
      else this.#events.failed();
    }
  }
}

/** Calls back once the lock is free: whoever held it is gone. Until `signal` says that nobody wants to know any more. */
export async function watchLock(
  locks: Locks,
  name: string,
  signal: AbortSignal,
  gone: () => void,
): Promise<void> {
  try {
    await locks.request(name, { signal }, gone);
  } catch {
    // Nobody wants to know any more, or this page is on its way out and will not lead for long.
  }
}
