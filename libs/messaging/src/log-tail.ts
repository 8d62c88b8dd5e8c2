import { countMatching } from './log-consumer.ts';
import { readLogInfo } from './log-info.ts';
import { ReplayGapError } from './log-replay.ts';
import type { MessageBus } from './message-bus.ts';

export interface LogTailOptions {
  /** The epoch that `to` is of. */
  readonly epoch: string;
  /** The newest sequence that counts. */
  readonly to: number;
  /** Subjects (`topicFilter`), normalised; none means the whole log. */
  readonly filters: readonly string[];
  /** How many entries there may be. */
  readonly atMost: number;
  readonly signal?: AbortSignal;
}

/**
 * Where the newest entries of some subjects begin: after the returned sequence there are at most `atMost` of them, and
 * exactly that many if the log holds so many and nothing is appended meanwhile. Made for `readLog`. Asks the server to
 * count some twenty times, because it cannot be asked for the last so many of a subject.
 *
 * @throws ReplayGapError (`epoch`), BusUnavailableError, and the signal's reason.
 */
export async function findLogTail(bus: MessageBus, options: LogTailOptions): Promise<number> {
  const { epoch, to, filters, atMost, signal } = options;
  const info = await readLogInfo(bus);
  if (info.epoch !== epoch) throw new ReplayGapError('epoch');
  let before = Math.min(info.first - 1, to);
  if ((await countMatching(bus, { startSequence: before + 1, filters })) <= atMost) return before;
  // Too many after `before`, few enough after `found`: halve what lies between.
  let found = to;
  while (found - before > 1) {
    signal?.throwIfAborted();
    const middle = before + Math.floor((found - before) / 2);
    const count = await countMatching(bus, { startSequence: middle + 1, filters });
    if (count === atMost) return middle;
    if (count > atMost) before = middle;
    else found = middle;
  }
  return found;
}
