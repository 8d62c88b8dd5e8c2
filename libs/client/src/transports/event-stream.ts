import { CONNECTION_HEADER } from '@tidewire/contract';
import type { ErrorCode, SEVERAL_LIMITS, SSE_EVENTS } from '@tidewire/contract';
import { ClientError } from '../client-error.ts';
import { noAnswer, readRefusal, request, send, toClientError, unusableAnswer } from '../http/http.ts';
import type { Runtime } from '../runtime.ts';
import { GuardedListener } from './guarded-listener.ts';
import { parseMessage, parseObject } from './message.ts';
import { refusalOf } from './refusal.ts';
import { probe } from './probe.ts';
import { SseParser } from './sse-parser.ts';
import { SILENCE_MS } from './transport.ts';
import type {
  Handshake,
  TransportConnection,
  TransportEnd,
  Transport,
  TransportListener,
  TransportOrder,
} from './transport.ts';

// Types say what these are: beside their values in the contract there is validation, which pages do without.
const END_EVENT: (typeof SSE_EVENTS)['end'] = 'end';
const MAX_SUBSCRIPTIONS: (typeof SEVERAL_LIMITS)['maxSubscriptions'] = 100;
/** How long the first bytes may take: a proxy that collects the answer until it ends brings none. Milliseconds. */
const FIRST_BYTES_MS = 8000;
/** How long changes of the set are collected: what a page mounts at once opens one response. Milliseconds. */
const SETTLE_MS = 50;

/** Ends after which the same is worth trying soon, but not at once. */
const LATER: ReadonlySet<unknown> = new Set<ErrorCode>([
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
  'RATE_LIMITED',
  'TOO_MANY_CONNECTIONS',
]);
const UNAUTHORIZED: ReadonlySet<unknown> = new Set<ErrorCode>(['UNAUTHORIZED', 'CREDENTIAL_ENDED']);
const IDLE: ErrorCode = 'CONNECTION_IDLE';

/** One response of Server-Sent Events for all subscriptions: PROTOCOL.md 5.7. */
export const createEventStreamTransport = (runtime: Runtime): Transport => ({
  name: 'sse',
  silenceMs: SILENCE_MS.sse,
  open: (order, listener) => new EventStreamConnection(runtime, order, listener),
});

/** A response, from its request to its last byte. */
interface Attempt {
  readonly abort: AbortController;
  readonly token: string | null;
  readonly handshakes: readonly Handshake[];
  /** Of these, those that the server has not ended. */
  readonly ids: Set<string>;
  /** Whether anything came. */
  begun: boolean;
  /** By which the server calls it. */
  connectionId: string | null;
  retryMs: number | undefined;
}

class EventStreamConnection implements TransportConnection {
  readonly speaks = false;
  readonly #runtime: Runtime;
  readonly #order: TransportOrder;
  readonly #listener: GuardedListener;
  /** What this connection does besides its response: ended with it. */
  readonly #besides = new AbortController();
  #token: string | null;
  #attempt: Attempt | undefined;
  #cancelDeadline: (() => void) | undefined;
  #cancelSettling: (() => void) | undefined;

  constructor(runtime: Runtime, order: TransportOrder, listener: TransportListener) {
    this.#runtime = runtime;
    this.#order = order;
    this.#listener = new GuardedListener(listener);
    this.#token = order.token;
    this.#connect();
  }

  add(): void {
    this.#settle();
  }

  remove(): void {
    this.#settle();
  }

  say(): void {}

