import type { RightsBarrier } from './barrier.ts';

/** The columns of a barrier, as statements select them from `outbox.position()` and `outbox.rights_pending()`. */
export interface BarrierRow {
  readonly epoch: string;
  readonly sequence: number;
  readonly pending: boolean;
}

/** The barrier of a statement's first row; statements are written so that there always is one. */
export function readBarrierRow(row: BarrierRow | undefined): RightsBarrier {
  if (row === undefined) throw new Error('the statement returned no position');
  return { position: { epoch: row.epoch, sequence: row.sequence }, pending: row.pending };
}
