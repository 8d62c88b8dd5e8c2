import type { ClientMessage, StreamMessage } from '@tidewire/contract';
import { ClientError } from '../client-error.ts';
import { Deadline } from '../deadline.ts';
import { Listeners } from '../listeners.ts';
import type { PageChange, Runtime } from '../runtime.ts';
import type { Transport, TransportConnection, TransportEnd } from '../transports/transport.ts';
import { Credential } from './credential.ts';
import { EditBook } from './edit-book.ts';
import type { EditSink, Link, LinkStatus, PresenceSink, SubscriptionSink, SubscriptionWish } from './link.ts';
import { createLinkMachine, stepLink } from './link-state.ts';
import type { LinkAction, LinkEvent, LinkMachine, LinkPhase } from './link-state.ts';
import { PageBook } from './page-book.ts';
import { SubscriptionBook } from './subscription-book.ts';
import type { Upgrade } from './upgrade.ts';

/** How long a connection is kept that nobody needs any more: a page that changes its view needs it again at once. */
const LINGER_MS = 5000;
/** When the code of the other transports is fetched, after the first connection: nothing else is waiting by then. */
const PRELOAD_MS = 10_000;

export interface ConnectionLinkOptions {
  readonly url: string;
  readonly runtime: Runtime;
  /** The ladder, best first. */
  readonly transports: readonly Transport[];
  /** Undefined: the browser's cookies say who asks. */
  readonly getToken: (() => string | null | Promise<string | null>) | undefined;
  /** Who a credential stands for. @throws ClientError */
  readonly identify: (token: string | null) => Promise<string>;
  /** Who it has to stand for, where that is known already. */
  readonly identity?: string | undefined;
  /** Fetches what only those need who cannot have the best transport. */
  readonly loadUpgrade: () => Promise<typeof Upgrade>;
}

/** The link of one tab: does what the machine of `link-state.ts` wants, and hands messages to whom they concern. */
export class ConnectionLink implements Link {
  readonly #options: ConnectionLinkOptions;
  readonly #credential: Credential;
  readonly #subscriptions: SubscriptionBook;
  readonly #pages = new PageBook();
  readonly #edits: EditBook;
  #upgrade: Promise<Upgrade | undefined> | undefined;
  readonly #listeners = new Listeners();
  readonly #deadline: Deadline;
  readonly #linger: Deadline;
  readonly #preload: Deadline;
  readonly #unwatch: () => void;
  #machine: LinkMachine;
  #connection: TransportConnection | undefined;
  #error: ClientError | null = null;
  #held = false;
  #status: LinkStatus;
  #queue: LinkEvent[] | undefined;

