import {
  FEED_ANSWERS,
  FEED_CONTENT_TYPES,
  FEED_LIMITS,
  formatEventId,
  formatFeedAnswerSubject,
  formatTopic,
} from '@tidewire/contract';
import type { FeedRequest, StreamMessage, SubscriberAddress } from '@tidewire/contract';
import { NOBODY } from '@tidewire/messaging';
import type { ClientChannel } from '@tidewire/messaging';
import type { Clock, Timer } from '@tidewire/service-kit';
import type { FanOutPort } from '../fanout/subscription.ts';
import { describeSubscription } from '../transports/lane.ts';
import type { StreamKeeper } from '../transports/stream-keeper.ts';
import type { OpenedStream } from '../transports/stream-opener.ts';
import { FeedSink } from './feed-sink.ts';
import { FeedWindow } from './feed-window.ts';

export interface FeedOptions {
  readonly channel: Pick<ClientChannel, 'send'>;
  readonly fanOut: Pick<FanOutPort, 'beat'>;
  readonly keeper: Pick<StreamKeeper, 'drop'>;
  readonly clock: Clock;
  /** This gateway's name among all. */
  readonly instance: string;
}

/** Who is told, where, and how much. */
export interface FeedParts {
  /** Names the feed in the answers to its messages. */
  readonly number: number;
  readonly address: SubscriberAddress;
  readonly inbox: string;
  readonly request: FeedRequest;
  /** Told once when it is over. */
  readonly onOver: () => void;
}

/** One stream of messages into the inbox of a subscriber, from its request to its last message. */
export class Feed {
  readonly sink: FeedSink;
  readonly address: SubscriberAddress;
  readonly #options: FeedOptions;
  readonly #parts: FeedParts;
  readonly #window: FeedWindow;
  #opened: OpenedStream | undefined;
  readonly #timers: Timer[] = [];

  constructor(options: FeedOptions, parts: FeedParts) {
    const { channel, clock, instance } = options;
    const { number, address, inbox, request } = parts;
    this.#options = options;
    this.#parts = parts;
    this.address = address;
    this.#window = new FeedWindow({
      messages: request.window ?? FEED_LIMITS.defaultWindow,
      bytes: FEED_LIMITS.windowBytes,
    });
    this.sink = new FeedSink({
      send: (message) => void channel.send(inbox, message),
      replyTo: (message) =>
        formatFeedAnswerSubject({ address, gateway: instance, token: `${number}-${message}` }),
      window: this.#window,
      max: request.max ?? FEED_LIMITS.maxEvents,
      eventType: request.tables === undefined ? FEED_CONTENT_TYPES.event : FEED_CONTENT_TYPES.message,
      clock,
      // Frames may be on their way to others at this moment: members are not to change before they have left.
      onOver: () => queueMicrotask(() => this.#close()),
    });
  }

  /** It takes part from here on. */
  begin(opened: OpenedStream): void {
    this.#opened = opened;
    if (this.sink.over) return;
    const { expires = 0, heartbeat = FEED_LIMITS.defaultHeartbeatMs } = this.#parts.request;
    const { clock } = this.#options;
    this.#timers.push(
      clock.setTimeout(() => this.#expire(), expires),
      clock.setInterval(() => this.#beat(), heartbeat),
    );
    const { start, position } = opened;
    const sequence = start.kind === 'after' ? start.sequence : position.sequence;
    const from = start.kind === 'resync' ? undefined : formatEventId({ ...position, sequence });
    this.sink.begin({ ...describeFeed(opened), ...(from !== undefined && { eventId: from }) }, from);
  }

  /** The subscriber's answer to the message of that number. */
  answered(message: number, answer: string | typeof NOBODY): void {
    if (answer === NOBODY) this.sink.abandon();
    else if (answer === FEED_ANSWERS.stop) this.sink.finish('The subscriber has had enough');
    else this.sink.answered(message);
  }

  /** Whether the subscriber has left a message without its answer for too long. `now`: monotonic milliseconds. */
  isAbandoned(now: number): boolean {
    const since = this.#window.waitingSince;
    return since !== undefined && now - since >= FEED_LIMITS.answerPatienceMs;
  }

  /** With the position that it has reached, if nothing waits before it. */
  #expire(): void {
    this.#beat();
    this.sink.finish('The time that was asked for is over');
  }

  #beat(): void {
    const { stream, connection } = this.#opened ?? {};
    if (stream?.ended === false && connection !== undefined) this.#options.fanOut.beat(connection);
  }

  #close(): void {
    for (const timer of this.#timers) timer.cancel();
    if (this.#opened !== undefined) this.#options.keeper.drop(this.#opened.stream);
    this.#parts.onOver();
  }
}

/** How the request was understood. */
function describeFeed(opened: OpenedStream): Extract<StreamMessage, { type: 'subscribed' }> {
  const { id, table, topics } = opened.stream;
  const { topic: _one, ...described } = describeSubscription(opened, id, id);
  return { ...described, ...(table === undefined && { topics: topics.map(formatTopic) }) };
}
