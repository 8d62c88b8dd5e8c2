import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { TidewireError, formatEventId, formatTopic } from '@tidewire/contract';
import type { LogPosition } from '@tidewire/contract';
import type { Clock, Logger } from '@tidewire/service-kit';
import { ANONYMOUS_PRINCIPAL } from '../limits/connection-slots.ts';
import type { ConnectionSlots, Slot } from '../limits/connection-slots.ts';
import type { ReplayGate } from '../limits/replay-gate.ts';
import type { LogFeed } from '../log/log-feed.ts';
import type { FanOutPort } from '../fanout/subscription.ts';
import { decideStart, isBeyond } from '../replay/cursor.ts';
import type { Start } from '../replay/cursor.ts';
import { replay } from '../replay/replay.ts';
import type { ReplayOptions, ReplayOutcome } from '../replay/replay.ts';
import { identify } from '../rights/access.ts';
import type { Admission } from '../rights/admission.ts';
import { resolveTopics } from '../rights/resolve-topics.ts';
import type { RightsFeed } from '../rights/rights-feed.ts';
import { StreamRequest } from '../rights/stream-request.ts';
import type { SubscriptionQuery } from '../routes/subscription-query.ts';
import { SseSink } from './sse.ts';
import type { Stream } from './stream.ts';
import type { StreamKeeper } from './stream-keeper.ts';

export interface StreamOpenerOptions {
  readonly feed: LogFeed;
  readonly rights: RightsFeed;
  readonly fanOut: FanOutPort;
  readonly keeper: StreamKeeper;
  readonly slots: ConnectionSlots;
  readonly gate: ReplayGate;
  readonly replay: ReplayOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly maxAgeMs: number;
  readonly onReplay: (outcome: ReplayOutcome, durationMs: number) => void;
}

/** A subscribe request, read and authenticated. */
export interface StreamOrder {
  readonly query: SubscriptionQuery;
  readonly cursor: string | undefined;
  readonly admission: Admission;
  readonly correlationId: string;
  readonly response: ServerResponse;
}

/** Part of a stream's life that is taken off at random, so that those opened together do not age together. */
const AGE_JITTER = 0.2;

/** Not before this sequence: what a stream waits for while its replay has not had its turn. */
const NOTHING_LIVE = Number.MAX_SAFE_INTEGER;

/** Opens streams: everything that can be refused is refused before the first byte, the rest is said in the stream. */
export class StreamOpener {
  readonly #options: StreamOpenerOptions;
  #draining = false;

  constructor(options: StreamOpenerOptions) {
    this.#options = options;
  }

  /** From here on nobody is let in any more. */
  drain(): void {
    this.#draining = true;
  }

