import type { ResyncReason } from '@tidewire/contract';
import { ReplayGapError } from '@tidewire/messaging';
import { joinFrames } from '../delivery/class-set.ts';
import type { SseSink } from '../transports/sse.ts';
import { ReplayReader, ReplayStop } from './replay-reader.ts';
import type { ReplayOptions, ReplayTarget } from './replay-reader.ts';

/** A replay into a stream's socket. */
export interface StreamReplay extends ReplayTarget {
  readonly sink: Pick<SseSink, 'write' | 'queuedBytes' | 'drained'>;
}

/** What a replay came to: events written, or the reason for which the client was told to fetch again. */
export type ReplayOutcome = { readonly events: number } | { readonly resync: ResyncReason };

/** Bytes that may wait in the socket before the replay waits for it: less than any connection's budget. */
const HIGH_WATER_BYTES = 256 * 1024;
/** Frames are written so many bytes at a time: a write costs some 10 us, however small it is. */
const JOIN_BYTES = 64 * 1024;

/**
 * Brings a held stream from its client's cursor to now, and releases it: then live events follow without gap and
 * without repeat. Everything is judged as of now, through the fan-out's own path. Whenever the socket makes it wait,
 * what is still to be written is judged again together with what happened meanwhile.
 */
export async function replay(options: ReplayOptions, target: StreamReplay): Promise<ReplayOutcome> {
  const { stream, sink, from, signal } = target;
  const { fanOut } = options;
  const run = new ReplayRun(options, target);
  try {
    await run.readStored();
    while (!signal.aborted && !run.writeSome()) {
      await sink.drained();
      // The replay writes past the budget's own bookkeeping: what left has to be told to it.
      stream.connection.progressAt = options.now();
    }
    return { events: run.events };
  } catch (error) {
    if (signal.aborted) return { events: run.events };
    if (!(error instanceof ReplayStop) && !(error instanceof ReplayGapError)) throw error;
    fanOut.resync(stream.connection, error.reason);
    fanOut.release(stream.connection, from.sequence);
    return { resync: error.reason };
  }
}

class ReplayRun {
  events = 0;
  readonly #options: ReplayOptions;
  readonly #target: StreamReplay;
  readonly #reader: ReplayReader;
  #written: number;

  constructor(options: ReplayOptions, target: StreamReplay) {
    this.#options = options;
    this.#target = target;
    this.#reader = new ReplayReader(options, target);
    this.#written = target.from.sequence;
  }

  async readStored(): Promise<void> {
    await this.#reader.readStored();
  }

  /** Judges what is left, with everything up to now, and writes as much as the socket takes; true when that was all. */
  writeSome(): boolean {
    const { fanOut } = this.#options;
    const { sink, stream } = this.#target;
    const cut = this.#reader.catchUp();
    const frames = this.#reader.frames(this.#written);
    let next = 0;
    while (next < frames.length && sink.queuedBytes() < HIGH_WATER_BYTES) {
      const from = next;
      for (let bytes = 0; next < frames.length && bytes < JOIN_BYTES; next += 1) {
        bytes += frames[next]?.bytes.length ?? 0;
      }
      sink.write(joinFrames(frames.slice(from, next)));
    }
    this.events += next;
    this.#written = frames[next - 1]?.sequence ?? this.#written;
    // Live frames that were kept so far are part of what was just judged, or will be.
    fanOut.release(stream.connection, cut.sequence);
    if (next === frames.length) return true;
    this.#reader.written(this.#written, new Set(frames.slice(0, next).map(({ object }) => object)));
    fanOut.hold(stream.connection);
    return false;
  }
}
