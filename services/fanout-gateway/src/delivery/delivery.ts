import type { ResyncReason } from '@tidewire/contract';
import { hasRecovered, inspectBudget, noteWrite } from './budget.ts';
import type { BudgetLimits } from './budget.ts';
import { joinFrames } from './class-set.ts';
import type { DirtyNode, Frame, MemberSet } from './class-set.ts';
import { createConnection } from './connection.ts';
import type { Connection, ConnectionOptions, Override } from './connection.ts';
import { Tick } from './flush.ts';
import { Sweep } from './heartbeat.ts';
import type { Scheduler } from './scheduler.ts';

/** For whom a frame is made that is not an event. */
export type ControlTarget = Pick<Connection, 'wire' | 'subscription'>;

/** Frames that are not events. */
export interface ControlFormat {
  position(target: ControlTarget, sequence: number): Buffer;
  resync(target: ControlTarget, reason: ResyncReason, current: number): Buffer;
}

export interface DeliveryOptions {
  readonly scheduler: Scheduler;
  readonly control: ControlFormat;
  /** The sequence up to which everything was judged and pushed. */
  readonly evaluated: () => number;
  /** Whether this process is level with the log. Asked before every turn of writing. */
  readonly fresh: () => boolean;
  /** How long the second tick joins frames. */
  readonly joinWindowMs: number;
  readonly sliceSize: number;
  readonly heartbeatIntervalMs: number;
  readonly budget: BudgetLimits;
}

/** What delivery did since the process began. */
export interface DeliveryCounters {
  /** Events given to connections, joined ones each. */
  deliveries: number;
  writes: number;
  bytes: number;
  heartbeats: number;
  resyncs: number;
  resets: number;
}

/**
 * Brings frames to connections: in the order of the log on each of them, joined per tick, within each connection's
 * budget, and never while the process is behind the log. Knows nothing of rights or formats.
 */
