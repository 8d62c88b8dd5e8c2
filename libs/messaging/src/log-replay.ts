import { LogConsumer } from './log-consumer.ts';
import { decodeLogEntry } from './log-entry.ts';
import type { LogEntry } from './log-entry.ts';
import { findNextSequence } from './log-hole.ts';
import { readLogInfo } from './log-info.ts';
import type { MessageBus } from './message-bus.ts';

export interface ReplayOptions {
  /** The epoch that the caller's positions are of. */
  readonly epoch: string;
  /** Entries after this sequence. */
  readonly from: number;
  /** Up to and including this sequence; must not be beyond the log's end. */
  readonly to: number;
  /** Subjects (`topicFilter`), normalised; none means the whole log. At most 100. */
  readonly filters?: readonly string[];
  readonly signal?: AbortSignal;
}

/** The log does not hold the asked range: why is said as a resync reason. */
export class ReplayGapError extends Error {
  readonly reason: 'epoch' | 'expired' | 'ahead';

  constructor(reason: 'epoch' | 'expired' | 'ahead') {
    super(`the log does not hold the range: ${reason}`);
    this.name = 'ReplayGapError';
    this.reason = reason;
  }
}

/** The server's time for a consumer grows with the square of its filters. */
const MAX_FILTERS = 100;

/**
 * The stored entries of a range, in order; ends by itself. The caller's loop is the back-pressure.
 *
 * @throws ReplayGapError when the log does not hold all of the range, also when its front moves into the range while
 *   it is read (what was yielded is right, but something between may be missing).
 * @throws The signal's reason as soon as the caller asks for an entry after the abort, also when one is at hand.
 * @throws BusUnavailableError when the connection is lost: nothing was skipped, go on from the last entry seen.
 */
export async function* readLog(
  bus: MessageBus,
  options: ReplayOptions,
): AsyncGenerator<LogEntry, void, undefined> {
  const { from, to, filters = [], signal } = options;
  if (filters.length > MAX_FILTERS)
    throw new RangeError(`at most ${MAX_FILTERS} filters, not ${filters.length}`);
  await checkRange(bus, options);
  let seen = from;
  while (seen < to) {
    signal?.throwIfAborted();
    for await (const entry of readPending(bus, options, seen)) {
      seen = entry.sequence;
      yield entry;
    }
    // The consumer may sit on a replica that lags: only the leader knows that nothing is left.
    const next = await findNextOf(bus, seen + 1, filters);
    if (next === undefined || next > to) break;
  }
  await checkRange(bus, options);
}

/** What one consumer has, up to `to`. */
async function* readPending(
  bus: MessageBus,
  options: ReplayOptions,
  after: number,
): AsyncGenerator<LogEntry, void, undefined> {
  const { epoch, to, filters = [], signal } = options;
  const consumer = await LogConsumer.open(bus, { startSequence: after + 1, filters });
  const abort = (): void => consumer.fail(signal?.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    if (consumer.pendingAtStart === 0) return;
    for await (const { raw, sequence, pending } of consumer) {
      signal?.throwIfAborted();
      if (sequence > to) return;
      const entry = decodeLogEntry(raw, sequence, epoch);
      if (entry.epoch !== epoch) throw new ReplayGapError('epoch');
      yield entry;
      if (sequence === to || pending === 0) return;
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    consumer.close();
  }
}

async function checkRange(bus: MessageBus, { epoch, from, to }: ReplayOptions): Promise<void> {
  const info = await readLogInfo(bus);
  if (info.epoch !== epoch) throw new ReplayGapError('epoch');
  if (from + 1 < info.first) throw new ReplayGapError('expired');
  if (to > info.last) throw new ReplayGapError('ahead');
}

async function findNextOf(
  bus: MessageBus,
  sequence: number,
  filters: readonly string[],
): Promise<number | undefined> {
  const subjects = filters.length === 0 ? ['>'] : filters;
  const found = await Promise.all(subjects.map((subject) => findNextSequence(bus, sequence, subject)));
  return found.reduce(
    (lowest, next) => (next === undefined || (lowest !== undefined && lowest < next) ? lowest : next),
    undefined,
  );
}
