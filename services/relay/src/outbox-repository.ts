import type { LogPosition } from '@tidewire/contract';

/** What was written and is not yet in the log. */
export interface OutboxRow {
  readonly id: number;
  readonly uuid: string;
  /** The transaction that wrote it. */
  readonly xid: string;
  readonly subject: string;
  /** The log payload as JSON text, without `before` and `after`. */
  readonly message: string;
  /** The members `before` and `after` as JSON text; null: this kind of message has none. */
  readonly images: string | null;
  /** Milliseconds since it was written, by the database's clock. */
  readonly ageMs: number;
  /** There is an earlier row of the same key that this fetch did not look at: must not be published now. */
  readonly passesEarlier: boolean;
}

export interface FetchLimits {
  readonly rows: number;
  /** Of payload; the first row comes whatever its size. */
  readonly bytes: number;
}

export interface FetchedRows {
  /** Ascending by id. */
  readonly rows: readonly OutboxRow[];
  /** Every commit that is visible in `rows` is on disk. */
  readonly flushed: boolean;
  /** No limit was reached: there was nothing else. */
  readonly complete: boolean;
}

/** How far the log goes according to the database, and which row is the message there. */
export interface RelayState extends LogPosition {
  readonly rowUuid: string | null;
}

/** Rows that are in the log now. */
export interface Publication {
  readonly ids: readonly number[];
  /** The state before. */
  readonly from: LogPosition;
  /** The state after. */
  readonly to: LogPosition & { readonly rowUuid: string };
}

/** What metrics are made of. Estimates by the database's statistics. */
export interface OutboxMeasure {
  readonly liveRows: number;
  readonly deadRows: number;
  /** Transactions begun since the oldest one that still runs. */
  readonly oldestTransactionLag: number;
}

/**
 * The outbox, seen by the leader. Every call goes over the connection that holds the lock, so none can succeed after
 * another process leads.
 */
export interface OutboxRepository {
  readState(): Promise<RelayState>;
  /** The first rows behind an id. */
  fetchAfter(id: number, limits: FetchLimits): Promise<FetchedRows>;
  /** The first rows behind an id that have no earlier row of their key at or before that id. */
  fetchUnblockedAfter(id: number, limits: FetchLimits): Promise<FetchedRows>;
  /** The highest id of the rows of these transactions; undefined when none is left. Reads the whole backlog. */
  findLastIdOf(xids: readonly string[]): Promise<number | undefined>;
  /** Returns when everything that was visible so far is on disk, and on the synchronous standby if there is one. */
  flush(): Promise<void>;
  /** Ids of the rows with these uuids, by uuid. */
  findIds(uuids: readonly string[]): Promise<Map<string, number>>;
  /**
   * Deletes the rows and moves the state on, in one durable commit.
   *
   * @throws StateConflictError when the state was not `from`, or not exactly these rows were there; nothing changed.
   */
  commit(publication: Publication): Promise<void>;
  /** Begins another epoch. @throws StateConflictError when the state was not `from`. */
  startEpoch(from: LogPosition, to: LogPosition): Promise<void>;
  measure(): Promise<OutboxMeasure>;
}

/** Somebody else changed what only the leader may change: this process does not lead any more. */
export class StateConflictError extends Error {
  constructor() {
    super('the outbox is not in the state that its leader left');
    this.name = 'StateConflictError';
  }
}
