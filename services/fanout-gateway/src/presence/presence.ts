import { randomUUID } from 'node:crypto';
import {
  PRESENCE_BUCKET,
  REALTIME_TRANSPORT_CONFIG,
  SOCKET_LIMITS,
  TidewireError,
  formatTimestamp,
} from '@tidewire/contract';
import { BusUnavailableError, StreamRefusedError, openPresenceStore } from '@tidewire/messaging';
import type { Leases, MessageBus, PresenceStore } from '@tidewire/messaging';
import type { RightsView } from '@tidewire/policy';
import type { Reader } from '@tidewire/rights';
import type { Clock, Logger, Timer } from '@tidewire/service-kit';
import { Gate } from '@tidewire/service-kit';
import type { Peer } from '../transports/peer.ts';
import { Departures } from './departures.ts';
import { belongsTo, requirePage } from './page-access.ts';
import type { Page, Visit } from './page-access.ts';
import { PageCensus } from './page-census.ts';
import { normalisePagePath } from './page-path.ts';
import { Room } from './room.ts';
import type { Stay } from './room.ts';
import { Upkeep } from './upkeep.ts';

export interface PresenceOptions {
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This gateway's name among all, as its leases have it. */
  readonly instance: string;
  /** Who lives; undefined while that cannot be known. */
  readonly leases: () => Pick<Leases, 'listAlive'> | undefined;
  readonly view: () => RightsView;
  /** Whether rights are those of now; nobody is told of anybody while they are not. */
  readonly delivering: () => boolean;
  /** Stays of all connections of this process. */
  readonly maxStays?: number;
  /** On how many NATS servers it is known who is there. Default 1. */
  readonly replicas?: number;
}

/** One connection, with the pages that it is on. */
interface Visitor {
  readonly peer: Peer;
  /** By the path of the page. */
  readonly stays: Map<string, Stay>;
  /** Joins that are under way, those that were given up included. */
  joining: number;
  /** Monotonic milliseconds at which something came from it last. */
  seenAt: number;
}

const MAX_STAYS = 20_000;
const SWEEP_MS = 5000;
/** Longer than a connection can stay unseen and longer than the time between two writes of an entry. */
const ENTRY_TTL_MS = 2 * REALTIME_TRANSPORT_CONFIG.presenceStaleTimeoutMs;
/** Joins that ask the store at the same time. */
const JOINS_AT_ONCE = 64;
/** Joins of one connection under way at once; only one that joins and leaves in turn has more than it may have pages. */
const MAX_JOINING = 2 * SOCKET_LIMITS.maxPages;

