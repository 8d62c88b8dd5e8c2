import { ClientError } from '../client-error.ts';
import type { Link, LinkStatus } from '../link/link.ts';
import type { Clock } from '../runtime.ts';
import { watchLock } from './held-lock.ts';
import type { Locks } from './held-lock.ts';
import type { WantServer } from './own-wants.ts';
import { toErrorData, toStatusData } from './shared-messages.ts';
import type { Leadership, MessageOf, News, SharedBody, SharedMessage, Untermed } from './shared-messages.ts';
import { positionAfter, serve } from './want.ts';
import type { Want, Wanter } from './want.ts';

/** How often a leader says that it is there. Milliseconds. */
const HEARTBEAT_MS = 5000;
/** What fits on one connection: subscriptions (PROTOCOL.md section 5.4), pages (5.5), records (5.6). */
const ROOM: Readonly<Record<Want['kind'], number>> = Object.freeze({
  subscription: 100,
  page: 10,
  edit: 100,
});

/** Another tab, for one session. */
interface Tab {
  readonly name: string;
  readonly session: number;
  readonly wants: Map<string, () => void>;
  readonly left: AbortController;
  /** How much it was told. */
  told: number;
  /** How much it said. */
  heard: number;
}

interface LeaderOptions {
  readonly self: Leadership;
  readonly link: Link;
  readonly clock: Clock;
  readonly locks: Locks;
  /** The lock that a tab holds as long as it is there. */
  readonly lockOf: (tab: string) => string;
  readonly post: (body: SharedBody) => void;
  /** The status changed. */
  readonly changed: () => void;
}