  constructor(options: ConnectionLinkOptions) {
    const { runtime, transports, getToken, identify, identity } = options;
    this.#options = options;
    this.#deadline = new Deadline(runtime.clock, () => this.#step({ name: 'deadline' }));
    this.#linger = new Deadline(runtime.clock, () => this.#step({ name: 'unneeded' }));
    this.#preload = new Deadline(runtime.clock, () => {
      for (const transport of transports) void transport.preload?.();
    });
    this.#credential = new Credential({ clock: runtime.clock, getToken, identify, identity });
    this.#subscriptions = new SubscriptionBook(runtime.clock);
    this.#edits = new EditBook(runtime.clock);
    this.#machine = createLinkMachine(runtime.page.online, transports.length);
    this.#status = this.#describe();
    this.#unwatch = runtime.page.watch((change) => this.#live(change));
  }

  get status(): LinkStatus {
    return this.#status;
  }

  watch(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  subscribe(wish: SubscriptionWish, sink: SubscriptionSink): () => void {
    if (this.#refusesNow(sink.ended.bind(sink))) return () => undefined;
    const { id, handshake } = this.#subscriptions.add(wish, sink);
    this.#connection?.add(handshake);
    this.#needed();
    return () => {
      if (!this.#subscriptions.remove(id)) return;
      this.#connection?.remove(id);
      this.#needed();
    };
  }

  join(pagePath: string, sink: PresenceSink): () => void {
    if (this.#refusesNow(sink.refused.bind(sink))) return () => undefined;
    if (this.#pages.add(pagePath, sink)) this.#say({ type: 'join', pagePath });
    this.#needed();
    return () => {
      if (this.#pages.remove(pagePath, sink)) this.#say({ type: 'leave', pagePath });
      this.#needed();
    };
  }

  edit(what: Parameters<Link['edit']>[0], sink: EditSink): () => void {
    this.#say(this.#edits.add(what, sink));
    this.#needed();
    return () => {
      const last = this.#edits.remove(what.recordId, sink);
      if (last !== undefined) this.#say(last);
      this.#needed();
    };
  }

  reconnect(): void {
    this.#step({ name: 'reconnect' });
  }

  close(): void {
    this.#unwatch();
    this.#linger.set(null);
    this.#preload.set(null);
    this.#credential.forget();
    this.#error = new ClientError('CLOSED', 'The client was closed');
    this.#step({ name: 'close' });
    this.#subscriptions.endAll(this.#error);
  }

  /** A page that is frozen may keep no connection: it is without a network until it wakes. */
  #live(change: PageChange): void {
    const { page } = this.#options.runtime;
    if (change === 'frozen' || change === 'offline') this.#step({ name: 'offline' });
    else if (change !== 'hidden') {
      this.#step({ name: page.online && !this.#machine.online ? 'online' : 'woke' });
    }
  }

  get #size(): number {
    return this.#subscriptions.size + this.#pages.size + this.#edits.size;
  }

  /** After the end nothing begins any more, and whoever asks is told so, later than it asked. */
  #refusesNow(tell: (error: ClientError) => void): boolean {
    const { phase } = this.#machine;
    const error = this.#error;
    if ((phase !== 'closed' && phase !== 'refused') || error === null) return false;
    queueMicrotask(() => tell(error));
    return true;
  }

  #needed(): void {
    if (this.#size === 0) this.#linger.in(LINGER_MS);
    else {
      this.#linger.set(null);
      this.#step({ name: 'needed' });
    }
  }

  /** Steps follow one another, also those that an action leads to. */
  #step(event: LinkEvent): void {
    if (this.#queue !== undefined) {
      this.#queue.push(event);
      return;
    }
    this.#queue = [event];
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#take(next);
    this.#queue = undefined;
    this.#tell();
  }

  #take(event: LinkEvent): void {
    const { runtime, transports } = this.#options;
    const before = this.#machine;
    const { state, actions } = stepLink(before, event, {
      now: runtime.clock.now(),
      random: runtime.random(),
      silenceMs: transports.map(({ silenceMs }) => silenceMs),
    });
    this.#machine = state;
    this.#deadline.set(state.deadline);
    if (state.phase === 'live') {
      this.#error = null;
      if (before.phase === 'connecting') this.#preload.in(PRELOAD_MS);
    }
    for (const action of actions) this.#act(action);
    if (state.rung > 0) this.#upgrade ??= this.#loadUpgrade();
    void this.#upgrade?.then((upgrade) => upgrade?.follow(this.#machine));
    if (state.phase === 'refused' && before.phase !== 'refused') this.#refused();
  }

  #act(action: LinkAction): void {
    switch (action) {
      case 'authorize':
      case 'authorize-anew':
        return this.#authorize(action === 'authorize-anew');
      case 'open':
        return this.#open();
      case 'disconnect':
        return this.#disconnect();
      case 'ping':
        return this.#connection?.ping();
    }
  }

  /** Undefined: the code did not come. The next step asks for it again. */
  async #loadUpgrade(): Promise<Upgrade | undefined> {
    try {
      const Better = await this.#options.loadUpgrade();
      return new Better(this.#options, {
        token: () => this.#credential.token,
        handshakes: this.#subscriptions.handshakes,
        found: (rung) => this.#step({ name: 'better', rung }),
      });
    } catch {
      this.#upgrade = undefined;
      return undefined;
    }
  }

  #authorize(anew: boolean): void {
    this.#credential.ask(anew, {
      got: () => this.#step({ name: 'authorized' }),
      failed: (error) => {
        this.#error = error;
        this.#step({ name: 'unauthorizable' });
      },
      none: (error) => {
        this.#error = error ?? this.#error;
        this.#step({ name: 'refused' });
      },
    });
  }

  #open(): void {
    const { url, transports } = this.#options;
    const transport = transports[this.#machine.rung];
    if (transport === undefined) return;
    let own: TransportConnection | undefined;
    const current = (): boolean => own !== undefined && own === this.#connection;
    own = transport.open(
      { url, token: this.#credential.token, subscriptions: this.#subscriptions.handshakes },
      {
        opened: () => {
          if (current()) this.#opened();
        },
        heard: () => {
          if (current()) this.#step({ name: 'heard' });
        },
        message: (message) => {
          if (!current()) return;
          this.#step({ name: 'heard' });
          this.#route(message);
        },
        ended: (end) => {
          if (current()) this.#ended(end);
        },
      },
    );
    this.#connection = own;
  }

  #opened(): void {
    for (const pagePath of this.#pages.paths) this.#say({ type: 'join', pagePath });
    for (const edit of this.#edits.announcements) this.#say(edit);
    this.#step({ name: 'opened' });
    // Without a subscription there is nothing that would be heard first.
    if (this.#subscriptions.size === 0) this.#connection?.ping();
  }

  #ended(end: TransportEnd): void {
    this.#error = end.error;
    this.#forgetConnection();
    if (end.kind === 'lost') this.#step({ name: 'lost', retryAfterMs: end.retryAfterMs });
    else this.#step({ name: end.kind });
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#forgetConnection();
    this.#credential.forget();
  }

  #forgetConnection(): void {
    this.#connection = undefined;
    this.#held = false;
    this.#subscriptions.interrupt();
    this.#pages.interrupt();
  }

  #refused(): void {
    const error = this.#error ?? new ClientError('UNAUTHORIZED', 'Authentication required', { status: 401 });
    this.#error = error;
    this.#subscriptions.interrupt();
  }

  #say(message: ClientMessage): void {
    this.#connection?.say(message);
  }

  #route(message: StreamMessage): void {
    switch (message.type) {
      case 'presence-sync':
      case 'join':
      case 'leave':
        return this.#pages.route(message);
      case 'conflict': {
        const again = this.#edits.conflict(message);
        return again && this.#say(again);
      }
      case 'connection-status':
        return this.#hold(message.status === 'reconnecting');
      case 'credential-expiring':
        return this.#credential.renew((token) => this.#connection?.renew(token));
      case 'error':
        if (message.subscriptionId === undefined) return this.#refuse(message);
        break;
      default:
    }
    this.#subscriptions.route(message, () => this.#connection);
    // What is told while everything else is held back is not all that there is to tell.
    if (this.#held) this.#subscriptions.interrupt();
  }

  #refuse(message: Extract<StreamMessage, { type: 'error' }>): void {
    if (!this.#edits.refuse(message, (edit) => this.#say(edit))) this.#pages.refuse(message);
  }

  #hold(held: boolean): void {
    this.#held = held;
    if (held) this.#subscriptions.interrupt();
    this.#tell();
  }

  #tell(): void {
    const status = this.#describe();
    if (JSON.stringify(status) === JSON.stringify(this.#status) && status.error === this.#status.error)
      return;
    this.#status = status;
    this.#listeners.tell();
  }

  #describe(): LinkStatus {
    const { phase, rung, exhausted, deadline } = this.#machine;
    const state = phase === 'live' && this.#held ? 'held' : STATE_OF[phase];
    const tries = state === 'live' || state === 'held' || state === 'silent' || state === 'connecting';
    return Object.freeze({
      state,
      transport: tries ? (this.#options.transports[rung]?.name ?? null) : null,
      exhausted,
      retryAt: phase === 'waiting' ? deadline : null,
      error: state === 'live' ? null : this.#error,
    });
  }
}

const STATE_OF = {
  idle: 'idle',
  offline: 'offline',
  authorizing: 'connecting',
  connecting: 'connecting',
  live: 'live',
  silent: 'silent',
  waiting: 'waiting',
  refused: 'refused',
  closed: 'closed',
} as const satisfies Record<LinkPhase, LinkStatus['state']>;