/**
 * Who is on which page, over all gateways. People of one organisation see each other on a page that they may know; a
 * person is there as long as one of their connections is. A connection that the server takes off a page is told that it
 * sees nobody there any more (`presence-sync` without users); it may join again.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #store: PresenceStore;
  readonly #departures: Departures;
  readonly #census: PageCensus;
  readonly #upkeep: Upkeep;
  readonly #rooms = new Map<string, Room>();
  /** By the id of the connection. */
  readonly #visitors = new Map<string, Visitor>();
  readonly #gate = new Gate(JOINS_AT_ONCE);
  readonly #sweep: Timer;
  #stays = 0;
  /** Whether something was not told because rights were not those of now. */
  #silenced = false;

  constructor(options: PresenceOptions) {
    const { bus, clock, logger, instance, maxStays = MAX_STAYS, replicas = 1 } = options;
    const store = openPresenceStore(bus, { bucket: PRESENCE_BUCKET, ttlMs: ENTRY_TTL_MS, replicas });
    const departures = new Departures(store, maxStays);
    const cap = REALTIME_TRANSPORT_CONFIG.maxPresenceEntriesPerPage;
    const census = new PageCensus({ store, departures, instance, cap, alive: () => this.#findAlive() });
    const seenAt = ({ peer }: Stay): number => this.#visitors.get(peer.id)?.seenAt ?? -Infinity;
    this.#options = options;
    this.#store = store;
    this.#departures = departures;
    this.#census = census;
    this.#upkeep = new Upkeep({
      bus,
      store,
      clock,
      logger,
      census,
      departures,
      rooms: this.#rooms,
      seenAt,
    });
    this.#sweep = clock.setInterval(() => this.#look(), SWEEP_MS);
  }

  /** Pages and stays of this process. */
  get size(): { readonly pages: number; readonly stays: number } {
    return { pages: this.#rooms.size, stays: this.#stays };
  }

  /**
   * The page as it will be called when the reader joins it now.
   *
   * @throws TidewireError VALIDATION_ERROR, FORBIDDEN or NOT_FOUND.
   */
  requirePage(reader: Reader, pagePath: string): string {
    return this.#require(reader, pagePath).page.path;
  }

  /**
   * Puts the connection on a page and tells it who is there; who is told so already is told again. Resolves when that is
   * done, or when the connection left meanwhile.
   *
   * @throws TidewireError VALIDATION_ERROR, FORBIDDEN, NOT_FOUND, TOO_MANY_SUBSCRIPTIONS, RATE_LIMITED; SERVICE_UNAVAILABLE
   * while other gateways cannot be asked. The connection is not on the page then.
   */
  async join(peer: Peer, pagePath: string): Promise<void> {
    const { page, principal } = this.#require(peer.reader, pagePath);
    if (!peer.open) return;
    if (!this.#options.delivering()) throw unavailable('rights cannot be confirmed');
    const visitor = this.#visitor(peer);
    const known = visitor.stays.get(page.path);
    if (known?.room.page.key === page.key) {
      if (known.state === 'there') known.room.sync(known);
      return;
    }
    if (known !== undefined) this.#end(known);
    this.#requireRoom(visitor);
    const joinedAt = formatTimestamp(this.#options.clock.now());
    const entry = {
      id: principal.id,
      name: principal.name || principal.id,
      pagePath: page.path,
      joinedAt,
      connection: randomUUID(),
      gateway: this.#options.instance,
    };
    const room = this.#open(page);
    const stay: Stay = { peer, room, entry, state: 'joining', writtenAt: -Infinity };
    this.#visitors.set(peer.id, visitor);
    visitor.stays.set(page.path, stay);
    room.stays.set(entry.connection, stay);
    this.#stays += 1;
    visitor.joining += 1;
    try {
      await this.#gate.run(() => this.#enter(stay));
    } finally {
      visitor.joining -= 1;
      this.#forget(visitor);
    }
  }

  /** Takes the connection off a page. One that is not there, or does not exist, is left as well. */
  leave(peer: Peer, pagePath: string): void {
    const visitor = this.#visitors.get(peer.id);
    if (visitor === undefined) return;
    let path = normalisePagePath(pagePath);
    try {
      path = this.#require(peer.reader, path).page.path;
    } catch {
      // Whoever may not come any more may go.
    }
    const stay = visitor.stays.get(path);
    if (stay !== undefined) this.#end(stay);
  }

  /** The connection is over. */
  left(peer: Peer): void {
    for (const stay of this.#visitors.get(peer.id)?.stays.values() ?? []) this.#end(stay);
  }

  /** Something came from the connection: it is there. */
  touch(peer: Peer): void {
    const visitor = this.#visitors.get(peer.id);
    if (visitor !== undefined) visitor.seenAt = this.#options.clock.monotonic();
  }

  /** Whether the connection is on any page, or about to be. */
  isPresent(peer: Peer): boolean {
    return this.#visitors.has(peer.id);
  }

  /**
   * Rights are others than before, of these principals or perhaps of all. Who may not be on a page any more is taken off
   * it; who acts for another organisation now is on that one's page.
   */
  rightsChanged(principals: ReadonlySet<string> | 'all'): void {
    for (const { peer, stays } of this.#visitors.values()) {
      const { principalId } = peer.reader;
      if (principals !== 'all' && (principalId === null || !principals.has(principalId))) continue;
      for (const stay of stays.values()) this.#review(stay);
    }
  }

  /** Takes everybody off their pages. */
  async stop(): Promise<void> {
    this.#sweep.cancel();
    this.#upkeep.stop();
    for (const { peer } of this.#visitors.values()) this.left(peer);
    await this.#departures.settled();
  }

  async #enter(stay: Stay): Promise<void> {
    const { room, entry } = stay;
    if (isOver(stay)) return;
    try {
      await this.#upkeep.prepare();
      if (isOver(stay)) return;
      stay.writtenAt = this.#options.clock.monotonic();
      await this.#store.put(room.page.key, entry);
      if (isOver(stay)) return;
      room.add(entry);
      await room.census.run();
      if (isOver(stay)) return;
      stay.state = 'there';
      room.sync(stay);
      this.#store.signal(room.page.key, { change: 'join', entry });
    } catch (error) {
      const given = isOver(stay);
      this.#end(stay);
      this.#upkeep.doubt();
      if (!(error instanceof BusUnavailableError) && !(error instanceof StreamRefusedError)) throw error;
      if (!given) throw unavailable('other gateways cannot be asked', error);
    }
  }

  #require(reader: Reader, pagePath: string): Visit {
    return requirePage(this.#options.view(), reader, normalisePagePath(pagePath));
  }

  #requireRoom({ stays, joining }: Visitor): void {
    const { maxStays = MAX_STAYS } = this.#options;
    if (stays.size >= SOCKET_LIMITS.maxPages) {
      const message = `A connection is on at most ${SOCKET_LIMITS.maxPages} pages at once`;
      throw new TidewireError('TOO_MANY_SUBSCRIPTIONS', message);
    }
    if (joining >= MAX_JOINING) {
      throw new TidewireError('RATE_LIMITED', 'This connection joins and leaves too quickly', {
        retryAfterSeconds: 1,
      });
    }
    if (this.#stays + this.#departures.size >= maxStays) {
      throw unavailable('this server keeps as many people on pages as it may');
    }
  }

  #visitor(peer: Peer): Visitor {
    const seenAt = this.#options.clock.monotonic();
    const visitor = this.#visitors.get(peer.id) ?? { peer, stays: new Map(), joining: 0, seenAt };
    visitor.seenAt = seenAt;
    return visitor;
  }

  #forget(visitor: Visitor): void {
    if (visitor.stays.size === 0 && visitor.joining === 0) this.#visitors.delete(visitor.peer.id);
  }

  #open(page: Page): Room {
    const known = this.#rooms.get(page.key);
    if (known !== undefined) return known;
    const room = new Room({
      page,
      store: this.#store,
      census: (each) => this.#census.take([each], this.#upkeep.removes),
      mayHear: (stay) => this.#mayHear(stay),
      onEvicted: (stay) => this.#turnOut(stay),
    });
    this.#rooms.set(page.key, room);
    return room;
  }

  #end(stay: Stay): void {
    if (stay.state === 'over') return;
    stay.state = 'over';
    const { peer, room, entry } = stay;
    this.#stays -= 1;
    room.stays.delete(entry.connection);
    room.remove(entry.connection);
    this.#departures.add(room.page.key, entry.connection);
    if (room.stays.size === 0) {
      room.close();
      this.#rooms.delete(room.page.key);
    }
    const visitor = this.#visitors.get(peer.id);
    if (visitor === undefined) return;
    if (visitor.stays.get(entry.pagePath) === stay) visitor.stays.delete(entry.pagePath);
    this.#forget(visitor);
  }

  /** Ends a stay that its connection did not end, and tells it. */
  #turnOut(stay: Stay): void {
    this.#end(stay);
    stay.peer.tell({ type: 'presence-sync', pagePath: stay.entry.pagePath, users: [] });
  }

  #review(stay: Stay): void {
    const { peer, room } = stay;
    let organisation: string | undefined;
    try {
      const { page } = requirePage(this.#options.view(), peer.reader, room.page.path);
      if (page.key === room.page.key) return;
      ({ organisation } = page);
    } catch (error) {
      if (!(error instanceof TidewireError)) throw error;
    }
    this.#turnOut(stay);
    if (organisation !== undefined) void this.#move(peer, room.page.path);
  }

  async #move(peer: Peer, path: string): Promise<void> {
    try {
      await this.join(peer, path);
    } catch (error) {
      if (!(error instanceof TidewireError)) this.#options.logger.error('presence was not moved', { error });
      else if (error.code === 'SERVICE_UNAVAILABLE') {
        peer.tell({ type: 'error', code: error.code, message: error.message });
      }
    }
  }

  #mayHear({ peer, room }: Stay): boolean {
    if (this.#options.delivering()) return belongsTo(this.#options.view(), peer.reader, room.page);
    this.#silenced = true;
    return false;
  }

  async #findAlive(): Promise<ReadonlySet<string>> {
    const leases = this.#options.leases();
    if (leases === undefined) throw new BusUnavailableError('it is not known which gateways live');
    return await leases.listAlive();
  }

  /** Takes off who has gone without a word, and brings the rest up to date. */
  #look(): void {
    const oldest = this.#options.clock.monotonic() - REALTIME_TRANSPORT_CONFIG.presenceStaleTimeoutMs;
    for (const { peer, stays, seenAt } of this.#visitors.values()) {
      if (!peer.open) this.left(peer);
      else if (seenAt <= oldest) for (const stay of stays.values()) this.#turnOut(stay);
    }
    for (const { members } of this.#rooms.values()) members.forget();
    if (this.#silenced && this.#options.delivering()) this.#tellAgain();
    void this.#upkeep.turn();
  }

  #tellAgain(): void {
    this.#silenced = false;
    this.rightsChanged('all');
    for (const room of this.#rooms.values()) {
      for (const stay of room.stays.values()) if (stay.state === 'there') room.sync(stay);
    }
  }
}

function isOver(stay: Stay): boolean {
  return stay.state === 'over';
}

function unavailable(why: string, cause?: unknown): TidewireError {
  return new TidewireError('SERVICE_UNAVAILABLE', `Presence is not available: ${why}`, {
    retryAfterSeconds: 1,
    ...(cause === undefined ? {} : { cause }),
  });
}
