import { PUSH_LIMITS, SIGNAL_SUBJECTS } from '@tidewire/contract';
import type { LogPosition, PushChanged } from '@tidewire/contract';
import { findLogInfo, openSharedConsumer, untilConnected } from '@tidewire/messaging';
import type { LogInfo, MessageBus, SharedConsumer, SharedEntry } from '@tidewire/messaging';
import type { Clock, Logger, Pool } from '@tidewire/service-kit';
import type { RightsLog } from '../log/rights-log.ts';
import type { ChangeStore, WrittenChanges } from './change-store.ts';
import type { Collection } from './found-changes.ts';
import { noteDone, readProgress } from './progress-repository-postgres.ts';

export interface ChangeWorkerOptions {
  readonly bus: MessageBus;
  readonly pool: Pool;
  readonly log: Pick<RightsLog, 'reach' | 'fresh' | 'epoch'>;
  readonly store: ChangeStore;
  readonly clock: Pick<Clock, 'monotonic' | 'setTimeout'>;
  readonly logger: Logger;
  readonly replicas: number;
  /** Told what was written down, after that; must not throw. Absent: nobody else wants to know. */
  readonly onWritten?: ((written: WrittenChanges) => void) | undefined;
  /** Told how many entries were dealt with, and for how many principals they were something new. */
  readonly onDone: (entries: number, principals: number) => void;
}

/** The durable consumer that all notifiers share. */
export const CONSUMER = 'push-notifier';
/** Entries of one transaction. */
const BATCH = 100;
const TAKE_WAIT_MS = 500;
/** Reminders wait for longer than that. */
const GATHER_MS = 50;
/** Longer than a batch takes with everybody waiting for the database. */
const ACK_WAIT_MS = 30_000;
const MOST_UNACKNOWLEDGED = 2000;
const REACH_MS = 5000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;
/** How often is looked whether the log has lost what was not dealt with. */
const LOOK_MS = 5000;

/**
 * Deals with the log, together with every other notifier: each entry is given to one of them, which writes down for whom it is
 * something new, tells all, and acknowledges it then. What a notifier that died had been given comes again.
 */
export class ChangeWorker {
  readonly #options: ChangeWorkerOptions;
  readonly #consumer: SharedConsumer;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #lookedAt = -Infinity;
  #began = false;

  constructor(options: ChangeWorkerOptions) {
    this.#options = options;
    this.#consumer = openSharedConsumer(options.bus, {
      name: CONSUMER,
      ackWaitMs: ACK_WAIT_MS,
      maxUnacknowledged: MOST_UNACKNOWLEDGED,
      replicas: options.replicas,
    });
  }

  /** Whether it is known from where on the log is dealt with. */
  get began(): boolean {
    return this.#began;
  }

  start(): void {
    this.#running = this.#workForEver();
  }

  /** Resolves when what was begun is written down and acknowledged. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /**
   * Up to where everything was dealt with; undefined while nothing was begun.
   *
   * @throws TidewireError SERVICE_UNAVAILABLE when NATS does not say.
   */
  async readDone(): Promise<number> {
    return (await this.#consumer.progress()).done;
  }

  async #workForEver(): Promise<void> {
    const { bus, logger } = this.#options;
    const { signal } = this.#stop;
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      try {
        await untilConnected(bus, signal);
        await this.#look();
        const entries = await this.#gather();
        if (entries.length > 0) await this.#dealOrGiveBack(entries);
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('changes could not be written down', { error, delayMs: pauseMs });
        this.#lookedAt = -Infinity;
        await this.#pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  /** What comes within a moment is dealt with at once: each time costs a row for every follower who may hear of it. */
  async #gather(): Promise<readonly SharedEntry[]> {
    const first = await this.#consumer.take(BATCH, TAKE_WAIT_MS);
    if (first.length === 0 || first.length >= BATCH) return first;
    await this.#pause(GATHER_MS);
    try {
      return [...first, ...(await this.#consumer.take(BATCH - first.length, 0))];
    } catch {
      return first;
    }
  }

  async #dealOrGiveBack(entries: readonly SharedEntry[]): Promise<void> {
    try {
      await this.#deal(entries);
    } catch (error) {
      for (const { giveBack } of entries) giveBack();
      throw error;
    }
  }

  async #deal(entries: readonly SharedEntry[]): Promise<void> {
    const { log, store, onDone } = this.#options;
    const read = entries.map(({ entry }) => entry).toSorted((a, b) => a.sequence - b.sequence);
    const newest = read.at(-1);
    if (newest === undefined) return;
    // Judged by rights that are at least as new as what is judged.
    if (!(await log.reach(newest, REACH_MS)) || !log.fresh) throw new Error('rights are behind the log');
    const written = await store.write(newest.epoch, read);
    this.#announce(written);
    for (const { acknowledge } of entries) acknowledge();
    onDone(entries.length, written.principals.length);
  }

  #announce(written: WrittenChanges): void {
    const { principals, found } = written;
    this.#tell(principals);
    for (const { collection, principals: seeing } of found.sights()) this.#tell([...seeing], collection);
    this.#options.onWritten?.(written);
  }

  /** Makes the consumer where there is none, and notices when not everything was dealt with. */
  async #look(): Promise<void> {
    const { clock, bus, pool, logger } = this.#options;
    if (clock.monotonic() - this.#lookedAt < LOOK_MS) return;
    const info = await findLogInfo(bus);
    if (info === undefined || info.epoch === '' || info.epoch !== this.#options.log.epoch) {
      throw new Error('the log is not known yet');
    }
    const stored = await readProgress(pool);
    const lost = stored === undefined ? 'unknown' : whyLost(stored, info);
    if (lost !== undefined) await this.#beginAnew(info, lost);
    const made = await this.#consumer.ensure(lost === undefined ? (stored?.done ?? info.last) : info.last);
    if (made === 'made') logger.info('the work on the log begins', { sequence: info.last });
    await noteDone(pool, info.epoch, await this.readDone());
    this.#lookedAt = clock.monotonic();
    this.#began = true;
  }

  async #beginAnew(info: LogInfo, reason: string): Promise<void> {
    const { store, logger } = this.#options;
    // Another notifier may have begun anew already, with a consumer that is right.
    const before = await readProgress(this.#options.pool);
    if (before !== undefined && whyLost(before, info) === undefined) return;
    await this.#consumer.remove();
    await this.#consumer.ensure(info.last);
    const position: LogPosition = { epoch: info.epoch, sequence: info.last };
    const written = await store.beginAnew(position);
    logger.warn('it is not known what changed: everybody has to fetch everything', { ...position, reason });
    this.#announce(written);
  }

  #tell(principals: readonly string[], collection?: Collection): void {
    for (let from = 0; from < principals.length; from += PUSH_LIMITS.changedPrincipals) {
      const some = principals.slice(from, from + PUSH_LIMITS.changedPrincipals);
      const changed: PushChanged = { principals: some, ...(collection && { collection }) };
      this.#options.bus.signal(SIGNAL_SUBJECTS.pushChanged, changed);
    }
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.setTimeout(resolve, ms);
    this.#stop.signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    timer.cancel();
  }
}

/** Why what was not dealt with cannot be any more; undefined: all of it is still in the log. */
function whyLost(stored: { epoch: string; done: number }, info: LogInfo): 'epoch' | 'expired' | undefined {
  if (stored.epoch !== info.epoch) return 'epoch';
  return stored.done + 1 < info.first ? 'expired' : undefined;
}
