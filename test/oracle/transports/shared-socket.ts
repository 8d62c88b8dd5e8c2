import { errorCodeRow } from '@tidewire/contract';
import type { ErrorCode } from '@tidewire/contract';
import { SocketClient } from '@tidewire/test-kit';
import type { SocketMessage } from '@tidewire/test-kit';
import { Finding } from '../finding.ts';
import { bearerToken } from '../tickets.ts';
import type { Ticket } from '../tickets.ts';
import type { StreamListener } from '../transport.ts';

export interface SharedSocketOptions {
  /** Base URL of the gateway. */
  readonly base: string;
  readonly ticket: Ticket;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether its address says a cursor, which is then that of subscriptions that say none. */
  readonly hasCursor: boolean;
  readonly compressed: boolean;
  readonly onFinding: (finding: Finding) => void;
  /** Told of what is of no subscription. */
  readonly onMessage: (socket: SharedSocket, message: SocketMessage) => void;
  /** Nobody is on it any more. */
  readonly onEnd: () => void;
}

interface Lane {
  readonly listener: StreamListener;
  begun: boolean;
}

/** What came of another credential: the connection has it, has not, or was over before anybody said. */
export type Renewal = 'renewed' | 'refused' | 'gone';

interface Answer {
  /** The credential that was sent along, if any. */
  readonly ticket: Ticket | undefined;
  renewed: boolean;
  readonly errors: ErrorCode[];
}

interface Asked extends Answer {
  readonly resolve: (answer: Answer | undefined) => void;
}

/** Codes of closed connections from which on nobody is to come back. */
const FIRST_FINAL_CLOSE_CODE = 4500;
/** What subscriptions are called, some so that they would be mistaken for something else. */
const NAMES = ['a', '__proto__', 'b', 'constructor', 'c "d" é', 'toString', 'e', 'f', 'g', 'h', 'i', 'j'];
/** So few that some have several sockets. */
const MOST_LANES = 5;
const PATIENCE_MS = 30_000;

/** One WebSocket of one principal, with the subscriptions of several clients. */
export class SharedSocket {
  readonly options: SharedSocketOptions;
  /** What it lives by now. */
  ticket: Ticket;
  readonly #lanes = new Map<string, Lane>();
  /** Names of which the end was asked for and not said yet. */
  readonly #leaving = new Set<string>();
  readonly #asked: Asked[] = [];
  #tickets: readonly Ticket[];
  /** Acts of which the connection is waited for; undefined: it is there. */
  #waiting: (() => void)[] | undefined = [];
  /** The subscription that the address has asked for, until it was answered: a refusal of it has no name. */
  #first: string | undefined;
  #next = 0;
  #isOurs = false;
  #client: SocketClient | undefined;
  #over = false;

  /** `first`: the name of a subscription that begins by itself, as the address has it. */
  constructor(
    options: SharedSocketOptions,
    first?: { readonly name: string; readonly listener: StreamListener },
  ) {
    this.options = options;
    this.ticket = options.ticket;
    this.#tickets = [options.ticket];
    if (first !== undefined) {
      this.#first = first.name;
      this.#lanes.set(first.name, { listener: first.listener, begun: false });
    }
    void this.#open();
  }

  get isOver(): boolean {
    return this.#over;
  }