  renew(token: string | null): void {
    if (token === null || this.#listener.over) return;
    this.#token = token;
    const id = this.#attempt?.connectionId ?? null;
    if (id === null) return;
    const url = `${this.#order.url}/api/realtime/connections/${id}/token`;
    // Where it is refused the stream lives as long as it would have: its end says more than this answer.
    request(this.#runtime, { url, method: 'POST', token, signal: this.#besides.signal }).catch(
      () => undefined,
    );
  }

  /** A stream is never asked: another one is opened, and says something at once. */
  ping(): void {
    if (this.#listener.over) return;
    if (this.#attempt === undefined) void this.#probe();
    else if (this.#attempt.begun) this.#connect();
  }

  close(): void {
    this.#listener.close();
    this.#release();
  }

  #settle(): void {
    if (this.#listener.over) return;
    this.#cancelSettling ??= this.#runtime.clock.setTimeout(() => {
      this.#cancelSettling = undefined;
      const ids = this.#attempt?.ids;
      const wanted = this.#handshakes().map(nameOf);
      if (wanted.length !== (ids?.size ?? 0) || !wanted.every((id) => ids?.has(id))) this.#connect();
    }, SETTLE_MS);
  }

  #handshakes(): readonly Handshake[] {
    return this.#order.subscriptions();
  }

  /** Opens a response for what is subscribed to now, in place of the one that there is. */
  #connect(): void {
    this.#drop();
    if (this.#listener.over) return;
    const all = this.#handshakes();
    const handshakes = all.slice(0, MAX_SUBSCRIPTIONS);
    queueMicrotask(() => this.#refuse(all.slice(MAX_SUBSCRIPTIONS), TOO_MANY));
    if (handshakes.length === 0) {
      queueMicrotask(() => this.#listener.opened());
      return;
    }
    const attempt: Attempt = {
      abort: new AbortController(),
      token: this.#token,
      handshakes,
      ids: new Set(handshakes.map(nameOf)),
      begun: false,
      connectionId: null,
      retryMs: undefined,
    };
    this.#attempt = attempt;
    this.#cancelDeadline = this.#runtime.clock.setTimeout(
      () => this.#lost(attempt, noAnswer('The stream did not begin in time')),
      FIRST_BYTES_MS,
    );
    void this.#run(attempt);
  }

  async #run(attempt: Attempt): Promise<void> {
    try {
      const response = await send(this.#runtime, {
        url: `${this.#order.url}/api/realtime/subscribe`,
        method: 'POST',
        accept: 'text/event-stream',
        token: attempt.token,
        body: { subscriptions: attempt.handshakes },
        signal: attempt.abort.signal,
      });
      if (!response.ok) this.#answered(attempt, await readRefusal(response, this.#runtime.clock));
      else await this.#read(attempt, response);
    } catch (error) {
      this.#lost(attempt, error);
    }
  }

  /** It was refused, as a whole or for the sake of some of its handshakes. */
  #answered(attempt: Attempt, error: ClientError): void {
    const { status, code } = error;
    if (attempt !== this.#attempt) return;
    const wrong = status === 400 ? wrongOnes(error, attempt.handshakes) : [];
    this.#refuse(wrong, error);
    const left = new Set(this.#handshakes().map(nameOf));
    if (wrong.length > 0 && !wrong.some(({ subscriptionId }) => left.has(subscriptionId))) {
      // Whoever asked for them has given them up, and the others can begin.
      this.#connect();
    } else if (code === 'UNUSABLE_ANSWER') this.#lost(attempt, error);
    else if (status === 401) this.#end({ kind: 'unauthorized', error });
    else if (status === 400 || status === 403) this.#end({ kind: 'refused', error });
    else this.#lost(attempt, error);
  }

  async #read(attempt: Attempt, { headers, body }: Response): Promise<void> {
    if (headers.get('content-type')?.startsWith('text/event-stream') !== true || body === null) {
      throw unusableAnswer('The answer is not a stream of events');
    }
    if (attempt !== this.#attempt) return;
    attempt.connectionId = headers.get(CONNECTION_HEADER);
    this.#listener.opened();
    if (attempt.token !== this.#token) this.renew(this.#token);
    const parser = this.#createParser(attempt);
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || attempt !== this.#attempt) break;
      this.#cancelDeadline?.();
      parser.feed(value);
    }
    this.#lost(attempt, noAnswer('The stream ended'), attempt.begun ? undefined : attempt.retryMs);
  }

  #createParser(attempt: Attempt): SseParser {
    // One piece of the response may hold more than what made somebody close it.
    const current = (): boolean => attempt === this.#attempt;
    return new SseParser({
      comment: () => {
        if (current()) this.#heard(attempt);
      },
      retry: (ms) => {
        attempt.retryMs = ms;
      },
      event: (event, data) => {
        if (!current()) return;
        if (event === END_EVENT) this.#ended(attempt, data);
        else if (event === 'message') this.#receive(attempt, data);
        else this.#heard(attempt);
      },
    });
  }

