import type { Condition, FieldType } from '@tidewire/condition';
import { TidewireError } from '@tidewire/contract';
import type { Actor, LogPosition, ObjectImage } from '@tidewire/contract';
import type { Granted } from '@tidewire/policy';
import type { Provenance } from '@tidewire/service-kit';
import type { BarrierSource, RightsBarrier } from '../rights/barrier.ts';
import type { ChangeSource } from './object-poll.ts';

/** Where objects are: a schema with the slugs that stand in their images. */
export interface Place {
  readonly schema: string;
  readonly register: string;
  readonly schemaSlug: string;
  readonly registerSlug: string;
}

/** What every read and write statement is told about the request. */
export interface StatementContext {
  readonly place: Place;
  /** Ids whose pending changes of rights count. */
  readonly concerned: readonly string[];
  /**
   * Organisations outside of which the caller sees nothing; null: no such bound. A write does not even wait for the rows
   * of others, because how long it takes would tell that somebody writes them.
   */
  readonly tenants: readonly string[] | null;
  /** The time at which rules on `$now` are judged, epoch milliseconds. */
  readonly nowMs: number;
}

/** An object as it is stored, with who wrote it: members that no rule sees and that a face shows where it may. */
export type StoredImage = ObjectImage & {
  readonly _createdBy?: Actor | null;
  readonly _updatedBy?: Actor | null;
};

export interface ReadResult {
  readonly image: StoredImage | null;
  readonly barrier: RightsBarrier;
}

export interface OrderTerm {
  readonly field: string;
  readonly type: FieldType;
  readonly descending: boolean;
}

/** What a list asks for. Filter, search and order see only what the decision lets be read on each row. */
export interface ListQuery {
  readonly decision: Granted;
  readonly filter: Condition;
  /** Looked for in these text properties, whatever the case. */
  readonly search: { readonly text: string; readonly fields: readonly string[] } | undefined;
  readonly order: readonly OrderTerm[];
  readonly limit: number;
  readonly offset: number;
  /** Bytes of properties at most. */
  readonly maxBytes: number;
}

export interface ListResult {
  /** Full images, not projected yet. Undefined: the page is larger than `maxBytes`. */
  readonly images: readonly StoredImage[] | undefined;
  /** Bytes of their properties. */
  readonly bytes: number;
  readonly total: number;
  readonly position: LogPosition;
  readonly barrier: RightsBarrier;
}

/** What a write statement did to one object. `before` is as it was, whether or not the rule let it be written. */
export interface WriteOutcome {
  readonly before: ObjectImage | null;
  readonly after: StoredImage | null;
  /** Whether it was written: false when there is none, the rule refused, or it is not as the caller read it. */
  readonly written: boolean;
}

/** What a write statement did, per object in the order in which they were given. */
export interface WriteResult {
  readonly outcomes: readonly WriteOutcome[];
  readonly barrier: RightsBarrier;
}

