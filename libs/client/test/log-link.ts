import type { CloudEvent, PresentUser } from '@tidewire/contract';
import { ClientError } from '../src/client-error.ts';
import type {
  EditSink,
  Link,
  LinkStatus,
  PresenceSink,
  SubscriptionSink,
  SubscriptionWish,
} from '../src/link/link.ts';
import type { BrowserTab } from './tabs.ts';

/** How long a connection takes to be made, and a message to arrive. Milliseconds. */
const CONNECT_MS = 50;
const LATENCY_MS = 30;

/** The log of one principal, and the connections over which it is told. */
export class LogServer {
  readonly principal: string;
  readonly log: { readonly id: string; readonly topic: string }[] = [];
  readonly links = new Set<LogLink>();
  /** Every join and leave, edit and settlement that was said to the server. */
  readonly said: string[] = [];
  /** How many subscriptions a connection has room for. */
  room = 100;
  /** Whose connections are refused. */
  readonly unwelcome = new Set<BrowserTab>();

  constructor(principal: string) {
    this.principal = principal;
  }

  append(topic: string): void {
    this.log.push({ id: position(this.log.length + 1), topic });
    for (const link of this.links) link.pump();
  }

  get head(): string {
    return position(this.log.length);
  }

  /** Ids of the events of a topic after one. */
  after(topic: string, id: string): readonly string[] {
    return this.log.filter((event) => event.topic === topic && event.id > id).map((event) => event.id);
  }
}

interface Subscription {
  readonly id: string;
  readonly topic: string;
  readonly sink: SubscriptionSink;
  /** Up to where the server has told; undefined: not on this connection. */
  at: string | undefined;
}

const STATUS: LinkStatus = Object.freeze({
  state: 'idle',
  transport: 'websocket',
  exhausted: false,
  retryAt: null,
  error: null,
});

/** A link that keeps the port's promises over a connection that a test can break. */
export class LogLink implements Link {
  readonly tab: BrowserTab;
  readonly subscriptions = new Set<Subscription>();
  readonly #server: LogServer;
  readonly #pages = new Map<string, Set<PresenceSink>>();
  readonly #edits = new Map<string, EditSink>();
  readonly #listeners = new Set<() => void>();
  #status = STATUS;
  /** Counts connections: what an earlier one brings comes too late. */
  #connection = 0;
  #arrival = 0;
  #next = 1;

  constructor(server: LogServer, tab: BrowserTab) {
    this.#server = server;
    this.tab = tab;
    server.links.add(this);
  }

