import { SIGNAL_SUBJECTS, beatSchema, parseEventId } from '@tidewire/contract';
import type { LogPosition } from '@tidewire/contract';
import { BusUnavailableError } from './bus-error.ts';
import type { BusClock } from './clock.ts';
import { Freshness } from './freshness.ts';
import { LogConsumer } from './log-consumer.ts';
import { decodeLogEntry } from './log-entry.ts';
import type { LogEntry } from './log-entry.ts';
import { findEndOfHole, isErased } from './log-hole.ts';
import { findLogInfo } from './log-info.ts';
import type { LogInfo } from './log-info.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';

/**
 * Why what was read so far does not continue: another `epoch` (a store was restored or re-created), the next message
 * `expired` before it was read, or the position is `ahead` of the log's end.
 */
export type LogResetReason = 'epoch' | 'expired' | 'ahead';

export interface LogReset {
  readonly reason: LogResetReason;
  readonly info: LogInfo;
}

/** `waiting`: not connected, no log yet, or the log is being opened anew. */
export type LogReaderStatus = 'waiting' | 'reading' | 'closed';

export interface LogReaderOptions {
  /** Read from after this position: a snapshot's, or the last one applied. */
  readonly from: LogPosition;
  /**
   * Takes every entry of the whole log, strictly in sequence; the next one comes after the promise, if one is
   * returned. When it throws, nothing is skipped: the same entry comes again after a pause.
   */
  readonly onEntry: (entry: LogEntry) => void | Promise<void>;
  /**
   * What was built from the log so far is not complete any more: load it anew and return the position it has.
   * Returning nothing means "read all that the log still holds". When it throws, it is called again after a pause.
   */
  readonly onReset: (reset: LogReset) => LogPosition | void | Promise<LogPosition | void>;
  readonly onStatus?: (status: LogReaderStatus) => void;
  readonly clock: BusClock;
  /** Given one, the reader feeds it with beats and positions; otherwise it makes its own with the default limit. */
  readonly freshness?: Freshness;
}

export interface LogReader {
  /** Everything up to here was applied. */
  readonly applied: LogPosition;
  readonly freshness: Freshness;
  readonly status: LogReaderStatus;
  /** Entries that this version could not read. */
  readonly unreadable: number;
  /** Stops. Resolves after the entry at hand was applied. */
  close(): Promise<void>;
}

/** Behind a beat's head for so long without progress: the consumer is opened anew. */
const STALL_LIMIT_MS = 2000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

/**
 * Reads the whole log, live, for as long as the process lives. Applies entries without gap and without repeat; a hole
 * in the numbers is accepted only when the stream's leader says that nothing is there (erased), otherwise the log is
 * read again from the last applied entry. Waits, retrying, while the bus is away or the stream does not exist.
 */
export function openLogReader(bus: MessageBus, options: LogReaderOptions): LogReader {
  const reader = new Reader(bus, options);
  reader.start();
  return reader;
}

class Reader implements LogReader {
  readonly freshness: Freshness;
  status: LogReaderStatus = 'waiting';
  unreadable = 0;
  applied: LogPosition;
  readonly #bus: MessageBus;
  readonly #options: LogReaderOptions;
  readonly #stop = new AbortController();
  #consumer: LogConsumer | undefined;
  #progressAt: number;
  #handling = false;
  #run: Promise<void> = Promise.resolve();

  constructor(bus: MessageBus, options: LogReaderOptions) {
    this.#bus = bus;
    this.#options = options;
    this.applied = options.from;
    this.freshness = options.freshness ?? new Freshness({ clock: options.clock });
    this.#progressAt = options.clock.monotonic();
  }

  start(): void {
    const offBeat = this.#bus.onSignal(SIGNAL_SUBJECTS.beat, (payload) => this.#hearBeat(payload));
    this.#run = this.#readForEver().finally(offBeat);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#consumer?.close();
    await this.#run;
  }