export class Delivery {
  readonly counters: DeliveryCounters = {
    deliveries: 0,
    writes: 0,
    bytes: 0,
    heartbeats: 0,
    resyncs: 0,
    resets: 0,
  };
  /** Of `counters.resyncs`, how many for which reason. */
  readonly resyncReasons = new Map<ResyncReason, number>();
  readonly connections = new Set<Connection>();
  readonly #options: DeliveryOptions;
  readonly #ticks: readonly [Tick, Tick];
  readonly #sweep: Sweep;
  /** Connections to reset when no walk is under way: a reset may take them out of what is being walked. */
  readonly #doomed = new Set<Connection>();
  #stale = false;
  /** Monotonic milliseconds at the beginning of this turn of writing: reading the clock for each write would cost more. */
  #now = 0;
  /** Something was kept back, so that it must be taken up again. */
  #suspended = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#ticks = [this.#createTick(0), this.#createTick(options.joinWindowMs)];
    this.#sweep = new Sweep({
      intervalMs: options.heartbeatIntervalMs,
      scheduler: options.scheduler,
      connections: this.connections,
      visit: (connection) => this.#visit(connection),
      beginTurn: () => this.#resume(),
    });
    this.#sweep.start();
  }

  addConnection(options: ConnectionOptions): Connection {
    const connection = createConnection(options, this.#options.scheduler.monotonic());
    this.connections.add(connection);
    return connection;
  }

  /** Forgets the connection and what it was owed. Its seats must have been given up. */
  removeConnection(connection: Connection): void {
    connection.closed = true;
    connection.node = null;
    connection.held = null;
    this.connections.delete(connection);
    this.#doomed.delete(connection);
  }

  push(set: MemberSet, tick: 0 | 1, frame: Frame): void {
    this.#ticks[tick].push(set, frame);
  }

  override(connection: Connection, override: Override): void {
    this.#ticks[connection.tick].override(connection, override);
  }

  endEvent(): void {
    this.#ticks[0].endEvent();
    this.#ticks[1].endEvent();
  }

  /** Must come before a set of this tick that has frames gains or loses a member. */
  assign(tick: 0 | 1): void {
    this.#ticks[tick].assign();
  }

  settle(connection: Connection): void {
    const tick = this.#ticks[connection.tick];
    tick.assign();
    tick.settle(connection);
  }

  /** Pays the connection's debt, then tells it the position that it has with that, unless it is over its budget. */
  beat(connection: Connection): void {
    this.settle(connection);
    if (connection.closed || connection.behind || !this.#mayDeliver()) return;
    this.#beat(connection, this.#ticks[connection.tick]);
  }

  hold(connection: Connection): void {
    this.settle(connection);
    connection.held ??= { frames: [], bytes: 0, resync: undefined };
  }

  release(connection: Connection, afterSequence: number): void {
    const { held } = connection;
    if (held === null) return;
    this.#ticks[connection.tick].assign();
    if (connection.node !== null) this.#keep(connection, connection.node.frames());
    connection.node = null;
    connection.held = null;
    connection.after = afterSequence;
    if (held.resync !== undefined) this.resync(connection, held.resync);
    else if (held.frames.length > 0) this.#owe(connection, held.frames);
  }

  /** Replaces what the connection is owed by the advice to fetch again; events after the evaluated one follow it. */
  resync(connection: Connection, reason: ResyncReason): void {
    this.#ticks[connection.tick].assign();
    connection.node = null;
    connection.after = 0;
    if (connection.held !== null) {
      connection.held.resync = reason;
      return;
    }
    // One is coming anyway, and it will name a later position.
    if (connection.behind || connection.closed) return;
    const sequence = this.#options.evaluated();
    const bytes = this.#options.control.resync(connection, reason, sequence);
    this.#countResync(reason);
    this.#owe(connection, [{ sequence, source: connection, bytes }]);
  }

  /** Drops everything that was not written yet, of all connections. */
  clear(): void {
    for (const tick of this.#ticks) tick.clear();
    for (const connection of this.connections) {
      connection.after = 0;
      if (connection.held !== null) connection.held.frames = [];
    }
  }

  stale(on: boolean): void {
    this.#stale = on;
    if (on) this.#suspended = true;
    else this.#resume();
  }

  stop(): void {
    this.#sweep.stop();
    for (const tick of this.#ticks) tick.stop();
    this.#resetDoomed();
  }

  #countResync(reason: ResyncReason): void {
    this.counters.resyncs += 1;
    this.resyncReasons.set(reason, (this.resyncReasons.get(reason) ?? 0) + 1);
  }

  #createTick(windowMs: number): Tick {
    const { scheduler, sliceSize, evaluated } = this.#options;
    return new Tick({
      windowMs,
      sliceSize,
      scheduler,
      evaluated,
      deliver: (connection, node) => this.#deliver(connection, node),
      mayDeliver: () => this.#mayDeliver(),
    });
  }

  #mayDeliver(): boolean {
    this.#now = this.#options.scheduler.monotonic();
    if (!this.#stale && this.#options.fresh()) return true;
    this.#suspended = true;
    return false;
  }

  /** Freshness comes back by itself: the sweep's turns look for it. */
  #resume(): void {
    if (!this.#suspended || this.#stale || !this.#options.fresh()) return;
    this.#suspended = false;
    for (const tick of this.#ticks) tick.resume();
  }

  #owe(connection: Connection, frames: readonly Frame[]): void {
    this.#ticks[connection.tick].owe(connection, frames);
  }

  #deliver(connection: Connection, node: DirtyNode): void {
    if (connection.held !== null) this.#keep(connection, node.frames());
    else if (connection.behind) this.#catchUp(connection);
    else if (connection.after > 0) this.#deliverAfter(connection, node.frames());
    else this.#write(connection, node.bytes(), node.frames().length);
  }

  /** Events that the client's cursor covers already are left out, until the log has passed it. */
  #deliverAfter(connection: Connection, frames: readonly Frame[]): void {
    const wanted = frames.filter((frame) => frame.sequence > connection.after);
    if (this.#ticks[connection.tick].position >= connection.after) connection.after = 0;
    if (wanted.length > 0) this.#write(connection, joinFrames(wanted), wanted.length);
  }

  #keep(connection: Connection, frames: readonly Frame[]): void {
    const { held } = connection;
    if (held === null || held.resync !== undefined) return;
    const { maxQueuedBytes, maxQueuedEvents } = this.#options.budget;
    for (const frame of frames) {
      held.frames.push(frame);
      held.bytes += frame.bytes.length;
    }
    if (held.bytes <= maxQueuedBytes && held.frames.length <= maxQueuedEvents) return;
    held.frames = [];
    held.resync = 'behind';
  }

  #write(connection: Connection, bytes: Buffer, events: number): void {
    try {
      connection.sink.write(bytes);
    } catch {
      // A stream that refuses a write has lost it: its client comes back with its cursor.
      this.#doom(connection);
      return;
    }
    this.counters.writes += 1;
    this.counters.deliveries += events;
    this.counters.bytes += bytes.length;
    noteWrite(connection, bytes.length, events, this.#now);
    this.#inspect(connection);
  }

  #inspect(connection: Connection): void {
    const state = inspectBudget(connection, this.#options.budget, this.#now);
    if (state === 'stalled') this.#doom(connection);
    else if (state === 'behind') connection.behind = true;
  }

  /** A connection that fell behind and drained is told so, and goes on from here. */
  #catchUp(connection: Connection): void {
    if (!hasRecovered(connection, this.#options.budget)) return;
    connection.behind = false;
    const current = this.#ticks[connection.tick].position;
    this.#countResync('behind');
    this.#write(connection, this.#options.control.resync(connection, 'behind', current), 0);
  }

  /** The sweep's look at one connection: is it alive, has it drained, is it due a heartbeat. */
  #visit(connection: Connection): void {
    const may = this.#mayDeliver();
    this.#inspect(connection);
    if (connection.closed || !may) return;
    const tick = this.#ticks[connection.tick];
    tick.settle(connection);
    if (connection.behind) this.#catchUp(connection);
    else if (this.#now - connection.wroteAt >= this.#options.heartbeatIntervalMs / 2)
      this.#beat(connection, tick);
  }

  #beat(connection: Connection, tick: Tick): void {
    const { position } = tick;
    // A replay has a cursor of its own, and a cursor ahead of us must not be taken back.
    if (connection.held !== null || position < connection.after) return;
    connection.after = 0;
    this.counters.heartbeats += 1;
    this.#write(connection, this.#options.control.position(connection, position), 0);
  }

  #doom(connection: Connection): void {
    // Its transport has yet to take note of a reset that was made already.
    if (connection.closed) return;
    if (this.#doomed.size === 0) this.#options.scheduler.setImmediate(() => this.#resetDoomed());
    this.#doomed.add(connection);
    connection.closed = true;
  }

  #resetDoomed(): void {
    for (const connection of this.#doomed) {
      this.#doomed.delete(connection);
      this.counters.resets += 1;
      connection.node = null;
      connection.sink.reset();
    }
  }
}
