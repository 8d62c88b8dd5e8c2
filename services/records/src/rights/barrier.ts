import type { LogPosition } from '@tidewire/contract';

/**
 * What a SQL snapshot says about rights: it holds every change up to `position`, and, when `pending`, at least one more
 * that is committed but not in the log yet. Read in the statement that reads or writes the data.
 */
export interface RightsBarrier {
  readonly position: LogPosition;
  readonly pending: boolean;
  /** Which life of the database it is of: another one after a restart, a failover or a restore. */
  readonly store: string;
}

/** Where a barrier can be read by itself, for answers that needed no data. */
export interface BarrierSource {
  /** `concerned`: ids of the principal and the credential that ask. */
  readBarrier(concerned: readonly string[]): Promise<RightsBarrier>;
}
