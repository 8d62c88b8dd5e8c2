import type { LogPosition } from '@tidewire/contract';
import type { FanOutPort } from '../fanout/subscription.ts';
import { NOTHING_LIVE } from '../replay/cursor.ts';
import type { OpenedStream } from './stream-opener.ts';

/**
 * Puts an opened stream where its cursor says: live, told to fetch again, or behind. Behind, nothing live reaches it before
 * the replay that the caller has to begin from the place that is returned; `stream.work` ends that.
 */
export function placeAtStart(fanOut: FanOutPort, opened: OpenedStream): LogPosition | undefined {
  const { stream, connection, start, position } = opened;
  switch (start.kind) {
    case 'live':
    case 'unknown':
      return undefined;
    case 'resync':
      fanOut.resync(connection, start.reason);
      return undefined;
    case 'after':
      fanOut.hold(connection);
      fanOut.release(connection, start.sequence < position.sequence ? NOTHING_LIVE : start.sequence);
      if (start.sequence >= position.sequence) return undefined;
      stream.work = new AbortController();
      return { epoch: position.epoch, sequence: start.sequence };
  }
}
