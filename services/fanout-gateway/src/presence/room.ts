import type { PresenceEntry, PresenceSignal } from '@tidewire/contract';
import type { PresenceStore } from '@tidewire/messaging';
import { SharedWork } from '@tidewire/service-kit';
import type { Peer } from '../transports/peer.ts';
import type { Page } from './page-access.ts';
import { PageMembers } from './page-members.ts';
import type { UserChange } from './page-members.ts';

/** One stay of one connection on one page; coming back is another one. */
export interface Stay {
  readonly peer: Peer;
  readonly room: Room;
  readonly entry: PresenceEntry;
  /** `there` once it was told who else is; `over` for good. */
  state: 'joining' | 'there' | 'over';
  /** Monotonic milliseconds at which the entry was written last. */
  writtenAt: number;
}

export interface RoomOptions {
  readonly page: Page;
  readonly store: PresenceStore;
  /** Whether the stay's reader may be told of this page at the moment. */
  readonly mayHear: (stay: Stay) => boolean;
  /** Compares the room with the store. */
  readonly census: (room: Room) => Promise<void>;
  /** The stay's connection was taken off the page, here or by another gateway. */
  readonly onEvicted: (stay: Stay) => void;
}

/** A page that connections of this gateway are on: who is there, and telling them of it. */
export class Room {
  readonly page: Page;
  readonly members = new PageMembers();
  /** The stays of this gateway's connections, by the name of their entry. */
  readonly stays = new Map<string, Stay>();
  /** The comparison with the store, once for all that join at the same time. */
  readonly census: SharedWork;
  readonly #options: RoomOptions;
  readonly #off: () => void;

  constructor(options: RoomOptions) {
    this.#options = options;
    this.page = options.page;
    this.census = new SharedWork(() => options.census(this));
    this.#off = options.store.onSignal(options.page.key, (signal) => this.#take(signal));
  }

  add(entry: PresenceEntry): void {
    this.#tell(this.members.add(entry));
  }

  remove(connection: string): void {
    this.#tell(this.members.remove(connection));
  }

  apply(changes: readonly UserChange[]): void {
    this.#tell(changes);
  }

  /** Tells who is there. */
  sync(stay: Stay): void {
    const users = this.#options.mayHear(stay) ? this.members.users() : [];
    stay.peer.tell({ type: 'presence-sync', pagePath: this.page.path, users });
  }

  /** A connection was taken off the page. */
  evict(connection: string): void {
    const stay = this.stays.get(connection);
    if (stay === undefined) this.remove(connection);
    else this.#options.onEvicted(stay);
  }

  close(): void {
    this.#off();
  }

  #take(signal: PresenceSignal): void {
    if (signal.change === 'leave') this.evict(signal.connection);
    else if (signal.entry.pagePath === this.page.path) this.add(signal.entry);
  }

  /** To everybody who was told who is here: nobody's own, who came before one did or goes with the last one. */
  #tell(changes: readonly UserChange[]): void {
    const pagePath = this.page.path;
    for (const change of changes) {
      for (const stay of this.stays.values()) {
        if (stay.state !== 'there' || !this.#options.mayHear(stay)) continue;
        if (change.change === 'joined') stay.peer.tell({ type: 'join', user: change.user });
        else stay.peer.tell({ type: 'leave', userId: change.userId, pagePath });
      }
    }
  }
}
