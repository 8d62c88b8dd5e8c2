import type { TableRecord } from '@tidewire/contract';

/** What is asked for, as the parameters of a list: PROTOCOL.md 3.4. */
export interface RecordQuery {
  readonly table: string;
  readonly filter?: string | undefined;
  readonly sort?: string | undefined;
  readonly fields?: readonly string[] | undefined;
  readonly limit: number;
}

export interface RecordList {
  /** `unchanged`: they are those of the answer that had this `etag`. */
  readonly records: readonly TableRecord[] | 'unchanged';
  readonly total: number;
  /** The place in the log that the rows include. */
  readonly position: string;
  readonly etag: string | undefined;
}

/** Records over HTTP. @throws ClientError from every method. */
export interface RecordsApi {
  /** `etag`: of the answer that is known already. */
  list(query: RecordQuery, etag: string | undefined, signal: AbortSignal): Promise<RecordList>;
  /** null: it is gone, or may not be seen. */
  find(table: string, id: string): Promise<TableRecord | null>;
  create(table: string, fields: object): Promise<TableRecord>;
  /** `updatedAt`: the write happens only while the record still has it. */
  change(table: string, id: string, fields: object, updatedAt: string): Promise<TableRecord>;
  remove(table: string, id: string): Promise<void>;
}
