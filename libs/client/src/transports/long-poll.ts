import { POLL_LIMITS } from '@tidewire/contract';
import type { CloudEvent, Resync, StreamMessage, TableChange } from '@tidewire/contract';
import { request, toClientError, unusableAnswer } from '../http/http.ts';
import type { Runtime } from '../runtime.ts';
import { GuardedListener } from './guarded-listener.ts';
import { refusalOf, subjectOf } from './refusal.ts';
import { formatFilter, formatPollAddress } from './poll-address.ts';
import { probe } from './probe.ts';
import { SILENCE_MS } from './transport.ts';
import type {
  Handshake,
  TransportConnection,
  TransportEnd,
  Transport,
  TransportListener,
  TransportOrder,
} from './transport.ts';

/** Polls under way at once: browsers open six connections to a server, and a page has other things to ask. */
const MAX_POLLS = 4;
/** How long one of so few waits that all of them can wait at once. Milliseconds. */
const WAIT_MS = POLL_LIMITS.defaultTimeoutMs;
/** With more of them: how long it may take until each has had its turn. Milliseconds. */
const ROUND_MS = 10_000;
/** The shortest wait, whatever a round takes then: each costs a request. Milliseconds. */
const MIN_WAIT_MS = 1000;
/** How much longer than the wait an answer may take: it may have much to bring. Milliseconds. */
const PATIENCE_MS = 15_000;

/** A request after the other for each subscription, told as a socket would: PROTOCOL.md 4.6. */
export const createLongPollTransport = (runtime: Runtime): Transport => ({
  name: 'poll',
  silenceMs: SILENCE_MS.poll,
  open: (order, listener) => new LongPollConnection(runtime, order, listener),
});

interface Polled {
  readonly handshake: Handshake;
  cursor: string | undefined;
  /** Whether it was told `subscribed`. */
  begun: boolean;
  /** The next poll is not to wait: for the first answer, for more of what is there, for a sign of life. */
  eager: boolean;
  /** The poll under way. */
  abort: AbortController | undefined;
}

/** What an answer has, as far as somebody has looked. */
interface PollAnswer {
  readonly messages: readonly TableChange[];
  readonly events: readonly CloudEvent[];
  readonly lastEventId: string;
  readonly more: boolean;
  readonly resync: Resync | undefined;
}

class LongPollConnection implements TransportConnection {
  readonly speaks = false;
  readonly #runtime: Runtime;
  readonly #order: TransportOrder;
  readonly #listener: GuardedListener;
  readonly #probing = new AbortController();
  /** In the order of their turns. */
  readonly #polled = new Map<string, Polled>();
  #token: string | null;

  constructor(runtime: Runtime, order: TransportOrder, listener: TransportListener) {
    this.#runtime = runtime;
    this.#order = order;
    this.#token = order.token;
    this.#listener = new GuardedListener(listener);
    for (const handshake of order.subscriptions()) this.add(handshake);
    if (this.#polled.size === 0) queueMicrotask(() => this.#listener.opened());
  }

  add(handshake: Handshake): void {
    const { subscriptionId, lastEventId } = handshake;
    if (this.#listener.over) return;
    this.#polled.get(subscriptionId)?.abort?.abort();
    this.#polled.set(subscriptionId, {
      handshake,
      cursor: lastEventId,
      begun: false,
      eager: true,
      abort: undefined,
    });
    this.#fill();
  }

  remove(subscriptionId: string): void {
    const polled = this.#polled.get(subscriptionId);
    this.#polled.delete(subscriptionId);
    polled?.abort?.abort();
    this.#fill();
  }

  say(): void {}

  /** Polls that wait go on with the credential that they have. */
  renew(token: string | null): void {
    this.#token = token ?? this.#token;
  }

  /** Whatever waits is asked again, and answered at once. */
  ping(): void {
    if (this.#listener.over) return;
    if (this.#polled.size === 0) void this.#probe();
    for (const polled of this.#polled.values()) {
      if (polled.eager) continue;
      polled.eager = true;
      polled.abort?.abort();
      polled.abort = undefined;
    }
    this.#fill();
  }

  close(): void {
    this.#listener.close();
    this.#release();
  }

  /** Gives turns to those that have waited longest for one. */
  #fill(): void {
    const idle = [...this.#polled.values()].filter(({ abort }) => abort === undefined);
    const free = MAX_POLLS - (this.#polled.size - idle.length);
    for (const polled of idle.slice(0, Math.max(0, free))) void this.#poll(polled);
  }

  get #waitMs(): number {
    const { size } = this.#polled;
    if (size <= MAX_POLLS) return WAIT_MS;
    return Math.max(MIN_WAIT_MS, Math.floor((ROUND_MS * MAX_POLLS) / size));
  }

  async #poll(polled: Polled): Promise<void> {
    const { handshake, cursor, eager } = polled;
    const abort = new AbortController();
    polled.abort = abort;
    const token = this.#token;
    const timeoutMs = eager ? 0 : this.#waitMs;
    const url = formatPollAddress(this.#order.url, handshake, { lastEventId: cursor, timeoutMs });
    const tell = await this.#ask(polled, {
      url,
      token,
      signal: abort.signal,
      timeoutMs: timeoutMs + PATIENCE_MS,
    });
    // It was removed, or asked again, or everything is over.
    if (polled.abort !== abort || abort.signal.aborted) return;
    polled.abort = undefined;
    tell();
    this.#endTurn(polled);
  }

