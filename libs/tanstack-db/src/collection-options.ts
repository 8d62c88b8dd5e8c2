import type { CollectionConfig, SyncConfig, TransactionWithMutations } from '@tanstack/db';
import { SOURCE_LIMIT } from '@tidewire/client';
import type {
  Client,
  DataSource,
  DataSourceOptions,
  Fields,
  Filter,
  RefreshMode,
  SortTerm,
  TableName,
  TableTypes,
} from '@tidewire/client';
import { SyncedRows } from './synced-rows.ts';
import { TableWrites } from './table-writes.ts';

/** A record as a row of a collection: the values of its fields, and its id. */
export type CollectionRow<Row> = Row & { readonly id: string };

type FieldName<Row> = Extract<keyof Row, string>;

export interface TidewireCollectionConfig<
  Tables extends TableTypes,
  Table extends TableName<Tables>,
  Field extends FieldName<Tables[Table]> = FieldName<Tables[Table]>,
  Key extends string | number = string,
> {
  readonly client: Client<Tables>;
  /** Slug of the table. */
  readonly table: Table;
  /** Name of the collection; one is made up when absent. */
  readonly id?: string | undefined;
  /** Only records that match. */
  readonly filter?: Filter<FieldName<Tables[Table]>> | undefined;
  /** Only these fields; without it all that may be read. */
  readonly fields?: readonly Field[] | undefined;
  /** The first so many records, 1000 when absent and at most: of a larger table ask for a part, with `filter`. */
  readonly limit?: number | undefined;
  /** Which records come first, where there are more than `limit`. */
  readonly sort?: string | readonly SortTerm<FieldName<Tables[Table]>>[] | undefined;
  /** `realtime` when absent. */
  readonly refreshMode?: RefreshMode | 'none' | undefined;
  /** At least 1000, 30000 when absent. */
  readonly pollIntervalMs?: number | undefined;
  /**
   * What tells rows apart; their `id` when absent. A field that the app fills in itself and that is never the same twice
   * keeps a new row the same row when the server gives it its id.
   */
  readonly getKey?: ((row: CollectionRow<Pick<Tables[Table], NoInfer<Field>>>) => Key) | undefined;
}

/** What a collection of this kind can do besides: `collection.utils`. */
export interface TidewireUtils<Row> extends Record<string, unknown> {
  /** Fetches again; the only way on when the server has refused. Resolves when it has been done, or has failed. */
  readonly refetch: () => Promise<void>;
  /**
   * Where the rows come from: how current they are (`getSnapshot().state`), how many match on the server (`total`, more than
   * there are rows when there are more than `limit`), conflicts and edits. Another one after the collection was cleaned up.
   */
  readonly getSource: () => DataSource<Row>;
}

/**
 * Options for `createCollection`: records of a table as rows of a collection, kept as the server has them for as long as
 * somebody uses it. Changes are shown at once and written; where the server refuses they are taken back and
 * `isPersisted.promise` of the transaction rejects with the client's error (a `ConflictError` when somebody else was first).
 *
 * A refusal of the rows themselves empties the collection and gives it the status `error`; what is transient does not.
 *
 * @throws ClientError, when it is first used, for options that can never be right.
 */
export function tidewireCollectionOptions<
  Tables extends TableTypes,
  const Table extends TableName<Tables>,
  const Field extends FieldName<Tables[Table]> = FieldName<Tables[Table]>,
  Key extends string | number = string,
>(
  config: TidewireCollectionConfig<Tables, Table, Field, Key>,
): CollectionConfig<CollectionRow<Pick<Tables[Table], Field>>, Key, never, TidewireUtils<Tables[Table]>> & {
  utils: TidewireUtils<Tables[Table]>;
  schema?: never;
} {
  type Row = CollectionRow<Pick<Tables[Table], Field>>;
  const getKey = config.getKey ?? ((row: Row) => row.id as Key);
  const table = new CollectionTable(config, getKey as (row: object) => Key);
  const write = async ({ transaction }: { transaction: TransactionWithMutations<Row> }): Promise<void> => {
    await table.writes.write(transaction.mutations);
  };
  return {
    ...(config.id !== undefined && { id: config.id }),
    getKey,
    sync: { sync: table.sync as unknown as SyncConfig<Row, Key>['sync'], rowUpdateMode: 'full' },
    onInsert: write,
    onUpdate: write,
    onDelete: write,
    utils: {
      refetch: () => table.source().refetch(),
      getSource: () => table.source() as unknown as DataSource<Tables[Table]>,
    },
  };
}

type TableConfig = {
  readonly client: Pick<Client<Record<string, Fields>>, 'dataSource'>;
} & DataSourceOptions;

/** The one data source of a collection, from when it is first used to when the collection is cleaned up. */
class CollectionTable {
  readonly #config: TableConfig;
  readonly #getKey: (row: object) => string | number;
  readonly writes = new TableWrites(() => this.source());
  #source: DataSource | undefined;

  constructor(config: TableConfig, getKey: (row: object) => string | number) {
    this.#config = config;
    this.#getKey = getKey;
  }

  source(): DataSource {
    const {
      client,
      table,
      filter,
      sort,
      fields,
      limit = SOURCE_LIMIT.max,
      refreshMode,
      pollIntervalMs,
    } = this.#config;
    this.#source ??= client.dataSource({ table, filter, sort, fields, limit, refreshMode, pollIntervalMs });
    return this.#source;
  }

  readonly sync: SyncConfig<object>['sync'] = (sink) => {
    const source = this.source();
    const rows = new SyncedRows(sink, this.#getKey);
    const take = (): void => rows.take(source.getSnapshot());
    const stop = source.subscribe(take);
    take();
    return () => {
      stop();
      source.close();
      this.#source = undefined;
    };
  };
}
