import type { LogPosition } from '@tidewire/contract';
import { NOTHING_LIVE } from '../replay/cursor.ts';
import { replay } from '../replay/replay.ts';
import type { StreamReplay } from '../replay/replay.ts';
import type { OpenedStream } from './stream-opener.ts';
import { placeAtStart } from './stream-start.ts';
import type { TransportOptions } from './transport-options.ts';

export type CatchUpOptions = Pick<
  TransportOptions,
  'gate' | 'fanOut' | 'keeper' | 'clock' | 'logger' | 'onReplay' | 'replay'
>;

/** Puts an opened stream where its cursor says, and starts whatever brings it up to date from there. */
export function startStream(options: CatchUpOptions, opened: OpenedStream, sink: StreamReplay['sink']): void {
  const from = placeAtStart(options.fanOut, opened);
  if (from !== undefined) void catchUp(options, opened, sink, from);
}

/** The same, for who shows what it is told: a heartbeat says when that was all. */
export function startShownStream(
  options: CatchUpOptions,
  opened: OpenedStream,
  sink: StreamReplay['sink'],
): void {
  const { fanOut } = options;
  const from = placeAtStart(fanOut, opened);
  if (from !== undefined) {
    void catchUp(options, opened, sink, from).then((signal) => {
      if (signal?.aborted === false) fanOut.beat(opened.connection);
    });
  } else if (opened.start.kind === 'after') fanOut.beat(opened.connection);
}

/**
 * Waits for a place among the replays, then brings the stream up to date. Its errors end here. The answer tells whether it was
 * given up meanwhile; undefined: it did not come to the end.
 */
async function catchUp(
  options: CatchUpOptions,
  opened: OpenedStream,
  sink: StreamReplay['sink'],
  from: LogPosition,
): Promise<AbortSignal | undefined> {
  const { gate, fanOut, keeper, clock, logger, onReplay } = options;
  const { stream, connection } = opened;
  if (stream.work === undefined) return undefined;
  const { signal } = stream.work;
  const place = await gate.enter(stream.reader.principalId ?? stream.id, signal);
  try {
    if (signal.aborted) return undefined;
    // Rights changed while it waited: the client has been told to fetch again and live events follow already.
    if (connection.after !== NOTHING_LIVE) return undefined;
    fanOut.hold(connection);
    if (place === undefined) {
      fanOut.resync(connection, 'behind');
      fanOut.release(connection, from.sequence);
      return undefined;
    }
    const startedAt = clock.monotonic();
    const target = { stream: { ...stream, connection }, sink, from, subscribedAt: opened.position, signal };
    onReplay(await replay(options.replay, target), clock.monotonic() - startedAt);
    return signal;
  } catch (error) {
    // The client keeps its cursor and comes back with it.
    logger.warn('replay failed', { connectionId: stream.id, error });
    keeper.end(stream, 'SERVICE_UNAVAILABLE');
    return undefined;
  } finally {
    place?.release();
    stream.work = undefined;
  }
}
