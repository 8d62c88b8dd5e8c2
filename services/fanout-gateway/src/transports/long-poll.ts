import { formatEventId } from '@tidewire/contract';
import type { LogPosition, Transport } from '@tidewire/contract';
import type { Admission } from '@tidewire/rights';
import type { Timer } from '@tidewire/service-kit';
import { toTidewireError } from '@tidewire/service-kit';
import { ANONYMOUS_PRINCIPAL } from '../limits/connection-slots.ts';
import type { Slot } from '../limits/connection-slots.ts';
import { NOTHING_LIVE } from '../replay/cursor.ts';
import { readPage } from '../replay/page.ts';
import type { PageLimits } from '../replay/page.ts';
import type { PollPeer } from './poll-peer.ts';
import { PollSink } from './poll-sink.ts';
import type { PollAnswer } from './poll-sink.ts';
import type { OpenedStream, Wanted } from './stream-opener.ts';
import { placeAtStart } from './stream-start.ts';
import type { TransportOptions } from './transport-options.ts';

export interface LongPollOptions extends TransportOptions {
  /** Bytes of one answer's events. */
  readonly maxBytes: number;
  readonly onAnswer: (answer: Pick<PollAnswer, 'outcome' | 'events'>) => void;
}

/** A poll, read and authenticated. */
export interface PollOrder {
  readonly wanted: Wanted;
  readonly cursor: string | undefined;
  readonly admission: Admission;
  readonly address: string;
  readonly timeoutMs: number;
  /** Events of the answer. */
  readonly limit: number;
  readonly peer: PollPeer;
  readonly transport: Extract<Transport, 'poll' | 'nats'>;
  /** Sends the answer before it returns. */
  readonly send: (answer: PollAnswer) => void;
}

/**
 * From then on a poll is one that waits, and counts over all gateways. Sooner it would cost three requests to a store for
 * each answer, many times the answer itself.
 */
const SHARE_AFTER_MS = 2000;
/** A replay that takes so much longer than the poll wanted to wait is given up. */
const REPLAY_PATIENCE_MS = 30_000;
/** An answer that its client has not taken by then is for nobody any more. */
const STALL_MS = 30_000;

/**
 * Long polls: streams that end with the first thing they have to say. Subscription, rights, replay and order are those
 * of every stream; only that the answer is one JSON document, and that its cursor goes on with the next request.
 */
export class LongPoll {
  readonly #options: LongPollOptions;
  #waiting = 0;

  constructor(options: LongPollOptions) {
    this.#options = options;
  }

