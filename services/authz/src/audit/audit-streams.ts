import { REALTIME_TRANSPORT_CONFIG, SIGNAL_SUBJECTS, TidewireError } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import type { Clock, Logger, Pool, Timer } from '@tidewire/service-kit';
import { readNewest } from './audit-log-postgres.ts';
import type { AuditStream } from './audit-stream.ts';

export interface AuditStreamsOptions {
  readonly pool: Pool;
  readonly bus: Pick<MessageBus, 'onSignal'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Streams of one process at most. */
const MAX_STREAMS = 100;
const MAX_STREAMS_PER_PRINCIPAL = REALTIME_TRANSPORT_CONFIG.maxConnectionsPerUser;
/** Every write of any service pokes: the log is asked no more often than this. */
const SHORTEST_PAUSE_MS = 100;
/** What nobody poked for, such as plain SQL, and a credential whose time is over, is noticed by then. */
const FALLBACK_MS = 5_000;

/** The streams of the audit log that are open in this process. */
export class AuditStreams {
  readonly #options: AuditStreamsOptions;
  readonly #streams = new Set<AuditStream>();
  readonly #stops: (() => void)[] = [];
  #pause: Timer | undefined;
  #wanted = false;

  constructor(options: AuditStreamsOptions) {
    this.#options = options;
  }

  start(): void {
    const { bus, clock } = this.#options;
    const timers = [
      clock.setInterval(() => this.#lookAll(), FALLBACK_MS),
      clock.setInterval(() => {
        for (const stream of this.#streams) stream.heartbeat();
      }, REALTIME_TRANSPORT_CONFIG.sseHeartbeatIntervalMs),
    ];
    this.#stops.push(
      bus.onSignal(SIGNAL_SUBJECTS.poke, () => this.#wake()),
      ...timers.map((timer) => () => timer.cancel()),
    );
  }

  /**
   * Opens a stream after `cursor`, or now.
   *
   * @throws TidewireError TOO_MANY_CONNECTIONS, before anything was sent.
   */
  async open(stream: AuditStream, cursor: string | undefined): Promise<void> {
    const own = [...this.#streams].filter(({ principal }) => principal === stream.principal).length;
    if (this.#streams.size >= MAX_STREAMS || own >= MAX_STREAMS_PER_PRINCIPAL) {
      throw new TidewireError('TOO_MANY_CONNECTIONS', 'There are too many streams of the audit log.', {
        retryAfterSeconds: 10,
      });
    }
    this.#streams.add(stream);
    try {
      await stream.begin(cursor, () => this.#streams.delete(stream));
    } catch (error) {
      this.#streams.delete(stream);
      throw error;
    }
  }

  /** Ends all streams: their clients come back to another process. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#pause?.cancel();
    for (const stream of this.#streams) stream.end('DRAINING', 'This server is restarting.');
  }

  #lookAll(): void {
    for (const stream of this.#streams) stream.look();
  }

  /** Asks once for all streams whether there is anything new, now or when the pause is over. */
  #wake(): void {
    if (this.#streams.size === 0) return;
    this.#wanted = true;
    if (this.#pause !== undefined) return;
    this.#pause = this.#options.clock.setTimeout(() => {
      this.#pause = undefined;
      if (this.#wanted) this.#wake();
    }, SHORTEST_PAUSE_MS);
    this.#wanted = false;
    void this.#lookWhereBehind();
  }

  async #lookWhereBehind(): Promise<void> {
    try {
      const newest = await readNewest(this.#options.pool);
      for (const stream of this.#streams) if (stream.isBehind(newest)) stream.look();
    } catch (error) {
      this.#options.logger.warn('audit log could not be read', { error });
    }
  }
}
