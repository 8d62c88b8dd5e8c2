import type { ErrorCode, LogPosition, ResyncReason } from '@tidewire/contract';
import { formatEventId } from '@tidewire/contract';
import type { Admission, Reader } from '@tidewire/rights';
import type { Clock, Timer } from '@tidewire/service-kit';
import type { Connection } from '../delivery/connection.ts';
import type { FanOutPort } from '../fanout/subscription.ts';
import type { RightsEffects } from '../rights/rights-feed.ts';
import type { StreamRequest } from '../rights/stream-request.ts';
import { retryDelay } from './sse.ts';
import { ENDS_AT_ONCE, Streams } from './stream.ts';
import type { Stream } from './stream.ts';

export interface StreamKeeperOptions {
  readonly fanOut: FanOutPort;
  readonly clock: Clock;
  readonly random: () => number;
  /** Counts the end of a stream, for metrics. */
  readonly onEnd: (code: ErrorCode) => void;
  /** Told of whom a connection is that lives by another credential from here on. */
  readonly onRenewal: (reader: Reader) => void;
  readonly oldest: () => LogPosition;
  /** Whether rights are those of now, so that events are delivered. */
  readonly fresh: () => boolean;
  /** Streams of a process that is not fresh for so long are ended: what it holds back may be told sooner elsewhere. */
  readonly staleLimitMs: number;
  /** How long before the end of its credential a stream is told of it, milliseconds. */
  readonly warningMs: number;
}

/** How often ages and expiries are looked at: one timer for all streams. */
const SWEEP_MS = 1000;
/** Sweeps in which the streams of a process that is stale for too long are ended, so that they do not come back together. */
const STALE_SWEEPS = 8;
/** Bytes of a credential that ended may not wait longer than this for their reader. */
const REVOKED_LINGER_MS = 250;

const REASONS = {
  CREDENTIAL_ENDED: 'The credential expired or was revoked',
  GONE: 'What was subscribed to was deleted',
  CONNECTION_ENDED: 'An operator ended the connection',
  RIGHTS_STALE: 'This server cannot confirm the rights of now; come back with your cursor',
  CONNECTION_AGED: 'The connection reached its maximum age',
  DRAINING: 'This server is restarting',
  SERVICE_UNAVAILABLE: 'The event log began anew',
  TOO_MANY_SUBSCRIPTIONS: 'This server runs as many filters without an equality (eq, in) as it may',
  CONNECTION_IDLE: 'Nothing was subscribed to for too long',
  RATE_LIMITED: 'Too many messages at once',
} as const satisfies Partial<Record<ErrorCode, string>>;

export type EndCode = keyof typeof REASONS;

/** What ends a subscription and not the connection that it is on, where that can have several. */
const ENDS_OF_SUBSCRIPTIONS: ReadonlySet<EndCode> = new Set(['GONE', 'TOO_MANY_SUBSCRIPTIONS']);

/** Keeps the open streams: does to them what changes of rights demand, ages them, and ends them with a reason. */
export class StreamKeeper implements RightsEffects {
  readonly streams = new Streams();
  readonly #options: StreamKeeperOptions;
  readonly #sweep: Timer;
  /** Monotonic milliseconds at which a sweep first found the rights to be older than they may be. */
  #staleSince: number | undefined;
  /** Streams that are ended in one sweep while this process is stale for too long. */
  #staleLot = 0;
  /** What the streams were told last. */
  #held = false;

