import { isSlug } from '@tidewire/contract';
import { BusUnavailableError, StreamRefusedError } from './bus-error.ts';
import type { BusClock } from './clock.ts';
import { openExpiringBucket } from './expiring-bucket.ts';
import type { ExpiringBucket } from './expiring-bucket.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';

export interface LeasesOptions {
  /** `CONNECTIONS_BUCKET`. */
  readonly bucket: string;
  /** This process: a slug, another one after each start. */
  readonly instance: string;
  readonly clock: BusClock;
  readonly replicas?: number;
}

/** How many of something (connections) each principal holds, over all processes. */
export interface Leases {
  /** What this process holds for a principal. */
  held(principal: string): number;
  /**
   * Takes one more, unless the principal would then hold more than `limit` over all living processes. Of two that race
   * for the last one never both get it (perhaps neither). When the store cannot be asked, the limit holds for this
   * process alone.
   *
   * @throws RangeError when the principal is not a slug.
   */
  acquire(principal: string, limit: number): Promise<boolean>;
  /** Gives one back. */
  release(principal: string): void;
  /**
   * The processes that gave a sign of life within the last seconds, this one included; as of now.
   *
   * @throws BusUnavailableError, StreamRefusedError when the store cannot be asked.
   */
  listAlive(): Promise<ReadonlySet<string>>;
  /** Stops counting for this process. */
  close(): Promise<void>;
}

/** Without a sign of life for so long, what a process held does not count any more. */
const LIFE_MS = 5000;
const SIGN_INTERVAL_MS = 1500;
/** Who is alive is asked at most so often. */
const ALIVE_CACHE_MS = 1000;
/** What a dead process held disappears after this; what a living one holds is written anew three times as often. */
const LEASE_MS = 900_000;
const REFRESH_MS = LEASE_MS / 3;
/** Cannot be a principal: those begin with a letter or digit. */
const ALIVE = '_alive';

/** Opens the store; it is made if it is not there, and made anew when NATS lost it. */
export async function openLeases(bus: MessageBus, options: LeasesOptions): Promise<Leases> {
  if (!isSlug(options.instance)) throw new RangeError('the instance must be a slug');
  const leases = new BucketLeases(bus, options);
  await leases.start();
  return leases;
}

class BucketLeases implements Leases {
  readonly #bus: MessageBus;
  readonly #options: LeasesOptions;
  readonly #bucket: ExpiringBucket;
  readonly #counts = new Map<string, number>();
  #offStatus: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #alive: ReadonlySet<string> = new Set();
  #aliveAt = -Infinity;
  #refreshedAt: number;

  constructor(bus: MessageBus, options: LeasesOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#bucket = openExpiringBucket(bus, options.bucket, { replicas: options.replicas ?? 1 });
    this.#refreshedAt = options.clock.monotonic();
  }

  async start(): Promise<void> {
    await this.#bucket.ensure();
    await this.#sign();
    this.#offStatus = this.#bus.onStatus((status) => {
      if (status === 'reconnected') void this.#quietly(() => this.#writeAll());
    });
    this.#timer = setInterval(() => void this.#quietly(() => this.#keep()), SIGN_INTERVAL_MS).unref();
  }

  held(principal: string): number {
    return this.#counts.get(principal) ?? 0;
  }

  async acquire(principal: string, limit: number): Promise<boolean> {
    if (!isSlug(principal)) throw new RangeError('the principal must be a slug');
    const own = this.held(principal) + 1;
    if (own > limit) return false;
    this.#counts.set(principal, own);
    try {
      // First written, then counted: of two processes that do so at once, at least one sees the other.
      await this.#write(principal);
      if (own + (await this.#countOthers(principal)) <= limit) return true;
    } catch (error) {
      if (error instanceof BusUnavailableError || error instanceof StreamRefusedError) return true;
      throw error;
    }
    this.release(principal);
    return false;
  }

  release(principal: string): void {
    const left = this.held(principal) - 1;
    if (left < 0) return;
    if (left === 0) this.#counts.delete(principal);
    else this.#counts.set(principal, left);
    void this.#quietly(() => this.#write(principal));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#offStatus();
    this.#counts.clear();
    await this.#quietly(() => this.#bucket.put(`${ALIVE}.${this.#options.instance}`, '0', 0));
  }

  async #write(principal: string): Promise<void> {
    const count = this.held(principal);
    await this.#bucket.put(
      `${principal}.${this.#options.instance}`,
      String(count),
      count === 0 ? 0 : LEASE_MS,
    );
  }

  async #sign(): Promise<void> {
    await this.#bucket.put(`${ALIVE}.${this.#options.instance}`, '1', LIFE_MS);
  }

  async #keep(): Promise<void> {
    await this.#sign();
    if (this.#options.clock.monotonic() - this.#refreshedAt < REFRESH_MS) return;
    this.#refreshedAt = this.#options.clock.monotonic();
    for (const principal of this.#counts.keys()) await this.#write(principal);
  }

  async #writeAll(): Promise<void> {
    await this.#bucket.ensure();
    await this.#sign();
    for (const principal of this.#counts.keys()) await this.#write(principal);
  }

  async #countOthers(principal: string): Promise<number> {
    const keys = await this.#bucket.list(`${principal}.*`);
    const instances = keys.map((key) => key.slice(principal.length + 1));
    const others = instances.filter((instance) => instance !== this.#options.instance);
    if (others.length === 0) return 0;
    const alive = await this.#findAlive();
    const counts = await Promise.all(
      others
        .filter((instance) => alive.has(instance))
        .map((instance) => this.#readCount(`${principal}.${instance}`)),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #readCount(key: string): Promise<number> {
    const count = Number((await this.#bucket.read(key))?.value);
    return Number.isSafeInteger(count) && count > 0 ? count : 0;
  }

  async #findAlive(): Promise<ReadonlySet<string>> {
    const now = this.#options.clock.monotonic();
    return now - this.#aliveAt < ALIVE_CACHE_MS ? this.#alive : await this.listAlive();
  }

  async listAlive(): Promise<ReadonlySet<string>> {
    const now = this.#options.clock.monotonic();
    const keys = await this.#bucket.list(`${ALIVE}.*`);
    this.#alive = new Set(keys.map((key) => key.slice(ALIVE.length + 1)));
    this.#aliveAt = now;
    return this.#alive;
  }

  /** For what is done again anyway: by the next sign of life, or after the next reconnect. */
  async #quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      linkOf(this.#bus).logger.warn('leases could not be written', { error });
    }
  }
}