  /** Polls that have not been answered. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Resolves when the poll was answered or its client has gone. Owns the admission.
   *
   * @throws TidewireError TOO_MANY_CONNECTIONS, what {@link StreamOpener.open} throws, and what ended the wait: nothing
   * was sent then.
   */
  async poll(order: PollOrder): Promise<void> {
    const { opener, slots } = this.#options;
    const { admission, peer, wanted, limit, send } = order;
    const slot = slots.takeHere(admission.reader.principalId ?? ANONYMOUS_PRINCIPAL);
    const limits = { maxEvents: limit, maxBytes: this.#options.maxBytes };
    const member = typeof wanted.from === 'string' ? 'messages' : 'events';
    const sink = peer.gone ? undefined : new PollSink(peer, { member, limits, send });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting += 1;
    try {
      // Polls are joined a little longer than streams: an answer and the next request cost much more than a frame.
      await opener.open({ ...order, side: { ...SIDE, transport: order.transport, sink } }, slot, (opened) => {
        if (sink === undefined) return;
        const poll = new WaitingPoll(this.#options, { order, opened, sink, slot, limits });
        poll.begin(resolve, reject);
      });
      if (sink === undefined) return;
      await promise;
    } finally {
      this.#waiting -= 1;
    }
  }
}

interface WaitingPollParts {
  readonly order: PollOrder;
  readonly opened: OpenedStream;
  readonly sink: PollSink;
  readonly slot: Slot;
  readonly limits: PageLimits;
}

const SIDE = Object.freeze({ wire: 'poll', tick: 1, subscription: '' } as const);

/** One poll from its subscription to the last byte of its answer. */
class WaitingPoll {
  readonly #options: LongPollOptions;
  readonly #parts: WaitingPollParts;
  readonly #timers: Timer[] = [];
  /** The time was up while its past was still being read. */
  #overdue = false;

  constructor(options: LongPollOptions, parts: WaitingPollParts) {
    this.#options = options;
    this.#parts = parts;
  }

  begin(resolve: () => void, reject: (error: Error) => void): void {
    const { keeper, onAnswer } = this.#options;
    const { order, opened, sink } = this.#parts;
    const { stream, start, position } = opened;
    const close = (): void => {
      this.#cancelTimers();
      keeper.drop(stream);
      resolve();
    };
    if (order.peer.gone) {
      close();
      return;
    }
    order.peer.onGone(close);
    const cursor = start.kind === 'after' ? { ...position, sequence: start.sequence } : position;
    sink.begin(
      {
        answered: (answer) => {
          onAnswer(answer);
          this.#cancelTimers();
          if (sink.queuedBytes() > 0) this.#after(STALL_MS, () => sink.reset());
          // Frames may be on their way to others at this moment: members are not to change before they have left.
          queueMicrotask(() => keeper.retire(stream));
          resolve();
        },
        failed: (error) => {
          this.#cancelTimers();
          keeper.drop(stream);
          reject(error);
        },
      },
      start.kind === 'resync' ? undefined : formatEventId(cursor),
    );
    this.#wait(order.timeoutMs);
    const from = placeAtStart(this.#options.fanOut, opened);
    if (from !== undefined) void this.#replay(from);
  }

  /** Waits for a place among the replays, then answers with what was missed, or waits on. Its errors end here. */
  async #replay(from: LogPosition): Promise<void> {
    const { gate, fanOut, keeper, clock, logger, onReplay } = this.#options;
    const { opened, sink, limits } = this.#parts;
    const { stream, connection, position: subscribedAt } = opened;
    if (stream.work === undefined) return;
    const { signal } = stream.work;
    const place = await gate.enter(stream.reader.principalId ?? stream.id, signal);
    try {
      // Rights may have changed while it waited: then it is being answered already.
      if (signal.aborted || connection.after !== NOTHING_LIVE) return;
      if (place === undefined) {
        keeper.end(stream, 'SERVICE_UNAVAILABLE');
        return;
      }
      fanOut.hold(connection);
      const startedAt = clock.monotonic();
      const outcome = await readPage(this.#options.replay, {
        stream: { ...stream, connection },
        from,
        subscribedAt,
        signal,
        limits,
        tell: (page) => sink.page(page),
      });
      onReplay(outcome, clock.monotonic() - startedAt);
    } catch (error) {
      if (toTidewireError(error).status !== 503) {
        logger.warn('replay failed', { connectionId: stream.id, error });
      }
      keeper.end(stream, 'SERVICE_UNAVAILABLE');
    } finally {
      place?.release();
      stream.work = undefined;
    }
    if (this.#overdue) this.#finish();
  }

  #timeIsUp(): void {
    const { keeper } = this.#options;
    const { stream } = this.#parts.opened;
    if (stream.work === undefined) {
      this.#finish();
      return;
    }
    // Whoever does not want to wait still gets what is there.
    this.#overdue = true;
    this.#after(REPLAY_PATIENCE_MS, () => keeper.end(stream, 'SERVICE_UNAVAILABLE'));
  }

  /** Answers with what is on its way to it, otherwise with the position that it has. */
  #finish(): void {
    const { sink, opened } = this.#parts;
    if (sink.settled || opened.stream.ended) return;
    this.#options.fanOut.beat(opened.connection);
    sink.finish();
  }

  /** One timer at a time: most polls of a busy topic are answered before the first one is due. */
  #wait(timeoutMs: number): void {
    if (timeoutMs <= SHARE_AFTER_MS) {
      this.#after(timeoutMs, () => this.#timeIsUp());
      return;
    }
    this.#after(SHARE_AFTER_MS, () => {
      this.#after(timeoutMs - SHARE_AFTER_MS, () => this.#timeIsUp());
      void this.#share();
    });
  }

  async #share(): Promise<void> {
    const { slot, sink } = this.#parts;
    try {
      await slot.share();
    } catch (error) {
      sink.refuse(toTidewireError(error));
    }
  }

  #after(delayMs: number, run: () => void): void {
    this.#timers.push(this.#options.clock.setTimeout(run, delayMs));
  }

  #cancelTimers(): void {
    for (const timer of this.#timers.splice(0)) timer.cancel();
  }
}
