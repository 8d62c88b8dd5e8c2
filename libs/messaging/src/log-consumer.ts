import { EVENTS_STREAM } from '@tidewire/contract';
import { createInbox, nuid } from '@nats-io/transport-node';
import type { Msg, Subscription } from '@nats-io/transport-node';
import { parseAckSubject } from './ack-subject.ts';
import { BusUnavailableError } from './bus-error.ts';
import type { BusLink } from './bus-link.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import { requestStreamApi } from './stream-api.ts';

/** A message as it was delivered. */
export interface Delivery {
  readonly raw: Msg;
  readonly sequence: number;
  /** How many more messages match and wait behind this one. */
  readonly pending: number;
}

export interface LogConsumerOptions {
  readonly startSequence: number;
  /** Disjoint filters (`normaliseFilters`); none means the whole log. */
  readonly filters?: readonly string[];
}

/** Messages that may be asked for and not yet handled: the bound of this queue, and the back-pressure. */
const WINDOW = 1000;
/** The bound in bytes: a message can be 2 MiB. */
const WINDOW_BYTES = 16 * 1024 * 1024;
/** Ask again when this many are left, so that the server never waits for us. */
const REFILL_AT = 500;
const PULL_EXPIRES_MS = 5000;
const HEARTBEAT_MS = 500;
/** Two heartbeats and a little for a busy event loop. */
const SILENCE_LIMIT_MS = 1250;
const INACTIVE_THRESHOLD_MS = 30_000;
const NANOS_PER_MS = 1_000_000;

/**
 * One ephemeral pull consumer: every message from `startSequence` on, once, in order, or an error. It never repairs
 * itself: a lost connection, a missed heartbeat, a jump of the delivery count or a deleted consumer end it, and the
 * owner opens the next one behind what it applied. (The client library's ordered consumer repairs itself, and then
 * waits for half a minute after a server restart, or skips the messages of a re-created stream.)
 */
export class LogConsumer implements AsyncIterable<Delivery> {
  /** How many messages matched when it was created: 0 means that there is nothing to replay. */
  readonly pendingAtStart: number;
  readonly #link: BusLink;
  readonly #name: string;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #watchdog: NodeJS.Timeout;
  readonly #offStatus: () => void;
  #queue: Delivery[] = [];
  #wake: (() => void) | undefined;
  #requested = 0;
  #waiting = 0;
  #delivered = 0;
  #heardAt = performance.now();
  #failure: Error | undefined;
  #closed = false;

