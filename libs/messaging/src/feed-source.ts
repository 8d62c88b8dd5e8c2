import { randomBytes } from 'node:crypto';
import {
  FEED_ANSWERS,
  FEED_CONTENT_TYPES,
  FEED_HEADERS,
  FEED_LIMITS,
  TidewireError,
  cloudEventSchema,
  feedEndSchema,
  formatClientSubject,
  heartbeatSchema,
  notifierInbox,
  notifierInboxFilter,
  problemSchema,
  resyncMessageSchema,
  subscribedSchema,
} from '@tidewire/contract';
import type { CloudEvent, FeedEnd, FeedRequest, Resync, SubscriberAddress } from '@tidewire/contract';
import type { Msg } from '@nats-io/transport-node';
import { BusUnavailableError } from './bus-error.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';

/** What a stream tells. After `end`, `refused` and `lost` nothing comes any more. */
export type FeedMessage =
  | { readonly kind: 'subscribed'; readonly eventId: string | undefined }
  | { readonly kind: 'event'; readonly event: CloudEvent }
  /** Everything up to here was told, or is not for the subscriber. */
  | { readonly kind: 'position'; readonly eventId: string }
  | { readonly kind: 'resync'; readonly resync: Resync }
  | { readonly kind: 'end'; readonly end: FeedEnd }
  | { readonly kind: 'refused'; readonly error: TidewireError }
  /** The connection broke, or whoever told the stream is silent: nobody knows what is missing, so ask again with the cursor. */
  | { readonly kind: 'lost' };

/** One stream of messages that was asked for. */
export interface FeedStream {
  /**
   * The next message; one call at a time. Asking answers the message before, which is when the gateway sends another one: with
   * a `window` of 1 nothing waits here that was judged long ago.
   */
  next(): Promise<FeedMessage>;
  /** Ends it, with what was told last left unanswered. Whoever waits gets `lost`. A second time does nothing. */
  stop(): void;
}

/** Asks for feeds in the name of others: for the user of the notifier, and for nobody else. */
export interface FeedSource {
  readonly connected: boolean;
  open(address: SubscriberAddress, request: FeedRequest): FeedStream;
  /** Ends all streams and listens no more. */
  close(): void;
}

export interface FeedSourceOptions {
  /** Timers of the process, or of a test. */
  readonly clock: { setTimeout(run: () => void, delayMs: number): { cancel(): void } };
}

/** A gateway is gone when it leaves out two heartbeats; a little more for those that are late. */
const MISSED_HEARTBEATS = 2.5;
/** How long the first message may take: it waits for authz, and for a place among those who replay. */
const FIRST_MESSAGE_MS = 10_000;
const NO_RESPONDERS = 503;

/**
 * Opens the source on a bus that was connected into the clients' account as the notifier. There is one subscription, because
 * NATS bounds how many a connection of that account has; what comes is for the stream that its last token names.
 */
export function openFeedSource(bus: MessageBus, { clock }: FeedSourceOptions): FeedSource {
  const link = linkOf(bus);
  const instance = randomToken();
  const streams = new Map<string, Stream>();
  const publish = (subject: string, text: string, reply?: string): void => {
    if (!link.connected || link.connection.isDraining()) return;
    link.connection.publish(subject, text, reply === undefined ? {} : { reply });
  };
  const subscription = link.connection.subscribe(notifierInboxFilter(instance), {
    callback: (error, message) => {
      if (error !== null) {
        link.logger.error('subscription refused', { subject: notifierInboxFilter(instance), error });
        return;
      }
      const stream = streams.get(message.subject.slice(message.subject.lastIndexOf('.') + 1));
      if (stream !== undefined) stream.take(message);
      // NATS does not notice that nobody listens, as this process does: so the gateway has to be told.
      else if (message.reply) publish(message.reply, FEED_ANSWERS.stop);
    },
  });
  const loseAll = (): void => {
    for (const stream of streams.values()) stream.lose();
  };
  const off = link.onStatus((status) => {
    if (status === 'disconnected' || status === 'closed') loseAll();
  });
  return {
    get connected() {
      return link.connected;
    },
    open(address, request) {
      const token = randomToken();
      const stream = new Stream({
        publish,
        clock,
        silenceMs: (request.heartbeat ?? FEED_LIMITS.defaultHeartbeatMs) * MISSED_HEARTBEATS,
        onOver: () => streams.delete(token),
      });
      if (!link.connected) {
        stream.lose();
        return stream;
      }
      streams.set(token, stream);
      const inbox = `${notifierInbox(address)}.${instance}.${token}`;
      publish(formatClientSubject('feed', address), JSON.stringify(request), inbox);
      return stream;
    },
    close() {
      off();
      for (const stream of streams.values()) stream.stop();
      if (!link.connection.isClosed()) subscription.unsubscribe();
    },
  };
}

