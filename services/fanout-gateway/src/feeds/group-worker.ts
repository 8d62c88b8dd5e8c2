import { FEED_CONTENT_TYPES, FEED_LIMITS, formatTimestamp } from '@tidewire/contract';
import type { FeedEnd, FeedRequest } from '@tidewire/contract';
import { formatRefusal } from '@tidewire/messaging';
import type { ClientChannel, ClientMessage } from '@tidewire/messaging';
import { toTidewireError } from '@tidewire/service-kit';
import type { Clock, Timer } from '@tidewire/service-kit';

export interface GroupWorkerOptions {
  readonly channel: Pick<ClientChannel, 'send'>;
  readonly clock: Clock;
  readonly inbox: string;
  readonly request: FeedRequest;
  /** The place that all workers together have reached; null: none is known. */
  readonly cursor: () => string | null;
  /** The reply subject of a sign of life. */
  readonly replyTo: () => string;
  /** Told once when it takes nothing any more. What it was given may still be answered. */
  readonly onGone: (worker: GroupWorker) => void;
}

/** One request of a worker: it takes events until its time or its number is over, so many at once. */
export class GroupWorker {
  readonly ackWaitMs: number;
  readonly #options: GroupWorkerOptions;
  readonly #timers: Timer[];
  readonly #window: number;
  #left: number;
  #given = 0;
  #gone = false;
  #late = false;
  /** Monotonic milliseconds since when it has not answered a sign of life. */
  #silentSince: number | undefined;

  constructor(options: GroupWorkerOptions) {
    const { clock, request } = options;
    const { expires = 0, heartbeat = FEED_LIMITS.defaultHeartbeatMs } = request;
    this.#options = options;
    this.#window = request.window ?? 1;
    this.#left = request.max ?? FEED_LIMITS.maxEvents;
    this.ackWaitMs = request.ackWait ?? FEED_LIMITS.defaultAckWaitMs;
    this.#timers = [
      clock.setTimeout(() => this.finish('The time that was asked for is over'), expires),
      clock.setInterval(() => this.#beat(), heartbeat),
    ];
    this.#beat();
  }

  /** How many it has that it has not answered. */
  get given(): number {
    return this.#given;
  }

  get free(): boolean {
    return !this.#gone && this.#given < this.#window;
  }

  /** Whether it has let the time of an event pass, and nothing was heard of it since: perhaps nobody is there. */
  get late(): boolean {
    return this.#late;
  }

  give(message: ClientMessage): void {
    this.#given += 1;
    this.#left -= 1;
    this.#options.channel.send(this.#options.inbox, message);
    if (this.#left === 0) this.finish('As many events as were asked for have been told');
  }

  /** Something that it was given was answered, or its time was up. */
  takeBack(): void {
    this.#given -= 1;
  }

  /** The time of something that it was given is up. */
  miss(): void {
    this.#late = true;
  }

  /** It is there. */
  heard(): void {
    this.#silentSince = undefined;
    this.#late = false;
  }

  finish(reason: string): void {
    this.end({ reason, reconnect: true });
  }

  end(end: Omit<FeedEnd, 'type' | 'lastEventId'>): void {
    const lastEventId = this.#options.cursor();
    this.#tell({ type: 'end', ...end, ...(lastEventId !== null && { lastEventId }) });
    this.leave();
  }

  refuse(error: unknown): void {
    if (!this.#gone) this.#options.channel.send(this.#options.inbox, formatRefusal(toTidewireError(error)));
    this.leave();
  }

  /** Without a word: nobody is there. */
  leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    for (const timer of this.#timers) timer.cancel();
    this.#options.onGone(this);
  }

  #beat(): void {
    const { clock, cursor, replyTo } = this.#options;
    const now = clock.monotonic();
    if (this.#silentSince !== undefined && now - this.#silentSince >= FEED_LIMITS.answerPatienceMs) {
      this.leave();
      return;
    }
    this.#silentSince ??= now;
    const eventId = cursor();
    const timestamp = formatTimestamp(clock.now());
    this.#tell({ type: 'heartbeat', ...(eventId !== null && { eventId }), timestamp }, replyTo());
  }

  #tell(message: object, reply?: string): void {
    if (this.#gone) return;
    const { channel, inbox } = this.#options;
    channel.send(inbox, { contentType: FEED_CONTENT_TYPES.message, body: JSON.stringify(message), reply });
  }
}
