import type { DataFolder } from '../data-folder.ts';
import type { Platform } from './launcher.ts';
import type { Progress } from '../progress.ts';

/** Signals closer together than this are one Ctrl-C that reached us by way of the terminal and of npm. */
const SAME_SIGNAL_MS = 400;
const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

/** One line that says what is wrong, details indented below it. */
export function formatFailure(message: string): string {
  const [first = '', ...details] = message.trimEnd().split('\n');
  return [`tidewire: ${first}`, ...details.map((line) => `    ${line}`), ''].join('\n');
}

/**
 * The end of a start, which comes in one of three ways: a signal, a failure, or a service that cannot be kept
 * running. Whichever is first decides; a second signal, and only that, cuts it short.
 */
export class Ending {
  readonly #folder: DataFolder;
  readonly #progress: Progress;
  #platform: Platform | undefined;
  #since: number | undefined;

  constructor(folder: DataFolder, progress: Progress) {
    this.#folder = folder;
    this.#progress = progress;
  }

  /** From now on there is something to stop in order. */
  runs(platform: Platform): void {
    this.#platform = platform;
  }

  signal(): void {
    const now = performance.now();
    if (this.#since !== undefined) {
      if (now - this.#since > SAME_SIGNAL_MS) void this.#cut();
      return;
    }
    this.#since = now;
    const { paint } = this.#progress;
    if (this.#platform === undefined) {
      // Every server and service that runs already is told to end when this process does.
      this.#progress.print(`\n  ${paint.dim('stopped before it was ready')}`);
      this.#exit(EXIT_INTERRUPTED);
    }
    this.#progress.print(`\n  ${paint.dim('stopping; Ctrl-C again ends everything at once')}`);
    void this.#stop(0);
  }

  /** Ends with a message, unless an end is under way already: then this is only its echo. */
  async failed(error: Error): Promise<void> {
    if (this.#since !== undefined) return;
    this.#since = performance.now();
    await this.#stop(EXIT_FAILED, error);
  }

  async #stop(code: number, reason?: Error): Promise<void> {
    let problem = reason;
    try {
      await this.#platform?.stop();
    } catch (error) {
      await this.#platform?.killAll();
      problem ??= error instanceof Error ? error : new Error('the end was not orderly', { cause: error });
    }
    if (problem === undefined) {
      this.#progress.print(`  ${this.#progress.paint.dim('stopped')}`);
      this.#exit(code);
    }
    process.stderr.write(formatFailure(problem.message));
    this.#exit(EXIT_FAILED);
  }

  async #cut(): Promise<void> {
    await this.#platform?.killAll();
    this.#exit(EXIT_INTERRUPTED);
  }

  #exit(code: number): never {
    this.#folder.release();
    process.exit(code);
  }
}
