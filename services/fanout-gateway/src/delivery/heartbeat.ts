import type { Timer } from '@tidewire/service-kit';
import type { Connection } from './connection.ts';
import type { Scheduler } from './scheduler.ts';

export interface SweepOptions {
  /** Every connection is visited about once in this time. */
  readonly intervalMs: number;
  readonly scheduler: Scheduler;
  readonly connections: ReadonlySet<Connection>;
  /** May not add or remove connections. */
  readonly visit: (connection: Connection) => void;
  /** Before the visits of a turn, also when there are none. */
  readonly beginTurn: () => void;
}

/** Time between two turns: short enough that a turn of 10,000 connections at 25 s is 40 writes. */
const TURN_MS = 100;

/**
 * An endless slow walk over all connections, a few in each turn, so that heartbeats come at their interval and never
 * as a burst. One timer for all of them.
 */
export class Sweep {
  readonly #options: SweepOptions;
  #timer: Timer | null = null;
  #walk: Iterator<Connection, undefined>;
  /** Visits that are due, with the fraction that the last turn left over. */
  #due = 0;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#walk = options.connections.values();
  }

  start(): void {
    this.#timer ??= this.#options.scheduler.setInterval(() => this.#turn(), TURN_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #turn(): void {
    this.#options.beginTurn();
    const { connections, intervalMs, visit } = this.#options;
    this.#due = Math.min(connections.size, this.#due + (connections.size * TURN_MS) / intervalMs);
    while (this.#due >= 1) {
      this.#due -= 1;
      const connection = this.#next();
      if (connection === undefined) return;
      visit(connection);
    }
  }

  /** A set's own iterator lives through additions and removals: nobody is visited twice in a round or left out. */
  #next(): Connection | undefined {
    const step = this.#walk.next();
    if (step.done !== true) return step.value;
    this.#walk = this.#options.connections.values();
    return this.#walk.next().value;
  }
}
