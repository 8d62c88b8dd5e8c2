/** Messages that wait while one is acted on: above this nothing more is read from the connection. */
const MOST_WAITING = 16;

/** Stops and goes on reading from the connection. */
export interface SocketFlow {
  pause(): void;
  resume(): void;
}

/** What one client asks for, done one after another. Work ends its own errors. */
export class SocketQueue {
  readonly #flow: SocketFlow;
  readonly #waiting: (() => Promise<void> | void)[] = [];
  #running = false;
  #paused = false;

  constructor(flow: SocketFlow) {
    this.#flow = flow;
  }

  add(work: () => Promise<void> | void): void {
    this.#waiting.push(work);
    if (this.#waiting.length >= MOST_WAITING && !this.#paused) {
      this.#paused = true;
      this.#flow.pause();
    }
    if (!this.#running) void this.#run();
  }

  /** Forgets what was not begun. */
  clear(): void {
    this.#waiting.length = 0;
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) {
      await work();
      if (!this.#paused || this.#waiting.length >= MOST_WAITING) continue;
      this.#paused = false;
      this.#flow.resume();
    }
    this.#running = false;
  }
}