interface StreamOptions {
  readonly publish: (subject: string, text: string) => void;
  readonly clock: FeedSourceOptions['clock'];
  readonly silenceMs: number;
  readonly onOver: () => void;
}

const LOST: FeedMessage = Object.freeze({ kind: 'lost' });
const ENDS: ReadonlySet<FeedMessage['kind']> = new Set(['end', 'refused', 'lost']);

class Stream implements FeedStream {
  readonly #options: StreamOptions;
  #queue: FeedMessage[] = [];
  #waiting: ((message: FeedMessage) => void) | undefined;
  /** Where the newest message wants its answer; answering it answers those before. */
  #reply: string | undefined;
  #answered = true;
  #last: FeedMessage | undefined;
  #silence: { cancel(): void } | undefined;
  #patienceMs: number;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#patienceMs = Math.max(options.silenceMs, FIRST_MESSAGE_MS);
  }

  async next(): Promise<FeedMessage> {
    const queued = this.#queue.shift();
    if (queued !== undefined) return queued;
    if (this.#last !== undefined) return this.#last;
    const { promise, resolve } = Promise.withResolvers<FeedMessage>();
    this.#waiting = resolve;
    this.#answer(FEED_ANSWERS.done);
    // Only now: while a message waits for its answer, the window holds heartbeats back.
    this.#listen();
    return await promise;
  }

  stop(): void {
    if (this.#last !== undefined) return;
    if (this.#reply !== undefined) this.#options.publish(this.#reply, FEED_ANSWERS.stop);
    this.#queue = [];
    this.#end(LOST);
  }

  lose(): void {
    if (this.#last === undefined) this.#end(LOST);
  }

  take(raw: Msg): void {
    if (this.#last !== undefined) return;
    this.#patienceMs = this.#options.silenceMs;
    if (raw.reply) {
      this.#reply = raw.reply;
      this.#answered = false;
    }
    const message = readMessage(raw);
    if (message === undefined) {
      // Not to be understood, such as that delivery is held: nothing follows from it, but it may want an answer.
      if (this.#waiting === undefined) return;
      this.#answer(FEED_ANSWERS.done);
      this.#listen();
    } else if (ENDS.has(message.kind)) this.#end(message);
    else this.#tell(message);
  }

  #answer(text: string): void {
    if (this.#answered || this.#reply === undefined) return;
    this.#answered = true;
    this.#options.publish(this.#reply, text);
  }

  #tell(message: FeedMessage): void {
    const resolve = this.#waiting;
    this.#waiting = undefined;
    this.#silence?.cancel();
    if (resolve === undefined) this.#queue.push(message);
    else resolve(message);
  }

  #end(message: FeedMessage): void {
    this.#last = message;
    this.#silence?.cancel();
    this.#options.onOver();
    this.#waiting?.(message);
    this.#waiting = undefined;
  }

  #listen(): void {
    this.#silence?.cancel();
    this.#silence = this.#options.clock.setTimeout(() => this.lose(), this.#patienceMs);
  }
}

/** Undefined for what nothing follows from. */
function readMessage(raw: Msg): FeedMessage | undefined {
  if (raw.headers?.code === NO_RESPONDERS && raw.data.length === 0) {
    return { kind: 'refused', error: new BusUnavailableError('no gateway answers') };
  }
  const body = parseJson(raw.string());
  const contentType = raw.headers?.get(FEED_HEADERS.contentType);
  if (contentType === FEED_CONTENT_TYPES.problem) {
    return readProblem(body, Number(raw.headers?.get(FEED_HEADERS.retryAfter)) || undefined);
  }
  if (contentType === FEED_CONTENT_TYPES.event) {
    const event = cloudEventSchema.safeParse(body);
    // The parsed one lacks what this version does not know yet.
    return event.success ? { kind: 'event', event: body as CloudEvent } : { kind: 'lost' };
  }
  return readOther(body);
}

function readProblem(body: unknown, retryAfterSeconds: number | undefined): FeedMessage {
  const problem = problemSchema.safeParse(body);
  if (!problem.success) return { kind: 'lost' };
  const { code, detail, errors = [] } = problem.data;
  const wait = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return { kind: 'refused', error: new TidewireError(code, detail, { errors, ...wait }) };
}

function readOther(body: unknown): FeedMessage | undefined {
  const end = feedEndSchema.safeParse(body);
  if (end.success) return { kind: 'end', end: end.data };
  const resync = resyncMessageSchema.safeParse(body);
  if (resync.success) return { kind: 'resync', resync: resync.data };
  const subscribed = subscribedSchema.safeParse(body);
  if (subscribed.success) return { kind: 'subscribed', eventId: subscribed.data.eventId };
  const heartbeat = heartbeatSchema.safeParse(body);
  if (heartbeat.success && heartbeat.data.eventId !== undefined) {
    return { kind: 'position', eventId: heartbeat.data.eventId };
  }
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function randomToken(): string {
  return randomBytes(16).toString('base64url');
}
