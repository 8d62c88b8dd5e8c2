import type { RightsBarrier } from './barrier.ts';

/** The columns of a barrier, as {@link barrierColumns} selects them. */
export interface BarrierRow {
  readonly epoch: string;
  readonly sequence: number;
  readonly pending: boolean;
  readonly store: string;
}

/** Selects one life of the database: a restart and a failover change the first part, a restore of the tables the other. */
export const STORE_SQL = `extract(epoch from pg_postmaster_start_time())::text || ' ' || 'outbox.relay_state'::regclass::oid`;

/** What a statement selects from `outbox.position() p`; `concerned` is the parameter with the ids that ask. */
export function barrierColumns(concerned: string): string {
  return `p.epoch, p.sequence, outbox.rights_pending(${concerned}::text[]) as pending, ${STORE_SQL} as store`;
}

/** The barrier of a statement's first row; statements are written so that there always is one. */
export function readBarrierRow(row: BarrierRow | undefined): RightsBarrier {
  if (row === undefined) throw new Error('the statement returned no position');
  return { position: { epoch: row.epoch, sequence: row.sequence }, pending: row.pending, store: row.store };
}
