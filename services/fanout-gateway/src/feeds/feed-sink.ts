import { FEED_CONTENT_TYPES, formatTimestamp } from '@tidewire/contract';
import type { ErrorCode, FeedEnd, Resync, StreamMessage } from '@tidewire/contract';
import type { ClientMessage } from '@tidewire/messaging';
import { readPollLines, resyncMessageOf } from '../formats/poll-line.ts';
import type { PollLine } from '../formats/poll-line.ts';
import { streamEnd } from '../transports/sse.ts';
import { ENDS_AT_ONCE } from '../transports/stream.ts';
import type { StreamSink } from '../transports/stream.ts';
import type { FeedWindow } from './feed-window.ts';

export interface FeedSinkOptions {
  /** Publishes to the subscriber's inbox at once. */
  readonly send: (message: ClientMessage) => void;
  /** The reply subject by which the subscriber answers the message of that number. */
  readonly replyTo: (message: number) => string;
  readonly window: FeedWindow;
  /** Events at most. */
  readonly max: number;
  /** What an event is: a CloudEvent, or a change of a table. */
  readonly eventType: ClientMessage['contentType'];
  readonly clock: { readonly now: () => number; readonly monotonic: () => number };
  /** Told once when nothing is sent any more. Not allowed to change what is subscribed before the turn is over. */
  readonly onOver: () => void;
}

/** The write side of one feed: what delivery writes becomes messages, as fast as the subscriber answers. */
export class FeedSink implements StreamSink {
  readonly #options: FeedSinkOptions;
  /** Lines that the window does not let through yet; of positions only the newest. */
  #queue: PollLine[] = [];
  #queuedBytes = 0;
  #told = 0;
  #lastEventId: string | undefined;
  #over = false;
  #drained: (() => void)[] = [];

  constructor(options: FeedSinkOptions) {
    this.#options = options;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Says how the request was understood, and from where events follow: before anything else, and to be answered. */
  begin(message: StreamMessage, position: string | undefined): void {
    if (this.#over) return;
    const { window, clock, replyTo } = this.#options;
    this.#lastEventId = position;
    const body = JSON.stringify(message);
    this.#tell(message, replyTo(window.sent(body.length, clock.monotonic())));
  }

  write(bytes: Buffer): void {
    for (const line of readPollLines(bytes)) this.#take(line);
  }

  /** Asks whether the subscriber is there, whatever waits for its answers. */
  probe(): void {
    const { window, clock, replyTo } = this.#options;
    const message = { type: 'heartbeat', timestamp: formatTimestamp(clock.now()) } as const;
    this.#tell(message, replyTo(window.sent(0, clock.monotonic())));
  }

  /** Takes the subscriber's answer to the message of that number. */
  answered(message: number): void {
    this.#options.window.answered(message);
    this.#pump();
  }

  queuedBytes(): number {
    return this.#queuedBytes;
  }

  async drained(): Promise<void> {
    if (this.#over || this.#queue.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained.push(resolve);
    await promise;
  }

  /** What is queued was not to be told any more, or is not taken: the subscriber comes back with its cursor. */
  reset(): void {
    this.#end({ reason: 'Ask again with the cursor', reconnect: true });
  }

  resync(resync: Resync): void {
    this.#clear();
    this.#send({ kind: 'resync', id: resync.current, json: Buffer.from(JSON.stringify(resync)) });
  }

  end(code: ErrorCode, reason: string): void {
    if (ENDS_AT_ONCE.has(code)) this.#clear();
    this.#end(streamEnd(code, reason));
  }

  /** It is over without a fault: the subscriber asks again. */
  finish(reason: string): void {
    this.#end({ reason, reconnect: true });
  }

  /** Nothing more is said: there is nobody any more who would hear it. */
  abandon(): void {
    if (this.#over) return;
    this.#over = true;
    this.#clear();
    this.#options.onOver();
  }

  /** NATS ends the connection of a credential that expires, and asks for it again. */
  expiring(): void {}

  held(on: boolean): void {
    this.#tell({
      type: 'connection-status',
      status: on ? 'reconnecting' : 'connected',
      transport: 'nats',
    });
  }

  #take(line: PollLine): void {
    if (this.#over) return;
    if (line.kind === 'position' && this.#queue.at(-1)?.kind === 'position') this.#queue.pop();
    this.#queue.push(line);
    this.#queuedBytes += sizeOf(line);
    this.#pump();
  }

  #pump(): void {
    while (!this.#over && this.#options.window.open) {
      const line = this.#queue.shift();
      if (line === undefined) break;
      this.#queuedBytes -= sizeOf(line);
      this.#send(line);
    }
    if (this.#over || this.#queue.length === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  #send(line: PollLine): void {
    if (this.#over) return;
    const { window, clock, send, replyTo, eventType, max } = this.#options;
    const body = bodyOf(line, clock.now());
    send({
      contentType: line.kind === 'event' ? eventType : FEED_CONTENT_TYPES.message,
      body,
      reply: replyTo(window.sent(body.length, clock.monotonic())),
    });
    this.#lastEventId = line.id;
    if (line.kind !== 'event') return;
    this.#told += 1;
    if (this.#told >= max) this.finish('As many events as were asked for have been told');
  }

  #end(end: Omit<FeedEnd, 'type' | 'lastEventId'>): void {
    if (this.#over) return;
    const lastEventId = this.#lastEventId;
    this.#tell({ type: 'end', ...end, ...(lastEventId !== undefined && { lastEventId }) });
    this.abandon();
  }

  #tell(message: FeedEnd | StreamMessage, reply?: string): void {
    if (this.#over) return;
    this.#options.send({ contentType: FEED_CONTENT_TYPES.message, body: JSON.stringify(message), reply });
  }

  #clear(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}

function sizeOf(line: PollLine): number {
  return line.kind === 'position' ? 0 : line.json.length;
}

function bodyOf(line: PollLine, now: number): Buffer {
  switch (line.kind) {
    case 'event':
      return line.json;
    case 'resync':
      return resyncMessageOf(line);
    case 'position':
      return Buffer.from(
        JSON.stringify({ type: 'heartbeat', eventId: line.id, timestamp: formatTimestamp(now) }),
      );
  }
}
