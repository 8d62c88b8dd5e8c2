import type { Timer } from '@tidewire/service-kit';
import { DirtyNode, replaceFrames } from './class-set.ts';
import type { Frame, MemberSet } from './class-set.ts';
import type { Connection, Override } from './connection.ts';
import type { Scheduler } from './scheduler.ts';

export interface TickOptions {
  /** How long frames are joined before they leave; 0: what one turn of the event loop brings. */
  readonly windowMs: number;
  /** Connections written to in one turn: others get their turn between two slices of a large broadcast. */
  readonly sliceSize: number;
  readonly scheduler: Scheduler;
  /** The sequence up to which everything was judged and pushed. */
  readonly evaluated: () => number;
  /** Writes a node's frames to a connection. May not add or remove members or connections. */
  readonly deliver: (connection: Connection, node: DirtyNode) => void;
  /** Whether anything may leave now; asked at the beginning of every turn. */
  readonly mayDeliver: () => boolean;
}

/** Frames that wait for the end of a tick at most: a burst is cut here, so that memory does not follow its length. */
const MAX_PENDING_FRAMES = 1024;

/** Connections with a debt, in the order in which it arose. */
interface Job {
  readonly connections: readonly Connection[];
  next: number;
}

/**
 * One of the process's ticks: collects frames class by class, then walks the dirty classes and moves each connection
 * along the trie of its dirty classes. Where it ends is what it is owed. Debts are paid in slices, and whoever wants
 * to write to a connection pays its debt first, so that its frames leave in the order of the log.
 */
export class Tick {
  readonly #options: TickOptions;
  #dirty: MemberSet[] = [];
  #overridden: Connection[] = [];
  #pendingFrames = 0;
  #timer: Timer | null = null;
  #flushDue = false;
  readonly #jobs: Job[] = [];
  /** The connections of a job that is not finished and takes more. */
  #owed: Connection[] | null = null;
  #sliceDue = false;
  #mark = 0;
  #walked = 0;

  constructor(options: TickOptions) {
    this.#options = options;
  }

  /** After a connection's debt is paid, it has been given every event up to here. */
  get position(): number {
    return this.#pendingFrames === 0 ? this.#options.evaluated() : this.#walked;
  }

  /** A frame for every member of the set. Sequences never fall. */
  push(set: MemberSet, frame: Frame): void {
    this.#count();
    if (set.frames === null) {
      set.frames = [frame];
      this.#dirty.push(set);
    } else {
      set.frames.push(frame);
    }
  }

  /** An answer of its own for one connection, in place of a class's frame or beside all of them. */
  override(connection: Connection, override: Override): void {
    this.#count();
    if (connection.overrides === null) {
      connection.overrides = [override];
      this.#overridden.push(connection);
    } else {
      connection.overrides.push(override);
    }
  }