  /** What is to be done about the answer, whatever it is. */
  async #ask(polled: Polled, order: Parameters<typeof request>[1]): Promise<() => void> {
    try {
      const answer = readAnswer((await request(this.#runtime, order)).body);
      return () => this.#take(polled, answer);
    } catch (error) {
      return () => this.#fail(polled, error, order.token);
    }
  }

  #endTurn(polled: Polled): void {
    const { subscriptionId } = polled.handshake;
    if (this.#polled.get(subscriptionId) === polled) {
      this.#polled.delete(subscriptionId);
      this.#polled.set(subscriptionId, polled);
    }
    this.#fill();
  }

  #take(polled: Polled, { messages, events, lastEventId, more, resync }: PollAnswer): void {
    const { handshake, cursor } = polled;
    const { subscriptionId } = handshake;
    const tell = (message: StreamMessage): void => this.#listener.message(message);
    const quiet = resync === undefined && messages.length + events.length === 0;
    const begins = !polled.begun;
    polled.begun = true;
    polled.eager = more;
    polled.cursor = lastEventId;
    this.#listener.opened();
    if (begins) tell(subscribedOf(handshake, cursor === undefined && quiet ? lastEventId : undefined));
    for (const message of messages) tell({ ...message, subscriptionId });
    for (const event of events) tell({ type: 'event', subscriptionId, event });
    if (resync !== undefined) tell({ type: 'resync', ...resync, scope: [subscriptionId] });
    else tell({ type: 'heartbeat', subscriptionId, eventId: lastEventId, timestamp: this.#timestamp() });
  }

  #timestamp(): string {
    return new Date(this.#runtime.clock.now()).toISOString();
  }

  #fail(polled: Polled, thrown: unknown, token: string | null): void {
    const error = toClientError(thrown);
    const { status = 0, transient, retryAfterMs } = error;
    if (transient || error.code === 'UNUSABLE_ANSWER') this.#end({ kind: 'lost', error, retryAfterMs });
    else if (status === 401) {
      // Another one has come while it waited.
      if (token !== this.#token) polled.eager = true;
      else this.#end({ kind: 'unauthorized', error });
    } else {
      // What was asked for is refused, not who asks.
      this.#polled.delete(polled.handshake.subscriptionId);
      this.#listener.opened();
      for (const message of refusalOf(polled.handshake, error)) this.#listener.message(message);
    }
  }

  async #probe(): Promise<void> {
    const end = await probe(
      this.#runtime,
      { url: this.#order.url, token: this.#token },
      this.#probing.signal,
    );
    if (end === undefined) this.#listener.heard();
    else if (this.#polled.size === 0) this.#end(end);
  }

  #end(end: TransportEnd): void {
    this.#release();
    this.#listener.ended(end);
  }

  #release(): void {
    this.#probing.abort();
    const polled = [...this.#polled.values()];
    this.#polled.clear();
    for (const { abort } of polled) abort?.abort();
  }
}

/** As a socket says it; there is no connection that would have an id. */
function subscribedOf(handshake: Handshake, eventId: string | undefined): StreamMessage {
  const { subscriptionId, fields } = handshake;
  const filter = formatFilter(handshake);
  return {
    type: 'subscribed',
    ...subjectOf(handshake),
    subscriptionId,
    connectionId: '',
    ...(filter !== undefined && { filter }),
    ...(fields !== undefined && { fields }),
    ...(eventId !== undefined && { eventId }),
  };
}

/** @throws ClientError UNUSABLE_ANSWER for what is no answer to a poll. */
function readAnswer(body: unknown): PollAnswer {
  const { messages = [], events = [], lastEventId, more, resync } = (body ?? {}) as Partial<PollAnswer>;
  if (typeof lastEventId !== 'string' || !Array.isArray(messages) || !Array.isArray(events)) {
    throw unusableAnswer('The answer is not that of a poll');
  }
  return { messages, events, lastEventId, more: more === true, resync };
}
