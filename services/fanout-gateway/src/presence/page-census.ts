import type { PresenceStore } from '@tidewire/messaging';
import { mapBounded } from '@tidewire/service-kit';
import type { Departures } from './departures.ts';
import type { Room, Stay } from './room.ts';

export interface PageCensusOptions {
  readonly store: PresenceStore;
  readonly departures: Departures;
  readonly instance: string;
  /** Connections that a page holds. */
  readonly cap: number;
  /** The gateways that live. */
  readonly alive: () => Promise<ReadonlySet<string>>;
}

/** Questions to the store at once. */
const AT_ONCE = 16;
/** Entries of a page that are read in one go. */
const MAX_READ = 200;
const EVICTION_ATTEMPTS = 3;

/** Brings what rooms know of their pages in line with the store, and pages in line with their cap. */
export class PageCensus {
  readonly #options: PageCensusOptions;
  #alive: ReadonlySet<string>;

  constructor(options: PageCensusOptions) {
    this.#options = options;
    this.#alive = new Set([options.instance]);
  }

  /**
   * Compares rooms with the store; members are told what differs. `removes`: whether what the store does not hold is
   * gone; otherwise it is only told who is there besides.
   */
  async take(rooms: readonly Room[], removes: boolean): Promise<void> {
    const { store } = this.#options;
    const asked = rooms.map((room) => ({
      room,
      since: room.members.mark(),
      own: [...room.stays.values()].filter(({ state }) => state === 'there'),
    }));
    const lists = await mapBounded(asked, AT_ONCE, ({ room }) => store.list(room.page.key));
    for (const [index, { room, since, own }] of asked.entries()) {
      const listed = new Set(lists[index]);
      const missing = own.filter(({ entry, state }) => state !== 'over' && !listed.has(entry.connection));
      const found = await this.#read(room, listed);
      const alive = await this.#aliveAmong([
        ...room.members.gateways(),
        ...found.map(({ gateway }) => gateway),
      ]);
      // Own entries that are missing mean that the store lost some: those of others may be written again as well.
      const census = { since, listed, found, alive, own: new Set(room.stays.keys()) };
      room.apply(room.members.settle(census, removes && missing.length === 0));
      await this.#writeAgain(missing);
      if (room.members.size > this.#options.cap) await this.#evict(room);
    }
  }

  /** Takes those off all pages whose gateway does not live. */
  async dropDead(rooms: Iterable<Room>): Promise<void> {
    const marks = [...rooms].map((room) => [room, room.members.mark()] as const);
    const alive = await this.#askAlive();
    for (const [room, since] of marks) room.apply(room.members.dropDead(alive, since));
  }

  /** One that came to life since they were asked is asked for again; one that died since is found by `dropDead`. */
  async #aliveAmong(gateways: readonly string[]): Promise<ReadonlySet<string>> {
    return gateways.every((each) => this.#alive.has(each)) ? this.#alive : await this.#askAlive();
  }

  async #askAlive(): Promise<ReadonlySet<string>> {
    this.#alive = new Set([...(await this.#options.alive()), this.#options.instance]);
    return this.#alive;
  }

  async #read(room: Room, listed: ReadonlySet<string>): Promise<Stay['entry'][]> {
    const { store, departures, instance } = this.#options;
    const { key, path } = room.page;
    const news = room.members.unknown(listed).slice(0, MAX_READ);
    const stored = await mapBounded(news, AT_ONCE, (connection) => store.read(key, connection));
    return stored.flatMap((each) => {
      if (each?.entry.pagePath !== path) return [];
      const { entry } = each;
      if (entry.gateway !== instance) return [entry];
      // A connection of this gateway that is not here any more: its entry was not taken away.
      if (!room.stays.has(entry.connection)) departures.add(key, entry.connection);
      return [];
    });
  }

  async #writeAgain(stays: readonly Stay[]): Promise<void> {
    await mapBounded(stays, AT_ONCE, async ({ state, room, entry }) => {
      if (state !== 'over') await this.#options.store.put(room.page.key, entry);
    });
  }

  /**
   * Who was seen longest ago goes, as all gateways see it: by the order in which entries were written last. One that is
   * written again meanwhile stays.
   */
  async #evict(room: Room): Promise<void> {
    const { store, cap } = this.#options;
    const { key } = room.page;
    for (let attempt = 0; attempt < EVICTION_ATTEMPTS && room.members.size > cap; attempt += 1) {
      const stored = await mapBounded(room.members.connections(), AT_ONCE, (each) => store.read(key, each));
      const there = stored.filter((each) => each !== undefined).toSorted((a, b) => a.revision - b.revision);
      if (there.length <= cap) return;
      for (const { entry, revision } of there.slice(0, there.length - cap)) {
        if (!(await store.remove(key, entry.connection, revision))) continue;
        store.signal(key, { change: 'leave', connection: entry.connection });
        room.evict(entry.connection);
      }
    }
  }
}
