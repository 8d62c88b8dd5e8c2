import { isObjectSubject } from '@tidewire/contract';
import type { LogMessage, LogPosition } from '@tidewire/contract';
import { openLogReader } from '@tidewire/messaging';
import type { Freshness, LogEntry, LogReader, MessageBus } from '@tidewire/messaging';
import { RightsView } from '@tidewire/policy';
import type { RightsChange } from '@tidewire/policy';
import { loadSnapshot } from '@tidewire/rights';
import type { Clock, Logger } from '@tidewire/service-kit';

/** Who wants to know what the log brings; in its order, after the rights are up to date with it. */
export interface LogFollower {
  onEntry(entry: LogEntry & { readonly message: LogMessage }, change: RightsChange): void;
  /** Rights were loaded anew: nothing that was derived from the view before holds, and events may have been missed. */
  onLoaded(position: LogPosition): void;
}

export interface RightsLogOptions {
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly freshness: Freshness;
}

const RETRY_MS = 500;
const LOOK_AGAIN_MS = 10;

/** Rights and catalogue as the log tells them, and the log itself for those who follow it. */
export class RightsLog {
  readonly #options: RightsLogOptions;
  readonly #followers = new Set<LogFollower>();
  readonly #stop = new AbortController();
  #view = new RightsView();
  #reader: LogReader | undefined;
  /** When rights were loaded, monotonic; undefined once the log has told all that they may have been ahead by. */
  #loadedAt: number | undefined;

  constructor(options: RightsLogOptions) {
    this.#options = options;
  }

  follow(follower: LogFollower): void {
    this.#followers.add(follower);
  }

  /** Another object after everything was loaded anew. */
  get view(): RightsView {
    return this.#view;
  }

  /** The epoch that was loaded; undefined before that. */
  get epoch(): string | undefined {
    return this.#reader?.applied.epoch;
  }

  /** The last entry that was applied; undefined before rights were loaded. */
  get position(): LogPosition | undefined {
    return this.#reader?.applied;
  }

  /** Whether rights are loaded and level with the log: nobody may be told anything otherwise. */
  get fresh(): boolean {
    const { freshness } = this.#options;
    if (this.#reader === undefined || !freshness.isFresh()) return false;
    if (this.#loadedAt !== undefined && freshness.covers(this.#loadedAt)) this.#loadedAt = undefined;
    return this.#loadedAt === undefined;
  }

  /** Loads everything, retrying until its owners answer, then reads the log for good. */
  async start(): Promise<void> {
    const { bus, clock, freshness, logger } = this.#options;
    for (let attempt = 1; !this.#stop.signal.aborted; attempt += 1) {
      try {
        const from = await this.#load();
        this.#reader = openLogReader(bus, {
          from,
          onEntry: (entry) => this.#take(entry),
          onReset: () => this.#load(),
          clock,
          freshness,
        });
        for (const follower of this.#followers) follower.onLoaded(from);
        return;
      } catch (error) {
        if (attempt % 20 === 1) logger.warn('rights could not be loaded', { attempt, error });
        await this.#pause(RETRY_MS);
      }
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#reader?.close();
  }

  /** Waits until everything up to a sequence of this epoch was applied; false when that took longer than `limitMs`. */
  async reach({ epoch, sequence }: LogPosition, limitMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const until = clock.monotonic() + limitMs;
    for (;;) {
      const applied = this.#reader?.applied;
      if (applied?.epoch === epoch && applied.sequence >= sequence) return true;
      if (clock.monotonic() >= until || this.#stop.signal.aborted) return false;
      await this.#pause(LOOK_AGAIN_MS);
    }
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options.clock.setTimeout(resolve, ms);
    await promise;
  }

  async #load(): Promise<LogPosition> {
    const view = new RightsView();
    const position = await loadSnapshot(this.#options.bus, view);
    this.#view = view;
    this.#loadedAt = this.#options.clock.monotonic();
    if (this.#reader !== undefined) for (const follower of this.#followers) follower.onLoaded(position);
    return position;
  }

  async #take(entry: LogEntry): Promise<void> {
    const { message } = entry;
    if (message === undefined) {
      // A right that cannot be read may be one that forbids.
      if (entry.problem === 'malformed' && !isObjectSubject(entry.subject)) await this.#load();
      return;
    }
    const change = this.#view.apply(message, entry.sequence);
    for (const follower of this.#followers) follower.onEntry({ ...entry, message }, change);
  }
}
