import { BATCH_LIMITS } from './batch.ts';
import type { FetchLimits, FetchedRows, OutboxRepository, OutboxRow } from './outbox-repository.ts';

/** The next rows to publish, in the order in which they must be. */
export interface Batch {
  readonly rows: readonly OutboxRow[];
  readonly flushed: boolean;
  /** When this is published, everything committed before this instant (of the monotonic clock) is in the log. */
  readonly coversUntil: number;
}

/**
 * Rows committed late have low ids. The region of ids below this distance from the newest published one is looked at
 * once a second only, because it is full of dead rows whenever somebody holds an old snapshot.
 */
const FLOOR_DISTANCE = 10_000;
const FULL_SCAN_INTERVAL_MS = 1000;
/** So many rows of one transaction in a full batch make it a bulk. */
const BULK_ROWS = 100;
const HALF: FetchLimits = { rows: BATCH_LIMITS.rows / 2, bytes: BATCH_LIMITS.bytes / 2 };

/**
 * Chooses what is published next. Never "everything above the last id": a transaction that commits late has lower
 * ids. Never a row before an earlier one of its key. While a huge transaction is being published, half of each batch
 * goes to the rows behind it.
 */
export class BatchSource {
  readonly #repository: OutboxRepository;
  readonly #monotonic: () => number;
  #floor = 0;
  #fullScanAt = -Infinity;
  /** Highest id of the bulk transactions that are being published. */
  #bulkEnd: number | undefined;
  #nextBulkSearchAt = -Infinity;

  constructor(repository: OutboxRepository, monotonic: () => number) {
    this.#repository = repository;
    this.#monotonic = monotonic;
  }

  /** Empty when there is nothing to publish. */
  async next(): Promise<Batch> {
    const startedAt = this.#monotonic();
    const head = await this.#fetchHead(startedAt);
    const last = head.rows.at(-1);
    const [first] = head.rows;
    if (first === undefined || last === undefined) return { rows: [], flushed: true, coversUntil: startedAt };
    if (this.#bulkEnd !== undefined && first.id > this.#bulkEnd) this.#bulkEnd = undefined;
    // What comes behind an incomplete head was written at about the time of its last row, or later.
    const coversUntil = head.complete ? startedAt : startedAt - last.ageMs;
    this.#floor = head.complete
      ? Math.max(this.#floor, last.id - FLOOR_DISTANCE)
      : Math.max(0, last.id - FLOOR_DISTANCE);
    if (head.complete) return { rows: head.rows, flushed: head.flushed, coversUntil };
    if (this.#bulkEnd === undefined) {
      await this.#noteBulk(head.rows);
      return { rows: head.rows, flushed: head.flushed, coversUntil };
    }
    const tail = await this.#repository.fetchUnblockedAfter(this.#bulkEnd, HALF);
    return {
      // The head may have passed the bulk's end; what it already holds must not come twice.
      rows: [...head.rows, ...tail.rows.filter((row) => row.id > last.id)],
      flushed: head.flushed && tail.flushed,
      coversUntil,
    };
  }

  async #fetchHead(now: number): Promise<FetchedRows> {
    const limits = this.#bulkEnd === undefined ? BATCH_LIMITS : HALF;
    if (now - this.#fullScanAt < FULL_SCAN_INTERVAL_MS) {
      const rows = await this.#repository.fetchAfter(this.#floor, limits);
      // A late commit below the floor, and a later row of its key above: only together, in order.
      if (!rows.rows.some((row) => row.passesEarlier)) return rows;
    }
    this.#fullScanAt = now;
    return await this.#repository.fetchAfter(0, limits);
  }

  /** The search reads the whole backlog, so it takes at most a twentieth of the time. */
  async #noteBulk(rows: readonly OutboxRow[]): Promise<void> {
    const counts = new Map<string, number>();
    for (const { xid } of rows) counts.set(xid, (counts.get(xid) ?? 0) + 1);
    const bulks = [...counts].filter(([, count]) => count >= BULK_ROWS).map(([xid]) => xid);
    const startedAt = this.#monotonic();
    if (bulks.length === 0 || startedAt < this.#nextBulkSearchAt) return;
    const end = await this.#repository.findLastIdOf(bulks);
    const endedAt = this.#monotonic();
    this.#nextBulkSearchAt = endedAt + (endedAt - startedAt) * 20;
    if (end !== undefined && end > (rows.at(-1)?.id ?? 0)) this.#bulkEnd = end;
  }
}
