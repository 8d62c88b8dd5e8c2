import type { LogPosition } from '@tidewire/contract';
import { openLogReader } from '@tidewire/messaging';
import type { LogEntry, LogReader, MessageBus } from '@tidewire/messaging';
import type { Clock, Logger, Pool, Timer } from '@tidewire/service-kit';
import { readLogPosition } from './callout-postgres.ts';
import type { ConnectionEnder } from './connection-ender.ts';

export interface DeparturesOptions {
  readonly pool: Pool;
  /** In the platform's account, where the log is. */
  readonly bus: MessageBus;
  readonly ender: Pick<ConnectionEnder, 'end' | 'sweep'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const PAUSE_MS = 1000;

/**
 * Follows the log for credentials that ended and principals that were removed. What was not read, because this process was
 * not there or the log does not go on, is found by comparing all connections with the database.
 */
export class Departures {
  readonly #options: DeparturesOptions;
  #reader: LogReader | undefined;
  #retry: Timer | undefined;
  #stopped = false;

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /** Begins to follow; waits for nothing. */
  start(): void {
    void this.#begin();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#reader?.close();
  }

  async #begin(): Promise<void> {
    const { bus, clock, logger, pool } = this.#options;
    try {
      const from = await this.#sweepFrom(pool);
      if (this.#stopped) return;
      this.#reader = openLogReader(bus, {
        from,
        clock,
        onEntry: (entry) => this.#apply(entry),
        onReset: () => this.#sweepFrom(pool),
      });
    } catch (error) {
      logger.warn('the log cannot be followed yet', { error, delayMs: PAUSE_MS });
      if (!this.#stopped) this.#retry = clock.setTimeout(() => void this.#begin(), PAUSE_MS);
    }
  }

  /** First the position, then the sweep: what ends in between is in the log after it. */
  async #sweepFrom(pool: Pool): Promise<LogPosition> {
    const position = await readLogPosition(pool);
    this.#options.ender.sweep();
    return position;
  }

  #apply({ message, problem }: LogEntry): void {
    const { ender } = this.#options;
    if (problem === 'malformed') return ender.sweep();
    if (message?.kind !== 'rights') return;
    const { state } = message;
    // Passwords and sessions let nobody in to NATS.
    if (state.kind === 'credential' && state.endedAt !== null && state.type.endsWith('token')) {
      ender.end({ principal: state.principal, credential: state.id });
    } else if (state.kind === 'principal' && state.removed) {
      ender.sweep();
    }
  }
}
