import { isObjectSubject } from '@tidewire/contract';
import type { LogPosition, ObjectMessage, RightsState } from '@tidewire/contract';
import { openLogReader, readLogInfo } from '@tidewire/messaging';
import type { Freshness, LogEntry, LogInfo, LogReader, LogReset, MessageBus } from '@tidewire/messaging';
import { RightsView } from '@tidewire/policy';
import { loadSnapshot } from '@tidewire/rights';
import type { Clock, Logger, Timer } from '@tidewire/service-kit';
import type { FanOutPort, ObjectEntry } from '../fanout/subscription.ts';
import type { RightsFeed } from '../rights/rights-feed.ts';
import type { Streams } from '../transports/stream.ts';
import { HoldQueue } from './hold-queue.ts';
import type { ReplayRing } from './ring.ts';

/** Who wants to know what the log brings, beside rights and fan-out. Nothing may be written to a client from here. */
export interface LogFollower {
  /** The rights that hold from here on. */
  onRights(state: RightsState): void;
  /** An event that was given to the fan-out. */
  onEvent(entry: ObjectEntry): void;
  /** Events were given up that nobody was told of. */
  behind(): void;
}

export interface LogFeedOptions {
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly freshness: Freshness;
  readonly ring: ReplayRing;
  readonly rights: RightsFeed;
  readonly fanOut: FanOutPort;
  readonly streams: Streams;
  readonly follower: LogFollower;
  /** What the log holds while this process is stale; more of it is given up, with a `resync` for every stream. */
  readonly holdLimits: { readonly maxEvents: number; readonly maxBytes: number };
  /** What was known of the rights is not certain any more: every stream has to come back and show its credential. */
  readonly restartStreams: (reason: 'epoch' | 'behind', current: LogPosition) => void;
  /** Told of some of the events that are applied, for metrics. */
  readonly onEvent: (message: ObjectMessage) => void;
}

/** How often is looked whether freshness came back. */
const SETTLE_MS = 100;
/** How often the log's window is asked for. */
const WINDOW_MS = 15_000;
const LOAD_RETRY_MS = 500;
/** One event in so many is looked at for metrics. */
const SAMPLE_EVERY = 16;

/**
 * The one reader of the log: rights go to the view and events to the fan-out, one after the other in the order of the
 * log, so that every event is judged under every right that was acknowledged before it. While the process is behind,
 * what arrives is held; once it is level, all of it is applied in one go, before anything is written to a client.
 */
export class LogFeed {
  readonly #options: LogFeedOptions;
  readonly #held: HoldQueue;
  readonly #stopping = new AbortController();
  #reader: LogReader | undefined;
  #timers: Timer[] = [];
  #window: LogInfo | undefined;
  /** When rights were loaded, monotonic; undefined once the log has told all that they may have been ahead by. */
  #loadedAt: number | undefined;

  constructor(options: LogFeedOptions) {
    this.#options = options;
    this.#held = new HoldQueue(options.holdLimits);
  }

