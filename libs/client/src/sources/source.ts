import type { ClientError } from '../client-error.ts';

/**
 * How rows are kept up to date: not at all after the first list (`static`, also written `none`), by asking again every so
 * often (`poll`), or as changes happen (`realtime`).
 */
export const REFRESH_MODES = Object.freeze(['static', 'poll', 'realtime'] as const);
export type RefreshMode = (typeof REFRESH_MODES)[number];

export const POLL_INTERVAL_MS = Object.freeze({ default: 30_000, min: 1000 });

/** Rows of one source: the default, and the most that can be asked for. */
export const SOURCE_LIMIT = Object.freeze({ default: 100, max: 1000 });

/** Values by field name. */
export type Fields = Readonly<Record<string, unknown>>;

/** What is to be written: null takes a value away. */
export type Values<Row> = { readonly [Field in keyof Row]?: Row[Field] | null };

/** Tables by their slugs, with the fields of their records: what `npx tidewire types` writes. */
export type TableTypes = object;
/** Of a client that knows nothing of its tables: every name, every field. */
export interface AnyTables {
  readonly [table: string]: Fields;
}
export type TableName<Tables extends TableTypes> = Extract<keyof Tables, string>;

export interface SortTerm<Field extends string = string> {
  readonly field: Field | 'id' | 'createdAt' | 'updatedAt';
  readonly direction?: 'asc' | 'desc';
}

/** A condition of the tables face: PROTOCOL.md 3.4. A list of them holds when all do. */
export type Filter<Field extends string = string> =
  | string
  | {
      readonly field: Field | 'id' | 'createdAt' | 'updatedAt';
      readonly operator: string;
      readonly value?: unknown;
    }
  | { readonly and: readonly Filter<Field>[] }
  | { readonly or: readonly Filter<Field>[] }
  | readonly Filter<Field>[];

/** A field of a table. */
export type FieldOf<Row> = Extract<keyof Row, string>;

/** A row with the fields that were asked for; of a table that nobody has described, whatever comes. */
export type RowPart<Row, Shown extends FieldOf<Row>> = string extends keyof Row ? Row : Pick<Row, Shown>;

export interface DataSourceOptions<
  Table extends string = string,
  Field extends string = string,
  Shown extends Field = Field,
> {
  /** Slug of the table. */
  readonly table: Table;
  readonly filter?: Filter<Field> | undefined;
  /** `status:asc,total:desc`, or terms. Without it rows come in the order of the server's lists. */
  readonly sort?: string | readonly SortTerm<Field>[] | undefined;
  /** Only these; without it all that may be read. */
  readonly fields?: readonly Shown[] | undefined;
  /** The first so many rows of the order: 1 to 1000, 100 when absent. */
  readonly limit?: number | undefined;
  /** `realtime` when absent. `none` is another name of `static`. */
  readonly refreshMode?: RefreshMode | 'none' | undefined;
  /** At least 1000, 30000 when absent. */
  readonly pollIntervalMs?: number | undefined;
}

/** A record as it is shown: what the server has, with the writes on top that are still under way. */
export interface LiveRow<Row = Fields> {
  /** Of a row that is being inserted a name of the client's own, until the server gives it one. */
  readonly id: string;
  readonly fields: Row;
  readonly createdAt: string;
  /** The token of the next write. */
  readonly updatedAt: string;
  /** The write that is under way, if there is one. A row that is being deleted is not shown. */
  readonly pending: 'insert' | 'update' | null;
}

/**
 * What is known of the rows.
 *
 * - `idle`: nobody listens.
 * - `loading`: there are no rows yet.
 * - `live`: the rows are the server's, changes come as they happen.
 * - `behind`: the rows were the server's at `asOf`; changes are not coming at the moment, or are being caught up with.
 * - `refreshing`: the rows are being fetched again, because events may be missing or rows ran short.
 * - `polling`: the rows are fetched again every so often.
 * - `settled`: fetched once, as it was asked for.
 * - `failed`: the server refused; `error` says why. Only `refetch` goes on from here.
 * - `closed`: for good.
 */
export const SOURCE_STATES = Object.freeze([
  'idle',
  'loading',
  'live',
  'behind',
  'refreshing',
  'polling',
  'settled',
  'failed',
  'closed',
] as const);
export type SourceState = (typeof SOURCE_STATES)[number];

/** Everything that is known at one moment. Never changed: what changes is another snapshot. */
export interface SourceSnapshot<Row = Fields> {
  /** Sorted and filtered, writes under way included. */
  readonly rows: readonly LiveRow<Row>[];
  /** How many rows the server has that match, without regard to `limit`. */
  readonly total: number;
  readonly state: SourceState;
  /** The last moment at which the rows were known to be the server's; null: never. Milliseconds since 1970. */
  readonly asOf: number | null;
  /** Why it failed, or why the last attempt to fetch did. */
  readonly error: ClientError | null;
}

/** Two people changed the same fields. */
export interface RowConflict<Row = Fields, All = Row> {
  readonly id: string;
  /** The fields that both changed; where it is not known which, all that were sent. */
  readonly fields: readonly FieldOf<All>[];
  /** What was to be written. */
  readonly mine: Values<All>;
  /** The server's record by now; null: it is gone, or out of sight. */
  readonly theirs: LiveRow<Row> | null;
  /** Who wrote it; the name is `Another user` where that may not be known. */
  readonly by: { readonly id: string; readonly name: string } | null;
}

/** A write was refused because the record changed since it was read. Nothing was written. */
export interface ConflictDetails<Row = Fields> {
  readonly conflict: RowConflict<Row>;
}

/** Somebody is editing a record; the others' writes to the same fields are told until it is over. */
export interface RowEdit<Row = Fields, All = Row> {
  /** Writes the values, on the condition that nobody wrote the record since it was read or since the last conflict. */
  save(values: Values<All>): Promise<LiveRow<Row>>;
  /** Gives up. Idempotent. */
  cancel(): void;
}

/**
 * Live, sorted, filtered rows of one table. Does nothing until somebody listens. `Row` is what is shown of a record, `All` what
 * can be written.
 */
export interface DataSource<Row = Fields, All = Row> {
  /** The same object until something changes. */
  getSnapshot(): SourceSnapshot<Row>;
  /** Calls back after every change of the snapshot, at most once a microtask. The answer stops it. */
  subscribe(listener: () => void): () => void;
  /** The first snapshot that has rows, or has failed. Listens for as long as that takes. */
  ready(): Promise<SourceSnapshot<Row>>;
  /** Fetches again, from every state but `closed`. Resolves when it has been done, or has failed. */
  refetch(): Promise<void>;
  /**
   * Shows the row at once and takes it back when the server refuses. When the promise is settled, of this and of the next two,
   * the snapshot shows what came of it, and listeners were told. @throws ClientError
   */
  insert(values: Values<All>): Promise<LiveRow<Row>>;
  /**
   * Shows the values at once and takes them back when the server refuses. The write is on the condition that the record is
   * as it was shown. @throws ConflictError, ClientError
   */
  update(id: string, values: Values<All>): Promise<LiveRow<Row>>;
  /** Hides the row at once and shows it again when the server refuses. @throws ClientError */
  delete(id: string): Promise<void>;
  /** Tells the server which fields are being edited, so that conflicts are told while somebody still types. */
  edit(id: string, fields: readonly FieldOf<All>[]): RowEdit<Row, All>;
  /** Calls back on every conflict, of writes and of edits. The answer stops it. */
  onConflict(listener: (conflict: RowConflict<Row, All>) => void): () => void;
  /** For good. Idempotent. */
  close(): void;
}