  constructor(options: StreamKeeperOptions) {
    this.#options = options;
    this.#sweep = options.clock.setInterval(() => {
      this.#tellHeld();
      this.#endAged();
      this.#endStale();
    }, SWEEP_MS);
  }

  changed(stream: Stream): void {
    const { subscription } = stream;
    if (subscription === undefined) return;
    // What waits in this process was judged under rights that do not hold any more; its client comes back for it.
    if (stream.sink.queuedBytes() > 0) {
      this.drop(stream);
      stream.sink.reset();
      return;
    }
    (subscription.request as StreamRequest).refreshFilter();
    this.#options.fanOut.renew(subscription);
  }

  /** The schemas that the stream reaches are others now, so its filter may mean something else. */
  reread(stream: Stream): void {
    const { subscription } = stream;
    if (subscription === undefined) return;
    if ((subscription.request as StreamRequest).refreshFilter()) this.#options.fanOut.renew(subscription);
  }

  credentialEnded(stream: Stream): void {
    this.end(stream, 'CREDENTIAL_ENDED');
  }

  credentialExpires(stream: Stream, expiresAt: number | null): void {
    if (stream.expiresAt !== expiresAt) stream.warned = false;
    stream.expiresAt = expiresAt;
  }

  /**
   * The connection lives by another credential of its principal from here on. `isAlike`: whether a stream of it may see by
   * that one exactly what it might see before; asked before anything changes.
   */
  renew(stream: Stream, admission: Admission, isAlike: (stream: Stream) => boolean): void {
    const parts = [stream, ...(stream.lanes ?? [])];
    const changed = parts.filter((part) => !isAlike(part));
    const before = stream.admission;
    for (const part of parts) this.streams.rebind(part, admission.reader);
    stream.admission = admission;
    this.credentialExpires(stream, admission.expiresAt);
    before.release();
    this.#options.onRenewal(stream.reader);
    for (const part of changed) if (!part.ended) this.changed(part);
  }

  gone(stream: Stream): void {
    this.end(stream, 'GONE');
  }

  /**
   * Says why and closes. What the stream is owed leaves before that, unless it ends at once: then
   * nothing that was judged before does.
   */
  end(stream: Stream, code: EndCode): void {
    if (stream.ended) return;
    if (stream.host !== undefined && !ENDS_OF_SUBSCRIPTIONS.has(code)) {
      this.end(stream.host, code);
      return;
    }
    const atOnce = ENDS_AT_ONCE.has(code);
    for (const { connection } of [stream, ...(stream.lanes ?? [])]) {
      if (!atOnce && connection !== undefined) this.#options.fanOut.settle(connection);
    }
    this.drop(stream);
    this.#options.onEnd(code);
    stream.sink.end(code, REASONS[code], atOnce ? REVOKED_LINGER_MS : undefined);
  }

  /** What the stream asked for has no room here any more. */
  endWithoutRoom(connection: Connection): void {
    for (const stream of this.streams.all()) {
      if (stream.connection === connection) this.end(stream, 'TOO_MANY_SUBSCRIPTIONS');
    }
  }

  /** Forgets the stream: no event, no right and no timer concerns it any more. */
  drop(stream: Stream): void {
    if (stream.ended) return;
    for (const lane of stream.lanes ?? []) this.drop(lane);
    stream.ended = true;
    stream.work?.abort();
    this.streams.remove(stream);
    if (stream.connection !== undefined) this.#options.fanOut.removeConnection(stream.connection);
    stream.slot.release();
    stream.admission.release();
  }

  /** Nothing more is to be written to the stream; it stays known until what was written has left this process. */
  retire(stream: Stream): void {
    stream.work?.abort();
    if (stream.connection !== undefined) this.#options.fanOut.removeConnection(stream.connection);
  }

  /** Tells every stream to fetch again and to come back, so that its credential and rights are asked for anew. */
  restart(reason: ResyncReason, current: LogPosition): void {
    const resync = {
      reason,
      oldest: formatEventId(this.#options.oldest()),
      current: formatEventId(current),
    };
    for (const stream of this.streams.connections()) {
      for (const part of stream.lanes ?? [stream]) part.sink.resync(resync);
      this.end(stream, 'SERVICE_UNAVAILABLE');
    }
  }

  /** Tells all streams to reconnect, spread over the time so that other gateways are not run over. */
  async drain(durationMs: number): Promise<void> {
    const streams = [...this.streams.connections()];
    const { clock, random } = this.#options;
    const ends = streams.map((stream) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      clock.setTimeout(() => {
        this.end(stream, 'DRAINING');
        resolve();
      }, random() * durationMs);
      return promise;
    });
    await Promise.all(ends);
  }

  stop(): void {
    this.#sweep.cancel();
    for (const stream of this.streams.connections()) this.end(stream, 'DRAINING');
  }

  retryMs(): number {
    return retryDelay(this.#options.random);
  }

  #tellHeld(): void {
    const held = !this.#options.fresh();
    if (held === this.#held) return;
    this.#held = held;
    for (const stream of this.streams.connections()) stream.sink.held(held);
  }

  #endAged(): void {
    const now = this.#options.clock.now();
    const monotonic = this.#options.clock.monotonic();
    for (const stream of this.streams.connections()) {
      if (stream.expiresAt !== null && stream.expiresAt <= now) this.end(stream, 'CREDENTIAL_ENDED');
      else if (stream.agesAt <= monotonic) this.end(stream, 'CONNECTION_AGED');
      else this.#warn(stream, now);
    }
  }

  #warn(stream: Stream, now: number): void {
    const { expiresAt, warned } = stream;
    if (warned || expiresAt === null || expiresAt - now > this.#options.warningMs) return;
    stream.warned = true;
    stream.sink.expiring(expiresAt);
  }

  /** A process that is stale for so long may not become level again; another one may be, and the cursors are good there. */
  #endStale(): void {
    const { fresh, clock, staleLimitMs } = this.#options;
    if (fresh()) {
      this.#staleSince = undefined;
      this.#staleLot = 0;
      return;
    }
    this.#staleSince ??= clock.monotonic();
    if (clock.monotonic() - this.#staleSince < staleLimitMs) return;
    const streams = [...this.streams.connections()];
    this.#staleLot ||= Math.ceil(streams.length / STALE_SWEEPS);
    for (const stream of streams.slice(0, this.#staleLot)) this.end(stream, 'RIGHTS_STALE');
  }
}
