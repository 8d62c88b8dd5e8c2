import type {
  ClientError,
  Filter,
  LiveRow,
  RefreshMode,
  RowConflict,
  RowEdit,
  SortTerm,
} from '@tidewire/client';
import type { FieldOf, RegisteredTable, RowOf } from './register.ts';
import type { ViewState } from './shared-source.ts';
import { useSource } from './use-source.ts';

/** A row that the app has already: a record of a list. */
export type InitialRow<Row> = Omit<LiveRow<Row>, 'pending'>;

/** What `DataSourceOptions` of the client say, of a registered table. Literals are fine: what counts is what they mean. */
export interface LiveTableOptions<
  Table extends RegisteredTable,
  Field extends FieldOf<Table> = FieldOf<Table>,
> {
  /** Slug of the table. */
  readonly table: Table;
  // oxlint-disable-next-line typescript/no-unnecessary-type-arguments -- any text only where no tables are registered
  readonly filter?: Filter<FieldOf<Table>> | undefined;
  /** `status:asc,total:desc`, or terms. Without it rows come in the order of the server's lists. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-arguments -- any text only where no tables are registered
  readonly sort?: string | readonly SortTerm<FieldOf<Table>>[] | undefined;
  /** Only these; without it all that may be read. */
  readonly fields?: readonly Field[] | undefined;
  /** The first so many rows of the order: 1 to 1000, 100 when absent. */
  readonly limit?: number | undefined;
  /** `realtime` when absent. `none` is another name of `static`. */
  readonly refreshMode?: RefreshMode | 'none' | undefined;
  /** At least 1000, 30000 when absent. */
  readonly pollIntervalMs?: number | undefined;
  /**
   * Rows to show, as `loading`, until there are the server's: on the server the only ones. They belong to the options of the
   * first render. The browser needs the same ones as the server, or HTML does not match.
   */
  readonly initialRows?: readonly InitialRow<Pick<RowOf<Table>, Field>>[] | undefined;
}

export interface KeepPrevious {
  /**
   * While the rows of other options are on their way, go on showing, as `loading`, those that were there: of the same table
   * and fields. False when absent: rows are always those that were asked for.
   */
  readonly keepPrevious?: boolean | undefined;
}

/** Rows of a table, and what can be done with them. The functions stay the same from render to render. */
export interface LiveTable<Row, Shown = Row> {
  /** Sorted and filtered, writes under way included. A row that is as it was is the same object. */
  readonly rows: readonly LiveRow<Shown>[];
  /** How many rows the server has that match, without regard to `limit`. */
  readonly total: number;
  /** `SourceState` of the client says what each promises. */
  readonly state: ViewState;
  /** The last moment at which the rows were known to be the server's; null: never. Milliseconds since 1970. */
  readonly asOf: number | null;
  /** Why it failed, or why the last attempt to fetch did. */
  readonly error: ClientError | null;
  /** The last conflict, until it is dismissed or the record is written after all. All users of the same rows share it. */
  readonly conflict: RowConflict<Row> | null;
  /** Fetches again; the only way on from `failed`. */
  readonly refetch: () => Promise<void>;
  /** Shows the row at once and takes it back when the server refuses. Rejects with a ClientError. */
  readonly insert: (values: Partial<Row>) => Promise<LiveRow<Row>>;
  /** Shows the values at once and takes them back when the server refuses. Rejects with a ConflictError or a ClientError. */
  readonly update: (id: string, values: Partial<Row>) => Promise<LiveRow<Row>>;
  /** Hides the row at once and shows it again when the server refuses. Rejects with a ClientError. */
  readonly delete: (id: string) => Promise<void>;
  /**
   * Tells the server which fields are being edited, so that `conflict` comes while somebody still types. It is over when it
   * was saved or cancelled, and when the component goes or asks for other rows. @throws ClientError when there is no such row.
   */
  readonly edit: (id: string, fields: readonly Extract<keyof Row, string>[]) => RowEdit<Row>;
  readonly dismissConflict: () => void;
}

/**
 * Live rows of a table. Components that ask for the same share one source; it begins when the first is mounted and ends some
 * seconds after the last has gone. @throws ClientError for options that can never be right, such as a limit of 5000.
 */
export function useLiveTable<
  const Table extends RegisteredTable,
  const Field extends FieldOf<Table> = FieldOf<Table>,
>(
  options: LiveTableOptions<Table, Field> & KeepPrevious,
): LiveTable<RowOf<Table>, Pick<RowOf<Table>, Field>> {
  const { use, view } = useSource(options, options);
  return { ...view, ...use.actions } as unknown as LiveTable<RowOf<Table>, Pick<RowOf<Table>, Field>>;
}

/**
 * The same for components below a `<Suspense>`: they are not rendered before there are rows, and what the server refuses goes
 * to the error boundary, which tries again when it is reset. Other options suspend again, unless they come in a transition.
 * On the server only `initialRows` are rendered; without them the fallback is, and the browser goes on.
 */
export function useLiveTableSuspense<
  const Table extends RegisteredTable,
  const Field extends FieldOf<Table> = FieldOf<Table>,
>(options: LiveTableOptions<Table, Field>): LiveTable<RowOf<Table>, Pick<RowOf<Table>, Field>> {
  const { initialRows } = options;
  const { use, view, origin } = useSource(options, { initialRows });
  if (view.state === 'failed' || (view.state === 'closed' && view.asOf === null)) {
    use.thrown();
    throw view.error ?? new Error('The client was closed');
  }
  if (origin === 'unasked')
    throw new Error('Without initialRows only the browser has rows: it goes on from here');
  // oxlint-disable-next-line typescript/only-throw-error -- what React waits for is thrown
  if (origin === 'asked' && view.asOf === null) throw use.settled();
  return { ...view, ...use.actions } as unknown as LiveTable<RowOf<Table>, Pick<RowOf<Table>, Field>>;
}