  get status(): LinkStatus {
    return this.#status;
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  subscribe(wish: SubscriptionWish, sink: SubscriptionSink): () => void {
    if (this.#status.state === 'refused') {
      const { error } = this.#status;
      queueMicrotask(() => error && sink.ended(error));
      return () => undefined;
    }
    const topic = 'topic' in wish ? wish.topic : wish.table;
    const subscription: Subscription = { id: `s${this.#next++}`, topic, sink, at: undefined };
    this.subscriptions.add(subscription);
    if (this.#status.state === 'idle') this.#connect();
    else if (this.#status.state === 'live') this.#begin(subscription);
    return () => this.subscriptions.delete(subscription);
  }

  join(pagePath: string, sink: PresenceSink): () => void {
    const sinks = this.#pages.get(pagePath) ?? new Set();
    this.#pages.set(pagePath, sinks);
    sinks.add(sink);
    if (sinks.size === 1) this.#server.said.push(`join ${pagePath}`);
    const { principal } = this.#server;
    const user: PresentUser = { id: principal, name: principal, pagePath, joinedAt: '2026-01-01T00:00:00Z' };
    sink.message({ type: 'presence-sync', pagePath, users: [user] });
    return () => {
      if (!sinks.delete(sink) || sinks.size > 0) return;
      this.#pages.delete(pagePath);
      this.#server.said.push(`leave ${pagePath}`);
    };
  }

  edit({ recordId, fields }: Parameters<Link['edit']>[0], sink: EditSink): () => void {
    this.#edits.set(recordId, sink);
    this.#server.said.push(`edit ${recordId} ${fields.join()} ${sink.updatedAt()}`);
    return () => {
      if (this.#edits.get(recordId) !== sink) return;
      this.#edits.delete(recordId);
      this.#server.said.push(`settled ${recordId}`);
    };
  }

  /** Somebody else wrote a record that is being edited. */
  conflict(recordId: string, updatedAt: string): void {
    const sink = this.#edits.get(recordId);
    sink?.conflict({
      type: 'conflict',
      table: 'orders',
      recordId,
      overwrittenFields: ['title'],
      overwrittenBy: { id: '', name: 'Another user' },
      authoritativeRecord: { id: recordId, fields: {} },
      updatedAt,
      eventId: position(1),
      timestamp: updatedAt,
    });
    if (sink !== undefined) this.#server.said.push(`edit ${recordId} again ${sink.updatedAt()}`);
  }

  reconnect(): void {
    this.break();
  }

  /** The connection is cut; it is made again. */
  break(): void {
    if (this.#status.state === 'closed' || this.#status.state === 'idle') return;
    this.#connection += 1;
    for (const subscription of this.subscriptions) {
      if (subscription.at !== undefined) subscription.sink.interrupted();
      subscription.at = undefined;
    }
    this.#connect();
  }

  close(): void {
    this.#connection += 1;
    this.#server.links.delete(this);
    const error = new ClientError('CLOSED', 'The client was closed');
    this.#become('closed', error);
    const sinks = [...this.subscriptions].map(({ sink }) => sink);
    this.subscriptions.clear();
    for (const sink of sinks) sink.ended(error);
  }

  /** The server has more to tell. */
  pump(): void {
    if (this.#status.state !== 'live') return;
    for (const subscription of this.subscriptions) {
      for (const id of this.#server.after(subscription.topic, subscription.at ?? this.#server.head)) {
        subscription.at = id;
        this.#deliver(subscription, {
          type: 'event',
          subscriptionId: subscription.id,
          event: { id, source: this.#server.principal } as CloudEvent,
        });
      }
    }
  }

  #connect(): void {
    const own = (this.#connection += 1);
    this.#become('connecting', null);
    this.tab.browser.add(this.tab, CONNECT_MS, () => {
      if (own !== this.#connection) return;
      if (this.#server.unwelcome.has(this.tab)) {
        this.#become('refused', new ClientError('UNAUTHORIZED', 'Authentication required', { status: 401 }));
        return;
      }
      this.#become('live', null);
      for (const subscription of this.subscriptions) this.#begin(subscription);
    });
  }

  #begin(subscription: Subscription): void {
    if ([...this.subscriptions].indexOf(subscription) >= this.#server.room) {
      this.#later(() => {
        if (!this.subscriptions.delete(subscription)) return;
        subscription.sink.ended(new ClientError('TOO_MANY_SUBSCRIPTIONS', 'Too many'));
      });
      return;
    }
    const { head } = this.#server;
    const from = subscription.sink.cursor() ?? head;
    subscription.at = from;
    this.#deliver(subscription, {
      type: 'subscribed',
      subscriptionId: subscription.id,
      connectionId: '00000000-0000-4000-8000-000000000000',
      ...(from === head && { eventId: head }),
    });
    this.pump();
  }

  #deliver(subscription: Subscription, message: Parameters<SubscriptionSink['message']>[0]): void {
    this.#later(() => {
      if (this.subscriptions.has(subscription)) subscription.sink.message(message);
    });
  }

  /** In the order in which it was sent, if the connection lasts until then. */
  #later(run: () => void): void {
    const { browser } = this.tab;
    const own = this.#connection;
    this.#arrival = Math.max(this.#arrival, browser.now + Math.floor(browser.random() * LATENCY_MS));
    browser.add(this.tab, this.#arrival - browser.now, () => {
      if (own === this.#connection) run();
    });
  }

  #become(state: LinkStatus['state'], error: ClientError | null): void {
    this.#status = Object.freeze({ ...STATUS, state, error });
    for (const listener of this.#listeners) listener();
  }
}

/** A place in the log, which sorts as text. */
export function position(number: number): string {
  return `e-${String(number).padStart(8, '0')}`;
}