  #heard(attempt: Attempt): void {
    attempt.begun = true;
    this.#listener.heard();
  }

  #receive(attempt: Attempt, data: string): void {
    const message = parseMessage(data);
    attempt.begun = true;
    if (message?.type === 'unsubscribed') attempt.ids.delete(message.subscriptionId);
    if (message === undefined) this.#listener.heard();
    else this.#listener.message(message);
  }

  #ended(attempt: Attempt, data: string): void {
    const { code, reason, reconnect } = parseObject(data);
    const error = new ClientError(typeof code === 'string' ? code : 'UNUSABLE_ANSWER', String(reason), {
      transient: reconnect === true,
    });
    const asked = new Set(attempt.handshakes.map(nameOf));
    // Of what was asked for nothing is left, which was said of each: that is no end, and others may have come.
    if (code === IDLE && !this.#handshakes().some(({ subscriptionId }) => asked.has(subscriptionId))) {
      this.#connect();
    } else if (reconnect === true || code === IDLE) {
      this.#lost(attempt, error, LATER.has(code) ? attempt.retryMs : undefined);
    } else this.#end({ kind: UNAUTHORIZED.has(code) ? 'unauthorized' : 'refused', error });
  }

  async #probe(): Promise<void> {
    const order = { url: this.#order.url, token: this.#token };
    const end = await probe(this.#runtime, order, this.#besides.signal);
    // By now there may be a stream, which says more.
    if (this.#attempt !== undefined) return;
    if (end === undefined) this.#listener.heard();
    else this.#end(end);
  }

  #refuse(handshakes: readonly Handshake[], error: ClientError): void {
    for (const message of handshakes.flatMap((handshake) => refusalOf(handshake, error))) {
      this.#listener.message(message);
    }
  }

  #lost(attempt: Attempt, thrown: unknown, retryAfterMs?: number): void {
    if (attempt !== this.#attempt) return;
    const error = toClientError(thrown);
    // What is not there at all does not ask for patience: another transport may be.
    const asked = error.transient ? error.retryAfterMs : undefined;
    this.#end({ kind: 'lost', error, retryAfterMs: retryAfterMs ?? asked });
  }

  #end(end: TransportEnd): void {
    this.#release();
    this.#listener.ended(end);
  }

  #release(): void {
    this.#drop();
    this.#besides.abort();
  }

  /** Gives the response up, and what would have opened another one. */
  #drop(): void {
    this.#cancelDeadline?.();
    this.#cancelSettling?.();
    this.#cancelSettling = undefined;
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.abort.abort();
  }
}

const TOO_MANY = new ClientError(
  'TOO_MANY_SUBSCRIPTIONS' satisfies ErrorCode,
  `A stream has at most ${MAX_SUBSCRIPTIONS} subscriptions`,
);

function nameOf({ subscriptionId }: Handshake): string {
  return subscriptionId;
}

/** The handshakes that a refusal of the whole body names. */
function wrongOnes({ errors }: ClientError, handshakes: readonly Handshake[]): readonly Handshake[] {
  const places = new Set(errors.map(({ field }) => /^\/subscriptions\/(\d+)(?:\/|$)/.exec(field)?.[1]));
  return handshakes.filter((_handshake, place) => places.has(String(place)));
}
