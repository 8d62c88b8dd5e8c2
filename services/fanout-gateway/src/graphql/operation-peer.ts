import type { GraphqlErrorEntry, GraphqlResult } from '@tidewire/contract';
import type { ResultLine } from './operation-line.ts';

/** One connection with several operations, as those see it. An operation is called by its id; `name` is that as JSON text. */
export interface OperationPeer {
  /** False from the moment at which it ends. */
  readonly open: boolean;
  /** What is written until {@link uncork} leaves in one go. */
  cork(): void;
  uncork(): void;
  /** Writes a result that many operations share, in several pieces. */
  result(name: string, line: ResultLine): void;
  /** Everything up to here was told to the operation, or is not for it. */
  position(id: string, eventId: string): void;
  /** Tells an operation what is no event of the log. */
  next(id: string, result: GraphqlResult): void;
  /** The last that an operation is told. */
  refuse(id: string, errors: readonly GraphqlErrorEntry[]): void;
  queuedBytes(): number;
  drained(): Promise<void>;
  reset(): void;
}