  /** @throws TidewireError DRAINING, SERVICE_UNAVAILABLE: come again, here or elsewhere. */
  requireReady(): void {
    if (this.#draining)
      throw new TidewireError('DRAINING', 'This server is restarting', { retryAfterSeconds: 1 });
    if (!this.#options.feed.fresh) throw unavailable('This server is not level with the event log');
    if (this.#options.slots.full) throw unavailable('This server has as many streams as it takes');
  }

  /**
   * Opens the stream and starts whatever brings it up to date.
   *
   * @throws TidewireError before anything was sent: TOO_MANY_CONNECTIONS, NOT_FOUND, UNKNOWN_FIELD, MALFORMED_FILTER,
   * TOO_MANY_SUBSCRIPTIONS, UNAUTHORIZED, and what {@link requireReady} throws.
   */
  async open(order: StreamOrder): Promise<void> {
    const { slots, feed, keeper } = this.#options;
    const slot = await slots.take(order.admission.reader.principalId ?? ANONYMOUS_PRINCIPAL);
    try {
      if (feed.window === undefined || isBeyond(order.cursor, feed.position)) await feed.refreshWindow();
      // From here to the subscription nothing is awaited: rights and position are those of one moment.
      this.requireReady();
      const start = this.#decideStart(order.cursor);
      const stream = this.#createStream(order, slot);
      if (stream === undefined) return;
      try {
        this.#attach(stream, order);
        this.#begin(stream, order, start);
      } catch (error) {
        keeper.drop(stream);
        throw error;
      }
    } catch (error) {
      slot.release();
      order.admission.release();
      throw error;
    }
  }

  #decideStart(cursor: string | undefined): Start {
    const { feed } = this.#options;
    if (feed.window === undefined) throw unavailable('The event log cannot be reached');
    const start = decideStart(cursor, { applied: feed.position, leader: feed.window });
    if (start.kind === 'unknown') throw unavailable('This server has not reached the cursor yet');
    return start;
  }

  #createStream({ admission, query, response }: StreamOrder, slot: Slot): Stream | undefined {
    const { rights, clock, random, maxAgeMs } = this.#options;
    const { reader, expiresAt } = admission;
    if (reader.credentialId !== null && rights.view.credential(reader.credentialId) === undefined) {
      throw unavailable('The rights were loaded anew meanwhile');
    }
    const expired = expiresAt !== null && expiresAt <= clock.now();
    if (expired || identify(rights.view, reader) === undefined) {
      throw new TidewireError('UNAUTHORIZED', 'The credential is not valid');
    }
    const interests = resolveTopics(rights.view, reader, query.topics);
    const sink = SseSink.create(response);
    const release = (): void => {
      slot.release();
      admission.release();
    };
    if (sink === undefined) {
      release();
      return undefined;
    }
    return {
      id: randomUUID(),
      reader,
      topics: query.topics,
      interests,
      wish: { filter: query.filter, fields: query.fields },
      sink,
      agesAt: clock.monotonic() + maxAgeMs * (1 - AGE_JITTER * random()),
      expiresAt,
      connection: undefined,
      subscription: undefined,
      work: undefined,
      ended: false,
      release,
    };
  }

  #attach(stream: Stream, { query }: StreamOrder): void {
    const { fanOut, rights, keeper } = this.#options;
    const request = new StreamRequest({
      view: () => rights.view,
      reader: stream.reader,
      interests: stream.interests,
      wish: stream.wish,
      events: query.actions,
    });
    stream.connection = fanOut.addConnection({
      id: stream.id,
      principalId: stream.reader.principalId ?? ANONYMOUS_PRINCIPAL,
      sink: stream.sink,
      wire: 'sse',
      tick: 0,
    });
    stream.subscription = fanOut.subscribe(stream.connection, request);
    keeper.streams.add(stream);
  }

  #begin(stream: Stream, { response, correlationId }: StreamOrder, start: Start): void {
    const { fanOut, keeper } = this.#options;
    const { connection } = stream;
    if (connection === undefined) return;
    const position = fanOut.evaluatedPosition();
    stream.sink.begin(
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
    switch (start.kind) {
      case 'live':
      case 'unknown':
        return;
      case 'resync':
        fanOut.resync(connection, start.reason);
        return;
      case 'after':
        fanOut.hold(connection);
        fanOut.release(connection, start.sequence < position.sequence ? NOTHING_LIVE : start.sequence);
        if (start.sequence >= position.sequence) return;
        stream.work = new AbortController();
        void this.#replay(stream, { epoch: position.epoch, sequence: start.sequence }, position);
    }
  }

  /** Waits for a place among the replays, then brings the stream up to date. Its errors end here. */
  async #replay(stream: Stream, from: LogPosition, subscribedAt: LogPosition): Promise<void> {
    const { gate, fanOut, keeper, clock, logger, onReplay } = this.#options;
    const { connection, work } = stream;
    if (connection === undefined || work === undefined) return;
    const { signal } = work;
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
      const target = { stream: { ...stream, connection }, from, subscribedAt, signal };
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

function unavailable(message: string): TidewireError {
  return new TidewireError('SERVICE_UNAVAILABLE', message, { retryAfterSeconds: 1 });
}
