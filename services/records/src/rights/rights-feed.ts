import { REQUEST_SUBJECTS } from '@tidewire/contract';
import type { LogPosition, RightsState } from '@tidewire/contract';
import { Freshness, loadStates, openLogReader } from '@tidewire/messaging';
import type { LogEntry, LogReader, MessageBus } from '@tidewire/messaging';
import { RightsView } from '@tidewire/policy';
import type { Clock, Logger, Readiness } from '@tidewire/service-kit';
import { KnownStore } from './known-store.ts';

/** Registers and schemas with the position of the SQL snapshot they were read in. */
export interface CatalogueSnapshot {
  readonly position: LogPosition;
  readonly items: readonly RightsState[];
  /** The life of the database that it is of, as `RightsBarrier.store`. */
  readonly store: string;
}

export interface RightsFeedOptions {
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stalenessLimitMs: number;
  /** The service's own catalogue, from its own database. */
  readonly loadCatalogue: () => Promise<CatalogueSnapshot>;
}

/** First and longest pause between attempts to load the rights, and between looks at a position that is waited for. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
const LOOK_AGAIN_MS = 20;

/**
 * The rights and the catalogue as the log tells them, kept up to date for as long as the process lives. After a new
 * epoch or an entry that cannot be read everything is loaded anew, into a new view.
 */
export class RightsFeed {
  #view = new RightsView();
  /** Grows with every change that may concern anybody: what was judged before it is judged again. */
  #changes = 0;
  readonly #options: RightsFeedOptions;
  readonly #freshness: Freshness;
  readonly #store = new KnownStore();
  readonly #waiting = new Set<() => void>();
  readonly #stop = new AbortController();
  #reader: LogReader | undefined;
  /** How far the log goes as the last snapshot said that was asked about. */
  #wanted: LogPosition | undefined;
  #started: Promise<void> = Promise.resolve();

  constructor(options: RightsFeedOptions) {
    this.#options = options;
    this.#freshness = new Freshness({ clock: options.clock, limitMs: options.stalenessLimitMs });
  }

  /** The rights as of the last entry that was applied. Another object after everything was loaded anew. */
  get view(): RightsView {
    return this.#view;
  }

  get changes(): number {
    return this.#changes;
  }

  /**
   * Whether it is worth while to wait for newer rights: the bus is there and the relay was heard lately. What may be
   * decided does not depend on it, see docs/decisions/0004-rights-in-records.md.
   */
  canAdvance(): boolean {
    if (!this.#options.bus.connected) return false;
    // After a start, and after a new epoch, the first beat is still to come.
    return this.#freshness.isFresh() || this.#freshness.ageMs() === Infinity;
  }

  /** Whether requests can be answered: the relay was heard lately, or nothing is missing as far as the database says. */
  ready(): Readiness {
    if (this.#reader === undefined) return 'not loaded';
    const current = this.canAdvance() || (this.#wanted !== undefined && this.hasReached(this.#wanted));
    return current ? true : 'not up to date';
  }

  /** Whether the rights belong to the store that a snapshot is of. */
  isOfStore(store: string): boolean {
    const now = this.#options.clock.monotonic();
    return this.#store.isKnown(store, now - this.#freshness.ageMs(), now);
  }

  /** Age of what is known, milliseconds; Infinity before the first beat. */
  ageMs(): number {
    return this.#freshness.ageMs();
  }

  /** Begins to load and read; resolves at once, because authz may be started after this service. */
  start(): void {
    this.#started = this.#loadForEver();
  }

  /** Stops reading. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#started;
    await this.#reader?.close();
  }

  /** Whether everything up to a position was applied. */
  hasReached(position: LogPosition): boolean {
    const applied = this.#reader?.applied;
    return applied !== undefined && applied.epoch === position.epoch && applied.sequence >= position.sequence;
  }

  /** Waits until everything up to a position was applied; false when that took longer than `limitMs`. */
  async reach(position: LogPosition, limitMs: number): Promise<boolean> {
    const { clock } = this.#options;
    this.#wanted = position;
    const until = clock.monotonic() + limitMs;
    while (!this.hasReached(position)) {
      const left = until - clock.monotonic();
      if (left <= 0 || this.#stop.signal.aborted) return false;
      await this.#nextChange(Math.min(left, LOOK_AGAIN_MS));
    }
    return true;
  }

  async #loadForEver(): Promise<void> {
    const { bus, clock, logger } = this.#options;
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.#stop.signal.aborted) {
      try {
        const from = await this.#load();
        if (this.#stop.signal.aborted) return;
        this.#reader = openLogReader(bus, {
          from,
          onEntry: (entry) => this.#apply(entry),
          onReset: () => this.#load(),
          clock,
          freshness: this.#freshness,
        });
        return;
      } catch (error) {
        logger.warn('rights could not be loaded', { error, delayMs: pauseMs });
        await this.#nextChange(pauseMs);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  /** Loads everything into a new view. The older of the two positions counts: states may come twice. */
  async #load(): Promise<LogPosition> {
    const { bus, loadCatalogue, logger } = this.#options;
    // In this order: what authz answers is then of the store that the catalogue is of, or of a later one.
    const catalogue = await loadCatalogue();
    const rights = await loadStates(bus, REQUEST_SUBJECTS.rightsState);
    if (rights.position.epoch !== catalogue.position.epoch)
      throw new Error('the log got a new epoch meanwhile');
    const view = new RightsView();
    view.loadState(rights.items, rights.position.sequence);
    view.loadState(catalogue.items, catalogue.position.sequence);
    this.#view = view;
    this.#changes += 1;
    this.#store.noteLoaded(catalogue.store);
    this.#wanted = catalogue.position;
    this.#wake();
    const position =
      rights.position.sequence < catalogue.position.sequence ? rights.position : catalogue.position;
    logger.info('rights loaded', {
      count: rights.items.length + catalogue.items.length,
      epoch: position.epoch,
      sequence: position.sequence,
    });
    return position;
  }

  async #apply(entry: LogEntry): Promise<void> {
    const { message } = entry;
    if (message === undefined) {
      // A right that cannot be read may be one that forbids: go on only with what the owners say now.
      if (entry.problem === 'malformed' && !entry.subject.startsWith('events.')) await this.#load();
    } else {
      this.#view.apply(message, entry.sequence);
      if (message.kind === 'rights' && concernsEverybody(message.state)) this.#changes += 1;
    }
    if (this.#waiting.size > 0) queueMicrotask(() => this.#wake());
  }

  #wake(): void {
    for (const resume of this.#waiting) resume();
  }

  async #nextChange(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.setTimeout(resolve, limitMs);
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    timer.cancel();
  }
}

/** Principals and credentials concern only those who act by them; {@link Judgement} looks at these by itself. */
function concernsEverybody(state: RightsState): boolean {
  return state.kind !== 'principal' && state.kind !== 'credential';
}