/** Has the connection, and asks it for what all tabs want. */
export class Leader implements WantServer {
  readonly #options: LeaderOptions;
  readonly #tabs = new Map<string, Tab>();
  /** Everything that the link is asked for, of whichever tab. */
  readonly #served = new Set<Want>();
  readonly #unwatch: () => void;
  #cancelHeartbeat: (() => void) | undefined;
  #closed = false;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#unwatch = options.link.watch(() => {
      if (options.link.status.state === 'refused') this.#resign();
      else this.announce();
      options.changed();
    });
    this.announce();
    this.#beat();
  }

  get status(): LinkStatus {
    return this.#options.link.status;
  }

  /** Says to all that this tab leads. */
  announce(): void {
    this.#post({ type: 'here', status: toStatusData(this.#options.link.status) });
  }

  start(_id: string, want: Want, wanter: Wanter): () => void {
    const stop = this.#hasRoom(want) ? serve(this.#options.link, want, wanter) : refuse(wanter);
    this.#served.add(want);
    return () => {
      this.#served.delete(want);
      stop();
    };
  }

  hear(message: SharedMessage): void {
    if (message.type === 'find') this.announce();
    if (message.term !== this.#options.self.term) return undefined;
    switch (message.type) {
      case 'find':
        return this.#answer(message);
      case 'enter':
        return this.#enter(message);
      case 'want':
        return this.#want(message);
      case 'unwant':
        return this.#unwant(message);
      case 'reconnect':
        return this.reconnect();
      default:
    }
  }

  /** Something may have been missed: a later leader says so now, and who follows sees to it that everything was heard. */
  wake(): void {
    this.#post({ type: 'find', session: 0, said: 0 });
  }

  reconnect(): void {
    this.#options.link.reconnect();
  }

  /** The credential of this tab does not count; those of the others may. They get nothing from here any more. */
  #resign(): void {
    this.#post({ type: 'gone' });
    this.#closed = true;
    for (const tab of this.#tabs.values()) this.#drop(tab);
  }

  /** Says that it leads no more, and closes the connection. What this tab itself wants has to be taken away before. */
  close(): void {
    this.#post({ type: 'gone' });
    this.#closed = true;
    this.#cancelHeartbeat?.();
    this.#unwatch();
    for (const tab of this.#tabs.values()) this.#drop(tab);
    this.#options.link.close();
  }

  #post(body: Untermed<'here' | 'gone' | 'find' | 'told' | 'news'>): void {
    const { post, self } = this.#options;
    if (!this.#closed) post({ ...body, term: self.term });
  }

  #beat(): void {
    this.#cancelHeartbeat = this.#options.clock.setTimeout(() => {
      // A tab that is alone needs not be woken for it.
      if (this.#tabs.size > 0) this.announce();
      this.#beat();
    }, HEARTBEAT_MS);
  }

  /** A page that somebody is on already, and a record that is edited already, take no further place. */
  #hasRoom(want: Want): boolean {
    const places = new Set<unknown>();
    for (const other of this.#served) if (other.kind === want.kind) places.add(placeOf(other));
    return places.size < ROOM[want.kind] || places.has(placeOf(want));
  }

  #enter({ from, session }: MessageOf<'enter'>): void {
    const { locks, lockOf } = this.#options;
    const before = this.#tabs.get(from);
    if (before !== undefined) this.#drop(before);
    const tab: Tab = {
      name: from,
      session,
      wants: new Map(),
      left: new AbortController(),
      told: 0,
      heard: 0,
    };
    this.#tabs.set(from, tab);
    void watchLock(locks, lockOf(from), tab.left.signal, () => this.#drop(tab));
  }

  #answer({ from, session, said }: MessageOf<'find'>): void {
    const tab = this.#find(from, session);
    const number = tab?.heard === said ? tab.told : -1;
    this.#post({ type: 'told', to: from, session, number });
  }

  #drop(tab: Tab): void {
    if (this.#tabs.get(tab.name) === tab) this.#tabs.delete(tab.name);
    tab.left.abort();
    for (const stop of tab.wants.values()) stop();
    tab.wants.clear();
  }

  #want({ from, session, id, want, position }: MessageOf<'want'>): void {
    const tab = this.#find(from, session);
    if (tab === undefined) return;
    tab.heard += 1;
    if (tab.wants.has(id)) return;
    tab.wants.set(id, this.start(id, want, this.#far(tab, id, position)));
  }

  #unwant({ from, session, id }: MessageOf<'unwant'>): void {
    const tab = this.#find(from, session);
    if (tab === undefined) return;
    tab.heard += 1;
    tab.wants.get(id)?.();
    tab.wants.delete(id);
  }

  #find(name: string, session: number): Tab | undefined {
    const tab = this.#tabs.get(name);
    return tab?.session === session ? tab : undefined;
  }

  /** A wanter in another tab: the link goes on from where that was told to, also when it is made anew. */
  #far(tab: Tab, id: string, begin: string | undefined): Wanter {
    let position = begin;
    return {
      position: () => position,
      message: (message) => {
        position = positionAfter(message) ?? position;
        this.#tell(tab, id, { message });
      },
      interrupted: () => this.#tell(tab, id, { interrupted: true }),
      ended: (error) => {
        tab.wants.get(id)?.();
        tab.wants.delete(id);
        this.#tell(tab, id, { ended: toErrorData(error) });
      },
    };
  }

  #tell(tab: Tab, id: string, news: News): void {
    tab.told += 1;
    this.#post({
      type: 'news',
      to: tab.name,
      session: tab.session,
      number: tab.told,
      id,
      news,
    });
  }
}

function placeOf(want: Want): unknown {
  switch (want.kind) {
    case 'subscription':
      return want;
    case 'page':
      return want.pagePath;
    case 'edit':
      return want.edit.recordId;
  }
}

/** Later than it was asked, as a server would. */
function refuse(wanter: Wanter): () => void {
  let wanted = true;
  queueMicrotask(() => {
    if (wanted) wanter.ended(new ClientError('TOO_MANY_SUBSCRIPTIONS', 'The shared connection is full'));
  });
  return () => {
    wanted = false;
  };
}
