import type { MessageBus, PresenceStore } from '@tidewire/messaging';
import type { Clock, Logger } from '@tidewire/service-kit';
import { mapBounded } from '@tidewire/service-kit';
import type { Departures } from './departures.ts';
import type { PageCensus } from './page-census.ts';
import type { Room, Stay } from './room.ts';

export interface UpkeepOptions {
  readonly bus: MessageBus;
  readonly store: PresenceStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly census: PageCensus;
  readonly departures: Departures;
  /** The rooms of this gateway by their page's key. */
  readonly rooms: Map<string, Room>;
  /** Monotonic milliseconds at which a frame of the stay's connection came last. */
  readonly seenAt: (stay: Stay) => number;
}

/** An entry is written again when its connection was seen since, at most so often: the order of entries is that of being seen. */
const REWRITE_MS = 20_000;
/** After NATS was away all gateways write themselves and their entries again: until then nobody is missing. */
const GRACE_MS = 6000;
/** Pages that are compared with the store in one turn; the others are next. */
const PAGES_PER_TURN = 100;
const AT_ONCE = 16;

/** Keeps store and rooms in line with each other while time passes and NATS comes and goes. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #offStatus: () => void;
  #made = false;
  #busy = false;
  #graceUntil = -Infinity;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#offStatus = options.bus.onStatus((status) => {
      if (status === 'disconnected') this.#graceUntil = Infinity;
      if (status === 'reconnected') this.#comeBack();
    });
  }

  /** Whether who is not in the store is gone. */
  get removes(): boolean {
    return this.#options.clock.monotonic() >= this.#graceUntil;
  }

  /** Makes the bucket, unless that was done. */
  async prepare(): Promise<void> {
    if (this.#made) return;
    await this.#options.store.ensure();
    this.#made = true;
  }

  /** The store did not do what it was asked: perhaps its bucket is not there. */
  doubt(): void {
    this.#made = false;
  }

  /** One turn; nothing when the one before is not over. Never rejects. */
  async turn(): Promise<void> {
    const { bus, rooms, departures, census, logger } = this.#options;
    if (this.#busy || !bus.connected || (rooms.size === 0 && departures.size === 0)) return;
    this.#busy = true;
    try {
      await this.prepare();
      departures.retry();
      await this.#writeAgain();
      await census.take(this.#nextRooms(), this.removes);
      if (this.removes) await census.dropDead(rooms.values());
    } catch (error) {
      this.doubt();
      logger.warn('presence could not be brought up to date', { error });
    } finally {
      this.#busy = false;
    }
  }

  stop(): void {
    this.#offStatus();
  }

  #comeBack(): void {
    this.#graceUntil = this.#options.clock.monotonic() + GRACE_MS;
    this.#made = false;
    for (const stay of this.#stays()) stay.writtenAt = -Infinity;
    void this.turn();
  }

  async #writeAgain(): Promise<void> {
    const { clock, store, seenAt } = this.#options;
    const now = clock.monotonic();
    const due = [...this.#stays()].filter(
      (stay) =>
        stay.state === 'there' &&
        (stay.writtenAt === -Infinity ||
          (now - stay.writtenAt >= REWRITE_MS && seenAt(stay) > stay.writtenAt)),
    );
    await mapBounded(due, AT_ONCE, async (stay) => {
      if (stay.state !== 'there') return;
      await store.put(stay.room.page.key, stay.entry);
      stay.writtenAt = now;
    });
  }

  *#stays(): Iterable<Stay> {
    for (const room of this.#options.rooms.values()) yield* room.stays.values();
  }

  /** Those that were not compared for the longest time. */
  #nextRooms(): Room[] {
    const { rooms } = this.#options;
    const next = [...rooms].slice(0, PAGES_PER_TURN);
    for (const [key, room] of next) {
      rooms.delete(key);
      rooms.set(key, room);
    }
    return next.map(([, room]) => room);
  }
}
