import type { LogPosition } from '@tidewire/contract';
import { ReplayGapError } from '@tidewire/messaging';
import { ReplayReader, ReplayStop } from './replay-reader.ts';
import type { ReplayFrame, ReplayOptions, ReplayTarget } from './replay-reader.ts';
import type { ReplayOutcome } from './replay.ts';

/** Bounds of one answer; a single event always fits. */
export interface PageLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

/** A part of the past that can be told in one answer. */
export interface Page {
  readonly frames: readonly Buffer[];
  /** Everything up to here is in the page, or is not for the reader. */
  readonly position: LogPosition;
  /** Whether there is more after it. */
  readonly more: boolean;
}

/** A held connection and how much its client takes at once. */
export interface PageTarget extends ReplayTarget {
  readonly limits: PageLimits;
  /** Takes the page in the very turn in which it was judged. */
  readonly tell: (page: Page) => void;
}

/**
 * Tells a client what it missed since its cursor, as much of it as one answer holds. When that is all of it, the
 * connection is released: live events follow the page. Otherwise the next page begins at this one's position, at
 * whatever gateway.
 *
 * @throws TidewireError SERVICE_UNAVAILABLE while nobody may be told anything
 */
export async function readPage(options: ReplayOptions, target: PageTarget): Promise<ReplayOutcome> {
  const { fanOut } = options;
  const { from, limits, signal, tell } = target;
  const { connection } = target.stream;
  const reader = new ReplayReader(options, target);
  try {
    await reader.readStored();
    if (signal.aborted) return { events: 0 };
    const cut = reader.catchUp();
    const all = reader.frames(from.sequence);
    const frames = all.slice(0, countFitting(all, limits));
    const more = frames.length < all.length;
    if (!more) fanOut.release(connection, cut.sequence);
    const sequence = more ? (frames.at(-1)?.sequence ?? from.sequence) : cut.sequence;
    tell({ frames: frames.map(({ bytes }) => bytes), position: { ...cut, sequence }, more });
    return { events: frames.length };
  } catch (error) {
    if (signal.aborted) return { events: 0 };
    if (!(error instanceof ReplayStop) && !(error instanceof ReplayGapError)) throw error;
    fanOut.resync(connection, error.reason);
    fanOut.release(connection, from.sequence);
    return { resync: error.reason };
  }
}

/** How many frames fit, from the first one on. An event has one frame here: a poll has one subscription. */
function countFitting(frames: readonly ReplayFrame[], { maxEvents, maxBytes }: PageLimits): number {
  let bytes = 0;
  let count = 0;
  for (const frame of frames) {
    bytes += frame.bytes.length;
    if (count > 0 && (count >= maxEvents || bytes > maxBytes)) break;
    count += 1;
  }
  return count;
}
