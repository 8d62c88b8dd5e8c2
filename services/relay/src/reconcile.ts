import { createEpoch } from '@tidewire/contract';
import type { LogPosition } from '@tidewire/contract';
import type { LogInfo, LogWriter } from '@tidewire/messaging';
import { BATCH_LIMITS } from './batch.ts';
import type { OutboxRepository, RelayState } from './outbox-repository.ts';

/** What looking at both stores found. */
export type Finding =
  /** The log is where the database says, or ahead by rows that are still in the outbox: those were just published. */
  | { readonly kind: 'explained'; readonly published: readonly string[] }
  /** One of the stores is not what it was: restored, lost, made anew, or written by somebody else. */
  | { readonly kind: 'unexplained'; readonly reason: UnexplainedReason };

export type UnexplainedReason = 'no-log' | 'other-epoch' | 'log-behind' | 'log-ahead' | 'other-message';

export interface ReconcileDependencies {
  readonly repository: OutboxRepository;
  readonly writer: LogWriter;
  readonly now: () => number;
  /** Called before an unexplained finding is believed. A leader of the stream elected just now may be behind itself. */
  readonly pause: () => Promise<void>;
}

export interface Reconciled {
  readonly position: LogPosition;
  /** Rows found in the log and removed from the outbox. */
  readonly adopted: number;
  /** Why a new epoch was begun. */
  readonly newEpoch: UnexplainedReason | undefined;
}

/** How often an unexplained finding has to repeat before a new epoch is begun. */
const CONFIRMATIONS = 3;

/**
 * Makes database and log agree after any doubt, and returns where the log ends. Only one publication is ever in
 * doubt, and its rows are still in the outbox, recognised by uuid. Everything else means that history was changed,
 * and then every cursor must be told: a new epoch, with numbers above all that were ever given out.
 */
export async function reconcile(dependencies: ReconcileDependencies): Promise<Reconciled> {
  const { repository, writer, pause } = dependencies;
  for (let attempt = 1; ; attempt += 1) {
    const state = await repository.readState();
    const info = await writer.find();
    const finding = await examine(state, info, dependencies);
    if (finding.kind === 'explained') return await adopt(repository, state, finding.published);
    const isFirstStart = state.epoch === FIRST_EPOCH && info === undefined;
    if (isFirstStart || attempt >= CONFIRMATIONS) {
      const position = await beginEpoch(dependencies, state, info);
      return { position, adopted: 0, newEpoch: finding.reason };
    }
    await pause();
  }
}

/** The epoch of a database that never had a log. */
const FIRST_EPOCH = '00000000';

async function examine(
  state: RelayState,
  info: LogInfo | undefined,
  { repository, writer }: ReconcileDependencies,
): Promise<Finding> {
  if (info === undefined) return { kind: 'unexplained', reason: 'no-log' };
  if (info.epoch !== state.epoch) return { kind: 'unexplained', reason: 'other-epoch' };
  if (info.last < state.sequence) return { kind: 'unexplained', reason: 'log-behind' };
  if (info.last > state.sequence + BATCH_LIMITS.rows) return { kind: 'unexplained', reason: 'log-ahead' };
  // The message at the known place too: a restored log may have given out the same number again.
  const ids = await writer.readOutboxIds(Math.max(0, state.sequence - 1), info.last);
  const known = ids.get(state.sequence);
  if (state.rowUuid !== null && known !== undefined && known !== state.rowUuid) {
    return { kind: 'unexplained', reason: 'other-message' };
  }
  const ahead = info.last - state.sequence;
  const published = Array.from({ length: ahead }, (_, index) => ids.get(state.sequence + 1 + index) ?? '');
  if (ahead === 0) return { kind: 'explained', published };
  const waiting = published.every(isUuid) ? await repository.findIds(published) : new Map<string, number>();
  return waiting.size === ahead
    ? { kind: 'explained', published }
    : { kind: 'unexplained', reason: 'log-ahead' };
}

async function adopt(
  repository: OutboxRepository,
  state: RelayState,
  published: readonly string[],
): Promise<Reconciled> {
  const { epoch, sequence } = state;
  const rowUuid = published.at(-1);
  if (rowUuid === undefined) return { position: { epoch, sequence }, adopted: 0, newEpoch: undefined };
  const ids = await repository.findIds(published);
  const position = { epoch, sequence: sequence + published.length };
  await repository.commit({ ids: [...ids.values()], from: state, to: { ...position, rowUuid } });
  return { position, adopted: published.length, newEpoch: undefined };
}

async function beginEpoch(
  { repository, writer, now }: ReconcileDependencies,
  state: RelayState,
  info: LogInfo | undefined,
): Promise<LogPosition> {
  const epoch = createLaterEpoch(now(), [state.epoch, info?.epoch ?? '']);
  const sequence = Math.max(state.sequence, info?.last ?? 0);
  const started =
    info === undefined ? await writer.create(epoch, sequence) : await writer.startEpoch(epoch, sequence);
  if (started.epoch !== epoch || started.last !== sequence) {
    throw new Error('the log did not take its new epoch');
  }
  await repository.startEpoch(state, { epoch, sequence });
  return { epoch, sequence };
}

/** An epoch that sorts behind the others, also when the clock went back. */
export function createLaterEpoch(nowMs: number, others: readonly string[]): string {
  const newest = Math.max(
    0,
    ...others.map((epoch) => (/^[0-9a-z]{8}$/.test(epoch) ? parseInt(epoch, 36) : 0)),
  );
  return createEpoch(Math.max(nowMs, newest + 1));
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
