import { ApiError } from './api-client.ts';
import type { ApiClient } from './api-client.ts';

/** Large enough that a request's own cost does not count, small enough that progress is seen. */
const MOST_RECORDS = 200;
/** Half of what the server takes. */
const MOST_BYTES = 4 * 1024 * 1024;

/** Where records go, and who is told how many have arrived. */
export interface BatchTarget {
  /** Slug of the table. */
  readonly table: string;
  readonly onWritten: (count: number) => void;
}

/**
 * Creates records in their order, many with each request: all of a batch or none. Resolves with how many there were.
 *
 * @throws ApiError naming the rows (counted from 1) of the first batch that is refused; earlier ones stay.
 */
export async function createRecords(
  api: ApiClient,
  { table, onWritten }: BatchTarget,
  rows: Iterable<object> | AsyncIterable<object>,
): Promise<number> {
  let written = 0;
  for await (const records of batchesOf(rows)) {
    try {
      await api.send('POST', `/api/tables/${table}/records/batch`, { records });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const which = `rows ${written + 1} to ${written + records.length}`;
      throw new ApiError(error.status, error.code, `${which}: ${error.message}`);
    }
    written += records.length;
    onWritten(written);
  }
  return written;
}

/** The rows in batches that a request can hold; a single row always fits. */
export async function* batchesOf(
  rows: Iterable<object> | AsyncIterable<object>,
): AsyncGenerator<readonly { readonly fields: object }[]> {
  let batch: { readonly fields: object }[] = [];
  let bytes = 0;
  for await (const fields of rows) {
    const size = Buffer.byteLength(JSON.stringify(fields));
    if (batch.length > 0 && (batch.length >= MOST_RECORDS || bytes + size > MOST_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push({ fields });
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
