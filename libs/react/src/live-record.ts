import type { ClientError, DataSourceOptions, LiveRow, RowConflict, RowEdit } from '@tidewire/client';
import { useMemo } from 'react';
import type { InitialRow } from './live-table.ts';
import type { FieldOf, RegisteredTable, RowOf } from './register.ts';
import type { ViewState } from './shared-source.ts';
import { useSource } from './use-source.ts';

export interface LiveRecordOptions<
  Table extends RegisteredTable,
  Field extends FieldOf<Table> = FieldOf<Table>,
> {
  /** Slug of the table. */
  readonly table: Table;
  readonly id: string;
  /** Only these; without it all that may be read. */
  readonly fields?: readonly Field[] | undefined;
  /** The record to show, as `loading`, until there is the server's: as `initialRows` of a table. */
  readonly initialRecord?: InitialRow<Pick<RowOf<Table>, Field>> | undefined;
}

/** One record, and what can be done with it. The functions stay the same from render to render. */
export interface LiveRecord<Row, Shown = Row> {
  /** null while it is `loading`, and afterwards when there is none, or none that may be seen. */
  readonly record: LiveRow<Shown> | null;
  /** `SourceState` of the client says what each promises. */
  readonly state: ViewState;
  /** The last moment at which the record was known to be the server's; null: never. Milliseconds since 1970. */
  readonly asOf: number | null;
  /** Why it failed, or why the last attempt to fetch did. */
  readonly error: ClientError | null;
  /** The last conflict, until it is dismissed or the record is written after all. All users of the record share it. */
  readonly conflict: RowConflict<Row> | null;
  /** Fetches again; the only way on from `failed`. */
  readonly refetch: () => Promise<void>;
  /** Shows the values at once and takes them back when the server refuses. Rejects with a ConflictError or a ClientError. */
  readonly update: (values: Partial<Row>) => Promise<LiveRow<Row>>;
  /** Hides the record at once and shows it again when the server refuses. Rejects with a ClientError. */
  readonly delete: () => Promise<void>;
  /** As that of a table. @throws ClientError when there is no record. */
  readonly edit: (fields: readonly Extract<keyof Row, string>[]) => RowEdit<Row>;
  readonly dismissConflict: () => void;
}

/** One live record. One that is deleted, or may not be seen any more, is `null` while the state stays `live`. */
export function useLiveRecord<
  const Table extends RegisteredTable,
  const Field extends FieldOf<Table> = FieldOf<Table>,
>(options: LiveRecordOptions<Table, Field>): LiveRecord<RowOf<Table>, Pick<RowOf<Table>, Field>> {
  const { table, id, fields, initialRecord } = options;
  const wish: DataSourceOptions = {
    table,
    filter: { field: 'id', operator: 'equals', value: id },
    fields,
    limit: 1,
  };
  const { use, view } = useSource(wish, { initialRows: initialRecord && [initialRecord] });
  const actions = useMemo(() => {
    const { refetch, update, edit, dismissConflict } = use.actions;
    return {
      refetch,
      update: (values: object) => update(id, values),
      delete: () => use.actions.delete(id),
      edit: (names: readonly string[]) => edit(id, names),
      dismissConflict,
    };
  }, [use, id]);
  const { rows, state, asOf, error, conflict } = view;
  const record = { record: rows[0] ?? null, state, asOf, error, conflict, ...actions };
  return record as unknown as LiveRecord<RowOf<Table>, Pick<RowOf<Table>, Field>>;
}
