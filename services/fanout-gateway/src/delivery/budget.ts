import type { Connection } from './connection.ts';

export interface BudgetLimits {
  /** Unsent bytes of one connection. */
  readonly maxQueuedBytes: number;
  /** Unsent events of one connection. */
  readonly maxQueuedEvents: number;
  /** How long bytes may wait without any of them leaving. */
  readonly stallMs: number;
}

/** `behind`: over the budget. `stalled`: bytes wait, and none has left for too long. */
export type BudgetState = 'within' | 'behind' | 'stalled';

/** A connection that fell behind goes on when this share of its budget is queued at most. */
const RECOVERED_SHARE = 1 / 16;

/** Counts a write that was just made. `now` is monotonic milliseconds. */
export function noteWrite(connection: Connection, bytes: number, events: number, now: number): void {
  connection.wroteAt = now;
  // Nothing was waiting when we looked last: a stall can begin only now.
  if (connection.seenQueued === 0) connection.progressAt = now;
  connection.seenQueued += bytes;
  connection.queueBytes += bytes;
  connection.queueEvents += events;
}

/** Looks at what is queued. Called after every write and by the sweep of heartbeats. */
export function inspectBudget(connection: Connection, limits: BudgetLimits, now: number): BudgetState {
  const queued = connection.sink.queuedBytes();
  if (queued < connection.seenQueued) connection.progressAt = now;
  connection.seenQueued = queued;
  if (queued === 0) {
    connection.queueBytes = 0;
    connection.queueEvents = 0;
    return 'within';
  }
  if (now - connection.progressAt >= limits.stallMs) return 'stalled';
  if (queued > limits.maxQueuedBytes) return 'behind';
  return queuedEvents(connection, queued) > limits.maxQueuedEvents ? 'behind' : 'within';
}

/** Whether a connection that fell behind has drained enough to be written to again. */
export function hasRecovered(connection: Connection, limits: BudgetLimits): boolean {
  return connection.sink.queuedBytes() <= limits.maxQueuedBytes * RECOVERED_SHARE;
}

/**
 * How many events the queued bytes stand for. The stream knows bytes only, and a queue of events beside it would cost
 * every write: so the events since the queue was empty are taken in proportion.
 */
function queuedEvents(connection: Connection, queued: number): number {
  const { queueBytes, queueEvents } = connection;
  return queueBytes === 0 ? 0 : (queueEvents * Math.min(queued, queueBytes)) / queueBytes;
}
