import {
  EXPLAIN_LIMITS,
  TidewireError,
  formatEventId,
  formatRightsSubject,
  normaliseFilters,
  stateFilter,
  topicFilter,
} from '@tidewire/contract';
import type { LogPosition, ObjectMessage, RightsMessage, Topic } from '@tidewire/contract';
import { ReplayGapError, findLogTail, readLog } from '@tidewire/messaging';
import type { LogEntry, MessageBus } from '@tidewire/messaging';
import { unavailable } from '@tidewire/rights';
import type { ObjectEntry } from '../fanout/subscription.ts';
import type { ReplayRing } from '../log/ring.ts';

export interface PastOptions {
  readonly bus: MessageBus;
  readonly ring: ReplayRing;
  readonly signal: AbortSignal;
}

/** A change of rights at its place. */
export interface RightsEntry extends LogPosition {
  readonly message: RightsMessage;
}

/** Past this many filters the whole log is cheaper to read than to choose from. */
const MOST_FILTERS = 50;
/** Images that one explanation holds: the newest ones are kept. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * The event at a position of the log. `now` is up to where this process has applied it.
 *
 * @throws TidewireError NOT_FOUND, saying why: another log, not written yet, not kept any more, erased, or no object's;
 *   SERVICE_UNAVAILABLE when this process is not there yet.
 */
export async function readEvent(
  { bus, signal }: PastOptions,
  position: LogPosition,
  now: LogPosition,
): Promise<ObjectEntry> {
  const { epoch, sequence } = position;
  const id = formatEventId(position);
  if (epoch !== now.epoch) {
    throw absent(`'${id}' is of another log: the events of this one begin with 'evt-${now.epoch}-'`);
  }
  if (sequence === 0) throw absent(`'${id}' is the position before the first event`);
  try {
    for await (const entry of readLog(bus, { epoch, from: sequence - 1, to: sequence, signal })) {
      // Rights of before an event do not say who may see it.
      if (sequence > now.sequence) throw unavailable('This server has not reached the event yet');
      return requireObject(entry, id);
    }
  } catch (error) {
    if (error instanceof ReplayGapError) throw absent(GAPS[error.reason](id));
    throw error;
  }
  throw absent(`There is no event at '${id}' any more: it was erased`);
}

const GAPS = Object.freeze({
  epoch: (id: string) => `'${id}' is of another log than the one that is there now`,
  expired: (id: string) => `'${id}' is not in the log any more: it is older than what the log keeps`,
  ahead: (id: string) => `'${id}' was not written yet`,
} satisfies Record<ReplayGapError['reason'], (id: string) => string>);

function requireObject({ epoch, sequence, message }: LogEntry, id: string): ObjectEntry {
  if (message?.kind === 'object') return { epoch, sequence, message };
  if (message === undefined) throw absent(`What is at '${id}' cannot be read by this version`);
  throw absent(`'${id}' is a change of rights (${message.state.kind}), not of an object`);
}

function absent(message: string): TidewireError {
  return new TidewireError('NOT_FOUND', message);
}

/** Changes of rights and of the catalogue after an event that can be about a principal, oldest first; a bounded number of them. */
export async function readLaterRights(
  { bus, signal }: PastOptions,
  principal: string,
  range: { readonly after: LogPosition; readonly to: number },
): Promise<{ readonly entries: readonly RightsEntry[]; readonly complete: boolean }> {
  const { after, to } = range;
  const filters = [
    stateFilter('policy'),
    stateFilter('organisation'),
    stateFilter('register'),
    stateFilter('schema'),
    formatRightsSubject('principal', principal),
  ];
  const entries: RightsEntry[] = [];
  if (to <= after.sequence) return { entries, complete: true };
  let read = 0;
  for await (const entry of readLog(bus, { epoch: after.epoch, from: after.sequence, to, filters, signal })) {
    const { epoch, sequence, message } = entry;
    if ((read += 1) > EXPLAIN_LIMITS.maxEvents) return { entries, complete: false };
    if (message?.kind === 'rights') entries.push({ epoch, sequence, message });
  }
  return { entries, complete: true };
}

/** The newest events of topics up to a position, oldest first. */
export async function readNewest(
  { bus, signal }: PastOptions,
  topics: readonly Topic[],
  range: { readonly to: LogPosition; readonly limit: number },
): Promise<readonly ObjectEntry[]> {
  const { to, limit } = range;
  const chosen = normaliseFilters(topics.map(topicFilter));
  const filters = chosen.length > MOST_FILTERS ? [] : chosen;
  const options = { epoch: to.epoch, to: to.sequence, filters, signal };
  const from = await findLogTail(bus, { ...options, atMost: limit });
  return await collect(readLog(bus, { ...options, from }));
}

/**
 * The events of the last positions of the log, whatever they are of: how many of them are anybody's business says nothing
 * about those that are not.
 */
export async function readPositions(
  { bus, ring, signal }: PastOptions,
  range: { readonly oldest: LogPosition; readonly to: LogPosition; readonly limit: number },
): Promise<readonly ObjectEntry[]> {
  const { oldest, to, limit } = range;
  const from = Math.max(oldest.sequence, to.sequence - limit, 0);
  if (from >= to.sequence) return [];
  if (ring.covers(from)) return await collect(ring.read(from, to.sequence));
  return await collect(readLog(bus, { epoch: to.epoch, from, to: to.sequence, signal }));
}

async function collect(log: AsyncIterable<LogEntry> | Iterable<LogEntry>): Promise<readonly ObjectEntry[]> {
  const entries: LogEntry[] = [];
  let bytes = 0;
  for await (const entry of log) {
    if (entry.message?.kind !== 'object') continue;
    entries.push(entry);
    bytes += entry.bytes;
    while (bytes > MOST_BYTES && entries.length > 1) bytes -= entries.shift()?.bytes ?? 0;
  }
  return entries.map(({ epoch, sequence, message }) => ({
    epoch,
    sequence,
    message: message as ObjectMessage,
  }));
}