  async #readForEver(): Promise<void> {
    const link = linkOf(this.#bus);
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.#stop.signal.aborted) {
      const before = this.applied;
      try {
        await link.untilConnected(this.#stop.signal);
        await this.#readOnce();
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        link.logger.warn('log reading interrupted', { ...this.applied, error });
      }
      this.#report('waiting');
      pauseMs = this.applied === before ? Math.min(pauseMs * 2, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
      await pause(pauseMs * (0.75 + Math.random() / 2), this.#stop.signal);
    }
    this.#report('closed');
  }

  /** One look at the log and, when it continues what was applied, one consumer until that ends. */
  async #readOnce(): Promise<void> {
    const info = await findLogInfo(this.#bus);
    if (info === undefined || info.epoch === '') return;
    const reason = await this.#judge(info);
    if (reason !== undefined) {
      await this.#reset({ reason, info });
      return;
    }
    if (info.last > this.applied.sequence) {
      const end = await findEndOfHole(this.#bus, this.applied.sequence, info);
      if (end > this.applied.sequence) this.#advance({ epoch: info.epoch, sequence: end });
    }
    const consumer = await LogConsumer.open(this.#bus, { startSequence: this.applied.sequence + 1 });
    this.#consumer = consumer;
    // Closing may have happened while the consumer was being created.
    if (this.#stop.signal.aborted) consumer.close();
    this.#progressAt = this.#options.clock.monotonic();
    // A log that nobody writes to brings no entry that would say that its end is known here.
    this.freshness.noteApplied(this.applied);
    this.#report('reading');
    for await (const { raw, sequence } of consumer) {
      const entry = decodeLogEntry(raw, sequence, info.epoch);
      if (entry.epoch !== this.applied.epoch) throw new Error('the log has a new epoch');
      if (sequence !== this.applied.sequence + 1) await this.#acceptHole(sequence);
      await this.#apply(entry);
    }
  }

  async #judge(info: LogInfo): Promise<LogResetReason | undefined> {
    if (info.epoch !== this.applied.epoch) return 'epoch';
    if (this.applied.sequence + 1 < info.first) return 'expired';
    if (this.applied.sequence <= info.last) return undefined;
    // A stream's leader that was elected a moment ago may not yet have applied all that it holds: ask twice.
    await pause(STALL_LIMIT_MS / 4, this.#stop.signal);
    const again = await findLogInfo(this.#bus);
    return again !== undefined && again.epoch === info.epoch && this.applied.sequence > again.last
      ? 'ahead'
      : undefined;
  }

  async #reset(reset: LogReset): Promise<void> {
    linkOf(this.#bus).logger.warn('the log does not continue what was applied', {
      ...this.applied,
      reason: reset.reason,
    });
    this.freshness.reset();
    const position = await this.#options.onReset(reset);
    this.#advance(position ?? { epoch: reset.info.epoch, sequence: reset.info.first - 1 });
  }

  async #acceptHole(received: number): Promise<void> {
    if (received <= this.applied.sequence) throw new Error('the log went back');
    if (!(await isErased(this.#bus, this.applied.sequence, received))) {
      throw new BusUnavailableError('a message of the log was not delivered');
    }
  }

  async #apply(entry: LogEntry): Promise<void> {
    if (entry.message === undefined) this.unreadable += 1;
    const work = this.#options.onEntry(entry);
    if (work !== undefined) {
      this.#handling = true;
      try {
        await work;
      } finally {
        this.#handling = false;
      }
    }
    this.#advance(entry);
  }

  #advance({ epoch, sequence }: LogPosition): void {
    this.applied = { epoch, sequence };
    this.#progressAt = this.#options.clock.monotonic();
    this.freshness.noteApplied(this.applied);
  }

  #hearBeat(payload: unknown): void {
    const parsed = beatSchema.safeParse(payload);
    const head = parsed.success ? parseEventId(parsed.data.head) : undefined;
    if (!parsed.success || head === undefined) return;
    this.freshness.noteBeat(parsed.data);
    if (head.epoch !== this.applied.epoch) {
      this.#consumer?.fail(new Error('the log has a new epoch'));
    } else if (
      head.sequence > this.applied.sequence &&
      !this.#handling &&
      this.#options.clock.monotonic() - this.#progressAt > STALL_LIMIT_MS
    ) {
      this.#consumer?.fail(new BusUnavailableError('behind the beat without progress'));
    }
  }

  #report(status: LogReaderStatus): void {
    if (status === this.status) return;
    this.status = status;
    this.#options.onStatus?.(status);
  }
}

/** Resolves after the time, or at once when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const aborted = (): void => resolve();
  signal.addEventListener('abort', aborted, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', aborted);
}