  get hasRoom(): boolean {
    if (this.#over || this.#lanes.size >= MOST_LANES) return false;
    return NAMES.some((name) => !this.#lanes.has(name) && !this.#leaving.has(name));
  }

  /** A name for one more subscription; undefined: there is no room. */
  freeName(): string | undefined {
    // One after another, so that a late answer finds nobody new under its name.
    for (let count = 0; count < NAMES.length; count += 1) {
      const name = NAMES[this.#next % NAMES.length] ?? '';
      this.#next += 1;
      if (!this.#lanes.has(name) && !this.#leaving.has(name)) return name;
    }
    return undefined;
  }

  /** Subscribes, as soon as that is possible. */
  add(name: string, handshake: object, listener: StreamListener): void {
    const lane = { listener, begun: false };
    this.#lanes.set(name, lane);
    this.#whenOpen(() => {
      if (this.#lanes.get(name) === lane) this.#send({ ...handshake, subscriptionId: name });
    });
  }

  /** Ends a subscription; the last one ends the connection. */
  remove(listener: StreamListener): void {
    const [name, lane] = [...this.#lanes].find(([, one]) => one.listener === listener) ?? [];
    if (name === undefined || lane === undefined) return;
    this.#lanes.delete(name);
    if (this.#lanes.size === 0) {
      this.#end();
      return;
    }
    // Not asked for yet.
    if (this.#client === undefined && name !== this.#first) return;
    // A name that is refused meanwhile stays here for good.
    this.#leaving.add(name);
    this.#whenOpen(() => this.#send({ type: 'unsubscribe', subscriptionId: name }));
  }

  /** Breaks, without a word. */
  cut(): void {
    this.#isOurs = true;
    this.#client?.socket.terminate();
  }

  /** Lives by another credential from here on, if it may. */
  async renew(ticket: Ticket): Promise<Renewal> {
    const answer = await this.#askFor({ type: 'token', token: bearerToken(ticket) }, ticket);
    if (answer === undefined) return 'gone';
    return answer.renewed ? 'renewed' : 'refused';
  }

  /** Says something that has no answer of its own. Returns as what it was refused, undefined when the connection ended. */
  async say(message: object): Promise<readonly ErrorCode[] | undefined> {
    return (await this.#askFor(message))?.errors;
  }

  /** The credentials by which what came since {@link forgetTickets} may have been told. */
  get tickets(): readonly Ticket[] {
    return this.#tickets;
  }

  forgetTickets(): void {
    this.#tickets = [this.ticket];
  }

  /** A ping behind each message: what comes before its answer is about the message. */
  async #askFor(message: object, ticket?: Ticket): Promise<Answer | undefined> {
    if (this.#client === undefined) return undefined;
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    this.#asked.push({ ticket, renewed: false, errors: [], resolve });
    this.#send(message);
    this.#send({ type: 'ping' });
    const timer = setTimeout(() => {
      this.#find('loss', 'gets no answer', { type: 'none', asked: message });
      resolve(undefined);
    }, PATIENCE_MS);
    return await promise.finally(() => clearTimeout(timer));
  }

  #whenOpen(act: () => void): void {
    if (this.#waiting === undefined) act();
    else this.#waiting.push(act);
  }

  async #open(): Promise<void> {
    const { base, path, headers, compressed } = this.options;
    let client: SocketClient;
    try {
      client = await SocketClient.open(new URL(path, base).href, { headers, perMessageDeflate: compressed });
    } catch {
      this.#closed();
      return;
    }
    if (client.status !== 101) {
      this.#refused(client.status, client.body);
      return;
    }
    if (this.#over) {
      client.socket.terminate();
      return;
    }
    this.#client = client;
    client.socket.on('message', () => this.#read(client));
    client.socket.on('close', () => this.#closed(client.closed?.reason));
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const act of waiting) act();
    this.#read(client);
    if (client.closed !== undefined) this.#closed(client.closed.reason);
  }

  #send(message: object): void {
    if (this.#client?.socket.readyState === 1) this.#client.send(message);
  }

  #read(client: SocketClient): void {
    for (const message of client.messages.splice(0)) if (!this.#over) this.#take(message);
  }

  #take(message: SocketMessage): void {
    switch (message.type) {
      case 'error':
        this.#failed(message);
        return;
      case 'credential-renewed':
        this.#renewed();
        return;
      case 'pong': {
        const asked = this.#asked.shift();
        asked?.resolve(asked);
        return;
      }
      case 'presence-sync':
      case 'join':
      case 'leave':
      case 'conflict':
        this.options.onMessage(this, message);
        return;
      case 'resync':
        for (const name of message['scope'] as readonly string[]) {
          this.#laneOf(name, message)?.listener.resync(JSON.stringify(message));
        }
        return;
      case 'subscribed':
      case 'unsubscribed':
      case 'change':
      case 'event':
      case 'heartbeat':
        this.#takeOf(message['subscriptionId'] as string, message);
    }
  }

  #takeOf(name: string, message: SocketMessage): void {
    if (message.type === 'unsubscribed' && this.#leaving.delete(name)) return;
    const lane = this.#laneOf(name, message);
    if (lane === undefined) return;
    const { listener } = lane;
    const eventId = message['eventId'] as string | undefined;
    switch (message.type) {
      case 'subscribed':
        lane.begun = true;
        if (name === this.#first) this.#first = undefined;
        listener.opened();
        if (eventId !== undefined) listener.position(eventId);
        return;
      case 'unsubscribed':
        this.#lanes.delete(name);
        listener.closed();
        if (this.#lanes.size === 0) this.#end();
        return;
      case 'heartbeat':
        if (eventId !== undefined) listener.position(eventId);
        return;
      case 'change': {
        const { subscriptionId: _name, ...change } = message;
        listener.event({ id: eventId ?? '', name: 'change', text: JSON.stringify(change) });
        return;
      }
      default: {
        const event = message['event'] as { readonly id: string; readonly type: string };
        const short = event.type.split('.').slice(-2).join('.');
        listener.event({ id: event.id, name: short, text: JSON.stringify(event) });
      }
    }
  }

  /** Whoever subscribed under a name. What comes under a name that nobody has is a finding. */
  #laneOf(name: string, message: SocketMessage): Lane | undefined {
    const lane = this.#lanes.get(name);
    if (lane !== undefined && (lane.begun || message.type === 'subscribed')) return lane;
    if (lane !== undefined) {
      this.#find('wrong-order', `was told of subscription ${name} before that it has begun`, message);
    } else if (!this.#leaving.has(name)) {
      this.#find('leak', `was told of a subscription ${name} that it has not`, message);
    }
    return undefined;
  }

  #failed(message: SocketMessage): void {
    const code = message['code'] as ErrorCode;
    const { status, close } = errorCodeRow(code);
    const name = (message['subscriptionId'] as string | undefined) ?? this.#first;
    if (name === undefined) {
      this.#asked[0]?.errors.push(code);
      // What it said before, or was done for it, may fail later.
      if (code === 'SERVICE_UNAVAILABLE') this.options.onMessage(this, message);
      else if (this.#asked.length === 0) {
        this.#find('wrong-message', 'was refused what it did not ask for', message);
      }
      return;
    }
    if (name === this.#first) this.#first = undefined;
    const lane = this.#lanes.get(name);
    if (lane?.begun === false) {
      this.#lanes.delete(name);
      lane.listener.refused(status, JSON.stringify(message));
      if (this.#lanes.size === 0) this.#end();
    } else if (lane !== undefined) {
      const reconnect = close === undefined || close < FIRST_FINAL_CLOSE_CODE;
      lane.listener.ended(JSON.stringify({ code, reconnect }));
    }
  }

  #renewed(): void {
    const [asked] = this.#asked;
    if (asked?.ticket === undefined) return;
    asked.renewed = true;
    this.ticket = asked.ticket;
    this.#tickets = [...this.#tickets, asked.ticket];
    for (const { listener } of this.#lanes.values()) listener.renewed(asked.ticket);
  }

  #refused(status: number, body: string): void {
    const lanes = this.#takeAll();
    for (const { listener } of lanes) listener.refused(status, body);
  }

  /** Whether the connection was lost without a word of either side. */
  isLost = false;

  #closed(reason = ''): void {
    this.isLost = !this.#over && !this.#isOurs && reason === '';
    for (const { listener } of this.#takeAll()) {
      if (reason !== '') {
        const close = errorCodeRow(reason as ErrorCode)?.close;
        const reconnect = close === undefined || close < FIRST_FINAL_CLOSE_CODE;
        listener.ended(JSON.stringify({ code: reason, reconnect }));
      }
      listener.closed();
    }
  }

  #end(): void {
    const client = this.#client;
    this.#takeAll();
    client?.socket.terminate();
  }

  #takeAll(): Lane[] {
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    if (!this.#over) this.options.onEnd();
    this.#over = true;
    this.#client = undefined;
    for (const { resolve } of this.#asked.splice(0)) resolve(undefined);
    return lanes;
  }

  #find(kind: Finding['kind'], what: string, message: SocketMessage): void {
    const { principal } = this.ticket;
    const lanes = [...this.#lanes.keys()];
    this.options.onFinding(new Finding(kind, `a socket of ${principal} ${what}`, { message, lanes }));
  }
}
