import { NATS_ACCOUNTS } from '@tidewire/contract';
import { eachConnection, endConnections } from '@tidewire/messaging';
import type { ClientConnection, MessageBus } from '@tidewire/messaging';
import type { Clock, Logger, Pool, Timer } from '@tidewire/service-kit';
import type { AuthzMetrics } from '../metrics.ts';
import { findDeparted } from './callout-postgres.ts';
import { LOOK_AT_ALL, LaterLook, NO_LOOK, isEmptyLook, mergeLooks } from './connection-look.ts';
import type { ConnectionLook } from './connection-look.ts';
import { formatSubscriberName, parseSubscriberName } from './subscriber-user.ts';
import type { SubscriberName } from './subscriber-user.ts';

export interface ConnectionEnderOptions {
  readonly pool: Pool;
  /** In the system account. */
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: AuthzMetrics;
}

/**
 * When is looked again, after an end was heard of. A server may be letting somebody in at that moment whose credential
 * counted a moment ago, and does so for 5 seconds at most: whom the first look misses the last one finds.
 */
const LOOK_AGAIN_MS = [500, 6000];
/** How long somebody waits who has ended a credential, and for how long no server answers when all have. */
const PATIENCE_MS = 1000;
const QUIET_MS = 100;
/** Looks that are carried out at once. */
const MOST_LOOKS = 4;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Ends connections of subscribers whose credential ended. What cannot be done now, because NATS or the database is away,
 * is done when they are back: then everybody's connections are compared with the database, so that nothing has to be kept
 * meanwhile but that it is due.
 */
export class ConnectionEnder {
  readonly #options: ConnectionEnderOptions;
  readonly #later: readonly LaterLook[];
  readonly #offStatus: () => void;
  #due = NO_LOOK;
  #running = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #pause: Timer | undefined;
  #stopped = false;

  constructor(options: ConnectionEnderOptions) {
    this.#options = options;
    this.#later = LOOK_AGAIN_MS.map((ms) => new LaterLook(options.clock, ms, (look) => this.#look(look)));
    this.#offStatus = options.bus.onStatus((status) => {
      if (status === 'reconnected') this.sweep();
    });
  }

  /** Ends the connections of a credential. */
  end(name: SubscriberName): void {
    this.#add({ names: new Set([formatSubscriberName(name)]), all: false });
  }

  /**
   * The same for whoever waits for it: resolves when every server has done so, or after {@link PATIENCE_MS}. The first look
   * is not put behind others.
   */
  async endNow(name: SubscriberName): Promise<void> {
    if (this.#stopped) return;
    const look = { names: new Set([formatSubscriberName(name)]), all: false };
    for (const later of this.#later) later.add(look);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.setTimeout(resolve, PATIENCE_MS);
    await Promise.race([this.#carryOut(look, QUIET_MS), promise]);
    timer.cancel();
  }

  /** Ends the connections of all whose credential does not count any more. */
  sweep(): void {
    this.#add(LOOK_AT_ALL);
  }

  stop(): void {
    this.#stopped = true;
    this.#offStatus();
    this.#pause?.cancel();
    for (const later of this.#later) later.cancel();
  }

  #add(look: ConnectionLook): void {
    if (this.#stopped) return;
    for (const later of this.#later) later.add(look);
    this.#look(look);
  }

  #look(look: ConnectionLook): void {
    this.#due = mergeLooks(this.#due, look);
    this.#next();
  }

  #next(): void {
    if (this.#stopped || this.#pause !== undefined || this.#running >= MOST_LOOKS) return;
    if (isEmptyLook(this.#due)) return;
    const look = this.#due;
    this.#due = NO_LOOK;
    this.#running += 1;
    void this.#carryOut(look).finally(() => {
      this.#running -= 1;
      this.#next();
    });
  }

  async #carryOut({ names, all }: ConnectionLook, quietMs?: number): Promise<void> {
    const { bus, logger } = this.#options;
    const account = NATS_ACCOUNTS.clients;
    const wait = quietMs === undefined ? {} : { quietMs };
    try {
      if (all) await eachConnection(bus, { account }, (page) => this.#endDeparted(page));
      await Promise.all(
        [...names].map((user) => eachConnection(bus, { account, user, ...wait }, (page) => this.#end(page))),
      );
      this.#pauseMs = FIRST_PAUSE_MS;
    } catch (error) {
      if (this.#stopped) return;
      logger.warn('connections of subscribers could not be ended', { error, delayMs: this.#pauseMs });
      this.#due = LOOK_AT_ALL;
      this.#retryLater();
    }
  }

  #retryLater(): void {
    const jitter = 0.75 + Math.random() / 2;
    this.#pause ??= this.#options.clock.setTimeout(() => {
      this.#pause = undefined;
      this.#next();
    }, this.#pauseMs * jitter);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  /** One query for a page. Users of services, who are in this account too, are nobody's credential. */
  async #endDeparted(page: readonly ClientConnection[]): Promise<void> {
    const { pool, clock } = this.#options;
    const names = page.flatMap(({ user }) => parseSubscriberName(user) ?? []);
    if (names.length === 0) return;
    const departed = await findDeparted(pool, names, clock.now());
    await this.#end(page.filter(({ user }) => departed.has(user)));
  }

  async #end(connections: readonly ClientConnection[]): Promise<void> {
    if (connections.length === 0) return;
    const { bus, logger, metrics } = this.#options;
    await endConnections(bus, connections);
    metrics.connectsEnded.inc(connections.length);
    logger.info('connections of subscribers ended', { count: connections.length });
  }
}