  /** Loads rights and catalogue, retrying until their owners answer, then reads the log for good. */
  async start(): Promise<void> {
    const { bus, rights, clock, freshness } = this.#options;
    const view = new RightsView();
    const position = await this.#loadUntilThere(view);
    if (position === undefined) return;
    rights.replace(view);
    this.#begin(position);
    this.#reader = openLogReader(bus, {
      from: position,
      onEntry: (entry) => this.#take(entry),
      onReset: (reset) => this.#startOver(reset),
      clock,
      freshness,
    });
    this.#timers = [
      clock.setInterval(() => this.#settle(), SETTLE_MS),
      clock.setInterval(() => void this.refreshWindow().catch(() => undefined), WINDOW_MS),
    ];
    await this.refreshWindow().catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const timer of this.#timers) timer.cancel();
    await this.#reader?.close();
  }

  /** Whether rights are loaded and level with the log; nobody may be told anything otherwise. */
  get fresh(): boolean {
    const { freshness } = this.#options;
    if (this.#reader === undefined || !this.#held.empty || !freshness.isFresh()) return false;
    // A stream that was opened before would not be told of a change that its rights have already and the log has not.
    if (this.#loadedAt !== undefined && freshness.covers(this.#loadedAt)) this.#loadedAt = undefined;
    return this.#loadedAt === undefined;
  }

  /** The epoch that was loaded; undefined before that. */
  get epoch(): string | undefined {
    return this.#reader === undefined ? undefined : this.#options.fanOut.evaluatedPosition().epoch;
  }

  /** The last entry that was applied. */
  get position(): LogPosition {
    return this.#options.fanOut.evaluatedPosition();
  }

  /** Entries of the log that this version could not read. */
  get unreadable(): number {
    return this.#reader?.unreadable ?? 0;
  }

  /** What the stream's leader said last; undefined before the first answer. */
  get window(): LogInfo | undefined {
    return this.#window;
  }

  /** Asks the stream's leader what the log holds. */
  async refreshWindow(): Promise<LogInfo> {
    this.#window = await readLogInfo(this.#options.bus);
    return this.#window;
  }

  /** The oldest position that a client can come back with. */
  oldest(): LogPosition {
    const { epoch, sequence } = this.#options.fanOut.evaluatedPosition();
    if (this.#window?.epoch !== epoch) return { epoch, sequence };
    return { epoch, sequence: Math.min(sequence, Math.max(0, this.#window.first - 1)) };
  }

  /** The oldest event there is; where there is none, the position of the next one. */
  oldestEvent(): LogPosition {
    const { epoch, sequence } = this.position;
    if (this.#window?.epoch !== epoch) return { epoch, sequence };
    return { epoch, sequence: Math.min(sequence, this.#window.first) };
  }

  async #loadUntilThere(view: RightsView): Promise<LogPosition | undefined> {
    const { bus, logger, clock } = this.#options;
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt += 1) {
      try {
        return await loadSnapshot(bus, view);
      } catch (error) {
        if (attempt % 20 === 1) logger.warn('rights could not be loaded', { attempt, error });
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      clock.setTimeout(resolve, LOAD_RETRY_MS);
      this.#stopping.signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
    }
    return undefined;
  }

  #begin(position: LogPosition): void {
    this.#loadedAt = this.#options.clock.monotonic();
    this.#held.clear();
    this.#options.ring.reset(position.sequence);
    this.#options.fanOut.reset(position);
  }

  #take(entry: LogEntry): void | Promise<void> {
    if (entry.problem === 'malformed' && !isObjectSubject(entry.subject)) return this.#reload(entry);
    // Without streams there is nobody who could be told anything too late.
    if (this.#options.streams.size === 0 || this.#options.freshness.isFresh()) {
      this.#applyHeld();
      this.#apply(entry);
      return;
    }
    this.#held.push(entry);
    if (this.#held.overflowing) this.#giveUpHeld();
  }

  #settle(): void {
    if (!this.#held.empty && this.#options.freshness.isFresh()) this.#applyHeld();
  }

  #applyHeld(): void {
    const { fanOut, streams, follower } = this.#options;
    for (const entry of this.#held.take()) this.#apply(entry);
    if (!this.#held.takeOverflowed()) return;
    follower.behind();
    for (const { connection } of streams.all()) {
      if (connection !== undefined) fanOut.resync(connection, 'behind');
    }
  }

  /** Too much to hold: rights are applied, events are not, and every stream will be told to fetch again. */
  #giveUpHeld(): void {
    for (const entry of this.#held.giveUp()) this.#apply(entry, false);
  }

  #apply(entry: LogEntry, deliver = true): void {
    const { ring, rights, fanOut, follower, onEvent } = this.#options;
    ring.push(entry);
    const { message, epoch, sequence } = entry;
    // Whoever goes on after the "fetch again" of a right is not to find that right beyond it, and be told again.
    if (message?.kind === 'rights') fanOut.advance({ epoch, sequence });
    if (message !== undefined) rights.apply(message, sequence);
    if (message?.kind === 'rights') follower.onRights(message.state);
    if (!deliver || message?.kind !== 'object') {
      fanOut.advance({ epoch, sequence });
      return;
    }
    const published = { epoch, sequence, message };
    fanOut.publish(published);
    follower.onEvent(published);
    if (sequence % SAMPLE_EVERY === 0) onEvent(message);
  }

  /** A right that cannot be read: nothing is known for certain before everything was loaded again. */
  async #reload(entry: LogEntry): Promise<void> {
    const { bus, rights, logger, clock, restartStreams } = this.#options;
    logger.error('unreadable right in the log', { sequence: entry.sequence, subject: entry.subject });
    // Nobody is let in before it was loaded, and told.
    this.#loadedAt = Infinity;
    restartStreams('behind', this.position);
    this.#applyHeld();
    await loadSnapshot(bus, rights.view);
    this.#loadedAt = clock.monotonic();
    this.#apply(entry);
  }

  /** The log does not continue what was applied: everything that was built from it is built again. */
  async #startOver({ reason, info }: LogReset): Promise<LogPosition> {
    const { bus, rights, logger, restartStreams } = this.#options;
    logger.warn('log begins anew', { reason, epoch: info.epoch });
    const view = new RightsView();
    const position = await loadSnapshot(bus, view);
    if (position.epoch !== info.epoch) throw new Error('the owners of rights are not at the new log yet');
    this.#window = info;
    restartStreams(reason === 'epoch' ? 'epoch' : 'behind', position);
    rights.replace(view);
    this.#begin(position);
    return position;
  }
}
