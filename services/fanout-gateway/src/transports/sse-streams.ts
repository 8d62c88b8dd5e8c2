import type { ServerResponse } from 'node:http';
import { formatEventId, formatTopic } from '@tidewire/contract';
import type { LogPosition } from '@tidewire/contract';
import { ANONYMOUS_PRINCIPAL } from '../limits/connection-slots.ts';
import { NOTHING_LIVE } from '../replay/cursor.ts';
import { replay } from '../replay/replay.ts';
import type { Admission } from '../rights/admission.ts';
import { SseSink } from './sse.ts';
import type { OpenedStream, Wanted } from './stream-opener.ts';
import { placeAtStart } from './stream-start.ts';
import type { TransportOptions } from './transport-options.ts';

/** A subscribe request, read and authenticated. */
export interface SseOrder {
  readonly wanted: Wanted;
  readonly cursor: string | undefined;
  readonly admission: Admission;
  readonly address: string;
  readonly correlationId: string;
  readonly response: ServerResponse;
}

/** Streams over Server-Sent Events: what cannot be refused any more is said in the stream. */
export class SseStreams {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /**
   * Opens the stream and starts whatever brings it up to date. Owns the admission.
   *
   * @throws TidewireError before anything was sent: TOO_MANY_CONNECTIONS, and what {@link StreamOpener.open} throws.
   */
  async open(order: SseOrder): Promise<void> {
    const { slots, opener } = this.#options;
    const { admission, response } = order;
    const slot = await slots.take(admission.reader.principalId ?? ANONYMOUS_PRINCIPAL);
    const sink = SseSink.create(response);
    await opener.open({ ...order, side: { wire: 'sse', tick: 0, sink } }, slot, (opened) => {
      if (sink !== undefined) this.#begin(opened, sink, order);
    });
  }

  #begin(opened: OpenedStream, sink: SseSink, { response, correlationId }: SseOrder): void {
    const { fanOut, keeper } = this.#options;
    const { stream, start, position } = opened;
    sink.begin(
      response,
      {
        connectionId: stream.id,
        correlationId,
        topics: stream.topics.map(formatTopic),
        position: start.kind === 'live' ? formatEventId(position) : undefined,
        retryMs: keeper.retryMs(),
      },
      () => keeper.drop(stream),
    );
    const from = placeAtStart(fanOut, opened);
    if (from !== undefined) void this.#replay(opened, sink, from);
  }

  /** Waits for a place among the replays, then brings the stream up to date. Its errors end here. */
  async #replay(opened: OpenedStream, sink: SseSink, from: LogPosition): Promise<void> {
    const { gate, fanOut, keeper, clock, logger, onReplay } = this.#options;
    const { stream, connection } = opened;
    if (stream.work === undefined) return;
    const { signal } = stream.work;
    const place = await gate.enter(stream.reader.principalId ?? stream.id, signal);
    try {
      if (signal.aborted) return;
      // Rights changed while it waited: the client has been told to fetch again and live events follow already.
      if (connection.after !== NOTHING_LIVE) return;
      fanOut.hold(connection);
      if (place === undefined) {
        fanOut.resync(connection, 'behind');
        fanOut.release(connection, from.sequence);
        return;
      }
      const startedAt = clock.monotonic();
      const target = { stream: { ...stream, connection }, sink, from, subscribedAt: opened.position, signal };
      onReplay(await replay(this.#options.replay, target), clock.monotonic() - startedAt);
    } catch (error) {
      // The client keeps its cursor and comes back with it.
      logger.warn('replay failed', { connectionId: stream.id, error });
      keeper.end(stream, 'SERVICE_UNAVAILABLE');
    } finally {
      place?.release();
      stream.work = undefined;
    }
  }
}