  /** Ends the frames of one event: they leave when the tick ends, at once when too many wait. */
  endEvent(): void {
    if (this.#pendingFrames === 0) return;
    if (this.#pendingFrames >= MAX_PENDING_FRAMES) this.flush();
    else this.#schedule();
  }

  /** Gives the connection frames beside those of its classes, after what it was owed before. */
  owe(connection: Connection, frames: readonly Frame[]): void {
    connection.node = new DirtyNode(connection.node, frames);
    // Advice to fetch again goes to many at once, one by one: together they are one broadcast.
    if (this.#owed !== null) this.#owed.push(connection);
    else this.#enqueue((this.#owed = [connection]));
  }

  /** Pays what the connection is owed, if anything may leave. */
  settle(connection: Connection): void {
    if (connection.node !== null && this.#options.mayDeliver()) this.#pay(connection);
  }

  /**
   * Turns collected frames into debts without ending the tick. Needed before a class gains or loses a member: frames
   * belong to those who were members when they were judged.
   */
  assign(): void {
    if (this.#pendingFrames === 0) return;
    const mark = ++this.#mark;
    const pay = this.#options.mayDeliver();
    const touched: Connection[] = [];
    const root = new DirtyNode(null, []);
    const reach = (connection: Connection): DirtyNode => {
      if (connection.mark === mark) return connection.node ?? root;
      if (pay && connection.node !== null) this.#pay(connection);
      connection.mark = mark;
      touched.push(connection);
      // What may not leave now stays in front: these frames join the older debt.
      return connection.node ?? root;
    };
    for (const set of this.#dirty) {
      for (const connection of set.members) connection.node = reach(connection).child(set);
    }
    for (const set of this.#dirty) set.frames = null;
    for (const connection of this.#overridden) {
      const frames = replaceFrames(reach(connection).frames(), connection.overrides ?? []);
      connection.overrides = null;
      connection.node = new DirtyNode(null, frames);
    }
    this.#dirty = [];
    this.#overridden = [];
    this.#pendingFrames = 0;
    this.#enqueue(touched);
  }

  /** Ends the tick. The first slice is written at once unless older debts wait for their turn. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#flushDue = false;
    const idle = this.#jobs.length === 0;
    this.assign();
    if (idle && this.#jobs.length > 0) this.#slice();
  }

  /** Goes on after nothing was allowed to leave. */
  resume(): void {
    this.#scheduleSlice();
    if (this.#pendingFrames > 0) this.#schedule();
  }

  /** Drops frames and debts that were not written. */
  clear(): void {
    for (const set of this.#dirty) set.frames = null;
    for (const connection of this.#overridden) connection.overrides = null;
    for (const { connections } of this.#jobs) for (const connection of connections) connection.node = null;
    this.#dirty = [];
    this.#overridden = [];
    this.#jobs.length = 0;
    this.#owed = null;
    this.#pendingFrames = 0;
  }

  /** Pays every debt now and lets no timer run any more. */
  stop(): void {
    this.flush();
    for (const { connections } of this.#jobs) for (const connection of connections) this.settle(connection);
    this.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #count(): void {
    // Nothing waited until now, so everything before this event is on its way.
    if (this.#pendingFrames === 0) this.#walked = this.#options.evaluated();
    this.#pendingFrames += 1;
  }

  #pay(connection: Connection): void {
    const { node } = connection;
    connection.node = null;
    if (node !== null && !connection.closed) this.#options.deliver(connection, node);
  }

  #schedule(): void {
    if (this.#flushDue || !this.#options.mayDeliver()) return;
    this.#flushDue = true;
    const { windowMs, scheduler } = this.#options;
    const flush = (): void => {
      if (this.#flushDue) this.flush();
    };
    if (windowMs === 0) scheduler.setImmediate(flush);
    else this.#timer = scheduler.setTimeout(flush, windowMs);
  }

  #enqueue(connections: readonly Connection[]): void {
    if (connections.length === 0) return;
    this.#jobs.push({ connections, next: 0 });
    this.#scheduleSlice();
  }

  #scheduleSlice(): void {
    if (this.#sliceDue || this.#jobs.length === 0) return;
    this.#sliceDue = true;
    this.#options.scheduler.setImmediate(() => {
      this.#sliceDue = false;
      this.#slice();
    });
  }

  /** One slice of the job whose turn it is. Jobs take turns, so that a small one need not wait for a large one. */
  #slice(): void {
    if (!this.#options.mayDeliver()) return;
    const job = this.#jobs.shift();
    if (job === undefined) return;
    let left = this.#options.sliceSize;
    while (left > 0 && job.next < job.connections.length) {
      const connection = job.connections[job.next];
      job.next += 1;
      // A debt that was paid in between costs nothing and takes no turn.
      if (connection === undefined || connection.node === null) continue;
      this.#pay(connection);
      left -= 1;
    }
    if (job.next < job.connections.length) this.#jobs.push(job);
    else if (job.connections === this.#owed) this.#owed = null;
    this.#scheduleSlice();
  }
}