export interface NewObject {
  readonly uuid: string;
  readonly organisation: string | null;
  readonly owner: string | null;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** An object and what the caller read of it: it is written only while it is still so. */
export interface Precondition {
  readonly uuid: string;
  readonly version: number | undefined;
  /** `_updated`, epoch milliseconds. */
  readonly updatedMs?: number | undefined;
}

export interface ObjectChange extends Precondition {
  readonly properties: Readonly<Record<string, unknown>>;
}

/** How the changes of a statement are made. */
export interface ChangeMode {
  /**
   * `merge`: RFC 7396. `replace`: the given properties instead of those that `reader` may read on the row; what it may not
   * read stays, because it could not have been sent.
   */
  readonly mode: 'merge' | 'replace';
  readonly reader: Granted | undefined;
}

export interface ObjectUpdates extends ChangeMode {
  /** The decision for `update`: its rows are in the statement's WHERE. */
  readonly decision: Granted;
  /** No object twice. */
  readonly changes: readonly ObjectChange[];
}

export interface ObjectRemovals {
  /** The decision for `delete`. */
  readonly decision: Granted;
  /** No object twice. */
  readonly objects: readonly Precondition[];
  /** Whether nothing is left to restore. */
  readonly permanent?: boolean;
}

export interface ObjectTransfers {
  /** The decision for `update`. */
  readonly decision: Granted;
  /** No object twice. */
  readonly objects: readonly Precondition[];
  readonly owner: string | null;
}

export interface ObjectRestorations {
  /** The decision for `delete`: its rows, as they were when they were deleted, may be restored. */
  readonly decision: Granted;
  /** No object twice. */
  readonly uuids: readonly string[];
}

/** What identifies an object to an upsert: in its organisation, the values of these properties. */
export interface ObjectKey {
  readonly organisation: string | null;
  readonly values: readonly (readonly [name: string, value: unknown])[];
}

/** Which objects have these keys, among the rows and properties that the decision lets be read. */
export interface KeyQuery {
  readonly decision: Granted;
  /** All of the same properties. */
  readonly keys: readonly ObjectKey[];
}

export interface KeyResult {
  /** Per key the uuids of those that have it; two where there are more. */
  readonly matches: readonly (readonly string[])[];
  readonly barrier: RightsBarrier;
}

/** Thrown in a transaction to begin it again: what it decided by was changed by another one in the same moment. */
export class ConcurrentChange extends Error {
  constructor() {
    super('the object was changed in the same moment');
    this.name = 'ConcurrentChange';
  }
}

/** The refusal of one of the objects that a statement writes. */
export class RefusedObject extends TidewireError {
  readonly uuid: string;

  constructor(uuid: string, refusal: TidewireError) {
    super(refusal.code, refusal.message, { errors: refusal.errors, cause: refusal.cause });
    this.uuid = uuid;
  }
}

/** The statements of one transaction; what they wrote is seen by others after it. */
export interface ObjectTransaction {
  insert(context: StatementContext, objects: readonly NewObject[]): Promise<WriteResult>;
  update(context: StatementContext, updates: ObjectUpdates): Promise<WriteResult>;
  remove(context: StatementContext, removals: ObjectRemovals): Promise<WriteResult>;
  /** Gives objects another owner. */
  transfer(context: StatementContext, transfers: ObjectTransfers): Promise<WriteResult>;
  /**
   * Brings objects back from the trash as they were. `before` is the last image, null when the trash does not hold it;
   * whether the caller may create such an object is for the caller to check, on `after`.
   */
  restore(context: StatementContext, restorations: ObjectRestorations): Promise<WriteResult>;
  /** Waits for the transactions that have locked one of these keys, and keeps others waiting until this one ends. */
  lockKeys(context: StatementContext, keys: readonly ObjectKey[]): Promise<void>;
  findKeys(context: StatementContext, query: KeyQuery): Promise<KeyResult>;
}

/** Where objects are kept. Each method is one SQL snapshot, whose barrier comes with the data. */
export interface ObjectRepository extends BarrierSource, ChangeSource {
  read(context: StatementContext, uuid: string): Promise<ReadResult>;
  list(context: StatementContext, query: ListQuery): Promise<ListResult>;
  /**
   * Runs `work` in one transaction, committed when it resolves. The transaction is repeated, a bounded number of times, when
   * the database says that it could not be serialized.
   *
   * @throws RefusedObject PAYLOAD_TOO_LARGE or VALIDATION_ERROR when a constraint refuses an object.
   */
  transaction<Result>(
    provenance: Provenance,
    work: (transaction: ObjectTransaction) => Promise<Result>,
  ): Promise<Result>;
  /** Empties what was deleted longer ago than that, at most so many; resolves to how many it were. */
  emptyTrash(retentionMs: number, most: number): Promise<number>;
  /** About how many bytes of events wait for the log. */
  outboxBytes(): Promise<number>;
}
