import type { Condition } from '@tidewire/condition';
import type { StatementContext } from '../objects/object-repository.ts';
import type { RightsBarrier } from '../rights/barrier.ts';

/** What a decision lets pass: rows for everybody it is about, and rows for whoever owns them. */
export interface Passing {
  readonly rows: Condition;
  readonly own: Condition;
}

/** A property that may be read (or written) on other rows than before. */
export interface PropertyComparison {
  readonly name: string;
  readonly before: Condition;
  readonly after: Condition;
}

/** Two decisions on the rows of one schema, the same for all of some principals but for what they own. */
export interface Comparison {
  readonly before: Passing;
  readonly after: Passing;
  readonly properties: readonly PropertyComparison[];
  /** Those principals whose own rows are counted by themselves. */
  readonly owners: readonly string[];
}

/** How many rows of one owner, or of all others (`owner: null`), differ. `own…`: for the owner itself. */
export interface RowCounts {
  readonly owner: string | null;
  readonly gains: number;
  readonly loses: number;
  readonly ownGains: number;
  readonly ownLoses: number;
  /** Per compared property, whether there is a row that passes before and after on which it is gained or lost. */
  readonly gained: readonly boolean[];
  readonly lost: readonly boolean[];
  readonly ownGained: readonly boolean[];
  readonly ownLost: readonly boolean[];
}

/** A row that differs; of each owner and each way of differing there are some, in the order of their uuids. */
export interface DifferingRow {
  readonly owner: string | null;
  readonly uuid: string;
  readonly gain: boolean;
  readonly lose: boolean;
  readonly ownGain: boolean;
  readonly ownLose: boolean;
}

/** One snapshot of the rows, for as long as there is time. */
export interface PreviewSnapshot {
  readonly barrier: RightsBarrier;
  /** Undefined when the time is over; nothing more can be asked then. */
  compare(
    context: StatementContext,
    comparison: Comparison,
  ): Promise<{ readonly counts: readonly RowCounts[]; readonly rows: readonly DifferingRow[] } | undefined>;
}

/** Where rows are counted under two decisions. */
export interface PreviewSource {
  /** `leftMs` says how much time there is left, milliseconds. */
  inSnapshot<Result>(
    leftMs: () => number,
    work: (snapshot: PreviewSnapshot) => Promise<Result>,
  ): Promise<Result>;
}