  private constructor(link: BusLink, name: string, pendingAtStart: number) {
    this.#link = link;
    this.#name = name;
    this.pendingAtStart = pendingAtStart;
    this.#inbox = createInbox(link.inboxPrefix);
    this.#subscription = link.connection.subscribe(this.#inbox, {
      callback: (error, message) => (error === null ? this.#receive(message) : this.fail(error)),
    });
    this.#offStatus = link.onStatus(() =>
      this.fail(new BusUnavailableError('the connection to NATS was lost')),
    );
    this.#watchdog = setInterval(() => this.#checkSilence(), HEARTBEAT_MS);
    this.#pull();
  }

  /**
   * Creates the consumer on the server.
   *
   * @throws BusUnavailableError, StreamRefusedError (no such stream).
   */
  static async open(bus: MessageBus, options: LogConsumerOptions): Promise<LogConsumer> {
    const link = linkOf(bus);
    const name = `log_${nuid.next()}`;
    const pending = await createConsumer(bus, name, options);
    return new LogConsumer(link, name, pending);
  }

  /** Ends the iteration with this error, after what was already received. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  /** Ends the iteration and removes the consumer. May be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watchdog);
    this.#offStatus();
    this.#subscription.unsubscribe();
    this.#wake?.();
    removeConsumer(this.#link, this.#name);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Delivery, void, undefined> {
    try {
      while (!this.#closed) {
        const batch = this.#queue;
        this.#queue = [];
        for (const delivery of batch) {
          yield delivery;
          this.#waiting -= 1;
          if (this.#requested + this.#waiting <= REFILL_AT) this.#pull();
          if (this.#closed) return;
        }
        if (this.#queue.length > 0) continue;
        if (this.#failure !== undefined) throw this.#failure;
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
        this.#wake = undefined;
      }
    } finally {
      this.close();
    }
  }

  #pull(): void {
    if (this.#closed || this.#failure !== undefined || !this.#link.connected) return;
    const batch = WINDOW - this.#requested - this.#waiting;
    if (batch <= 0) return;
    if (this.#requested === 0) this.#heardAt = performance.now();
    this.#requested += batch;
    const request = {
      batch,
      max_bytes: WINDOW_BYTES,
      expires: PULL_EXPIRES_MS * NANOS_PER_MS,
      idle_heartbeat: HEARTBEAT_MS * NANOS_PER_MS,
    };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${EVENTS_STREAM}.${this.#name}`;
    this.#link.connection.publish(subject, JSON.stringify(request), { reply: this.#inbox });
  }

  #receive(message: Msg): void {
    this.#heardAt = performance.now();
    const place = parseAckSubject(message.reply);
    if (place === undefined) {
      this.#receiveStatus(message);
      return;
    }
    this.#delivered += 1;
    if (place.delivery !== this.#delivered) {
      this.fail(new Error(`delivery ${place.delivery} came instead of ${this.#delivered}`));
      return;
    }
    if (this.#failure !== undefined) return;
    this.#requested = Math.max(0, this.#requested - 1);
    this.#waiting += 1;
    this.#queue.push({ raw: message, sequence: place.sequence, pending: place.pending });
    this.#wake?.();
  }

  #receiveStatus(message: Msg): void {
    const code = message.headers?.code ?? 0;
    if (code === 100) return;
    if (code === 503) {
      this.fail(new BusUnavailableError('the consumer is gone'));
      return;
    }
    const description = message.headers?.description ?? '';
    const unserved = Number(message.headers?.get('Nats-Pending-Messages') || 0);
    this.#requested = Math.max(0, this.#requested - unserved);
    // 408: the request expired. 409 for a full byte limit or batch: ask for the rest. Anything else ends the consumer.
    const goesOn = code === 408 || (code === 409 && /max ?bytes|batch completed/i.test(description));
    if (!goesOn) this.fail(new BusUnavailableError(`the consumer ended: ${code} ${description}`));
    else if (this.#requested + this.#waiting <= REFILL_AT) this.#pull();
  }

  #checkSilence(): void {
    // Heartbeats come only while a request is open: with a full window it is the handler that is slow.
    if (this.#requested === 0 || performance.now() - this.#heardAt < SILENCE_LIMIT_MS) return;
    // What arrived during a long turn of the event loop is still in the socket: let it be read first.
    setImmediate(() => {
      if (this.#requested === 0 || performance.now() - this.#heardAt < SILENCE_LIMIT_MS) return;
      this.fail(new BusUnavailableError('the consumer fell silent'));
    });
  }
}

/**
 * How many messages match now. Creates a consumer for it and removes it: only the server can count without sending.
 *
 * @throws BusUnavailableError, StreamRefusedError (no such stream).
 */
export async function countMatching(bus: MessageBus, options: LogConsumerOptions): Promise<number> {
  const name = `count_${nuid.next()}`;
  const count = await createConsumer(bus, name, options);
  removeConsumer(linkOf(bus), name);
  return count;
}

/** Creates the consumer; returns how many messages match. */
async function createConsumer(
  bus: MessageBus,
  name: string,
  { startSequence, filters = [] }: LogConsumerOptions,
): Promise<number> {
  const reply = await requestStreamApi<{ readonly num_pending: number }>(
    bus,
    `CONSUMER.CREATE.${EVENTS_STREAM}.${name}`,
    {
      stream_name: EVENTS_STREAM,
      config: {
        name,
        deliver_policy: 'by_start_sequence',
        opt_start_seq: startSequence,
        ack_policy: 'none',
        replay_policy: 'instant',
        inactive_threshold: INACTIVE_THRESHOLD_MS * NANOS_PER_MS,
        mem_storage: true,
        num_replicas: 1,
        ...(filters.length === 0 ? {} : { filter_subjects: filters }),
      },
    },
  );
  return reply.num_pending;
}

/** Whether it arrives does not matter: the server forgets an idle consumer by itself. */
function removeConsumer(link: BusLink, name: string): void {
  if (link.connected) link.connection.publish(`$JS.API.CONSUMER.DELETE.${EVENTS_STREAM}.${name}`);
}
