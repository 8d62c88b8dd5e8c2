import { SIGNAL_SUBJECTS } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import type { Clock, Logger, Pool, Timer } from '@tidewire/service-kit';
import { formatNetwork } from '../client-network.ts';
import { writeRefusals } from './callout-postgres.ts';
import type { CountedRefusal } from './callout-postgres.ts';
import type { ConnectRefusal } from './connect-refusal.ts';

export interface RefusalLogOptions {
  readonly pool: Pool;
  readonly bus: Pick<MessageBus, 'signal'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const FLUSH_MS = 1000;
const MINUTE_MS = 60_000;
/** Entries of their own in a minute, from wherever; further ones are counted. */
const MOST_SINGLE = 300;
/** Networks and reasons that are counted apart in a minute; further ones together. */
const MOST_COUNTED = 300;
/** Entries that wait while the database is away; the newest are dropped then. */
const MOST_WAITING = 2 * (MOST_SINGLE + MOST_COUNTED);
const ELSEWHERE = 'elsewhere';

/**
 * Refused connections on their way to the audit log. Each is an entry until its address has failed too often; from then
 * on, one entry for each network, reason and minute says how many there were. A flood, from one address or from many,
 * fills neither the table nor the memory.
 */
export class RefusalLog {
  readonly #options: RefusalLogOptions;
  #waiting: CountedRefusal[] = [];
  /** By network and reason. */
  #counted = new Map<string, CountedRefusal>();
  #minute: number;
  #singles = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;

  constructor(options: RefusalLogOptions) {
    this.#options = options;
    this.#minute = this.#currentMinute();
  }

  start(): void {
    this.#timer = this.#options.clock.setInterval(() => void this.flush(), FLUSH_MS);
  }

  note({ address, reason, principal }: ConnectRefusal): void {
    this.#turnMinute();
    if (reason !== 'limited' && this.#singles < MOST_SINGLE) {
      this.#singles += 1;
      this.#wait({ address, reason, principal: principal ?? null, count: 1 });
    } else {
      this.#count(formatNetwork(address), reason);
    }
  }

  /** Writes what is due. What cannot be written now is tried again. */
  flush(): Promise<void> {
    this.#turnMinute();
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** Writes everything, the minute that is not over included. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#writing;
    this.#endMinute();
    await this.flush();
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const { pool, bus, logger } = this.#options;
    const batch = this.#waiting;
    this.#waiting = [];
    try {
      await writeRefusals(pool, batch);
      bus.signal(SIGNAL_SUBJECTS.poke);
    } catch (error) {
      logger.warn('refused connections could not be written to the audit log', {
        count: batch.length,
        error,
      });
      this.#waiting = [...batch, ...this.#waiting].slice(0, MOST_WAITING);
    }
  }

  #count(network: string, reason: string): void {
    const isNew = !this.#counted.has(keyOf(network, reason));
    const address = isNew && this.#counted.size >= MOST_COUNTED ? ELSEWHERE : network;
    const key = keyOf(address, reason);
    const count = (this.#counted.get(key)?.count ?? 0) + 1;
    this.#counted.set(key, { address, reason, principal: null, count });
  }

  #turnMinute(): void {
    if (this.#minute === this.#currentMinute()) return;
    this.#minute = this.#currentMinute();
    this.#endMinute();
  }

  #endMinute(): void {
    for (const counted of this.#counted.values()) this.#wait(counted);
    this.#counted = new Map();
    this.#singles = 0;
  }

  #wait(refusal: CountedRefusal): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(refusal);
  }

  #currentMinute(): number {
    return Math.floor(this.#options.clock.now() / MINUTE_MS);
  }
}

function keyOf(address: string, reason: string): string {
  return `${reason} ${address}`;
}
