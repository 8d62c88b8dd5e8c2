import { ClientError } from '../client-error.ts';
import type { ConflictDetails, Fields, RowConflict } from './source.ts';

/** A write was refused because somebody else has written the record since it was read. Nothing was written. */
export class ConflictError<Row = Fields> extends ClientError implements ConflictDetails<Row> {
  override readonly name = 'ConflictError';
  readonly conflict: RowConflict<Row>;

  constructor(conflict: RowConflict<Row>, cause: ClientError) {
    super('CONFLICT', cause.message, { status: cause.status, errors: cause.errors, cause });
    this.conflict = conflict;
  }
}
