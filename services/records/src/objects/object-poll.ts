import { createHash } from 'node:crypto';
import { TidewireError, parseTimestamp } from '@tidewire/contract';
import type { LogPosition, ResyncReason } from '@tidewire/contract';
import { viewClassKey } from '@tidewire/policy';
import type { RightsBarrier } from '../rights/barrier.ts';
import type { Turn } from '../rights/judgement.ts';
import type { ListQuery, StatementContext, StoredImage } from './object-repository.ts';
import { formatPollCursor, parsePollCursor } from './poll-cursor.ts';
import type { PollBase, PollCursor, PollRound, Snapshot } from './poll-cursor.ts';

/** Where a poll goes on: after a time, or where another answer ended. */
export type PollStart =
  { readonly kind: 'time'; readonly ms: number } | { readonly kind: 'cursor'; readonly cursor: PollCursor };

/** What a poll asks for; filter and search select among the objects that live. */
export interface PollRequest extends Pick<
  ListQuery,
  'decision' | 'filter' | 'search' | 'limit' | 'maxBytes'
> {
  readonly since: PollStart;
  readonly includeDeleted: boolean;
}

/** A page of changes as the repository is asked for it. */
export interface ChangesQuery extends Omit<PollRequest, 'since'> {
  readonly base: PollBase;
  readonly round: PollRound | undefined;
}

/** An object that lives, as it is now. */
export interface ChangedObject {
  readonly deleted: false;
  readonly image: StoredImage;
}

/** An object that is gone, or no longer in the list under this uuid; `updated` is the time of its delete. */
export interface DeletedObject {
  readonly deleted: true;
  readonly uuid: string;
  readonly version: number;
  readonly updated: string;
}

export type PollRow = ChangedObject | DeletedObject;

export interface ChangesResult {
  /** By time of the last change, then uuid: at most `limit`, and no more than fit into `maxBytes`, but one. */
  readonly rows: readonly PollRow[];
  /** How many there are from the place that was asked for. */
  readonly total: number;
  /** What the statement saw. */
  readonly snapshot: Snapshot;
  /** Which life of the database it is, in which transactions are numbered. */
  readonly store: string;
  /** Whether deletes came after `base` of which nobody knows any more who may be told. */
  readonly expired: boolean;
  readonly position: LogPosition;
  readonly barrier: RightsBarrier;
}

/** Where changes are read from: one statement, whose barrier comes with the data. */
export interface ChangeSource {
  changes(context: StatementContext, query: ChangesQuery): Promise<ChangesResult>;
}

/** A page of changes as it is answered. */
export interface PollPage extends Pick<ChangesResult, 'rows' | 'total' | 'position'> {
  /** What to send next time: now when there is `more`, otherwise whenever one likes. */
  readonly next: string;
  readonly more: boolean;
  /** Why the reader's state cannot be brought up to date: it begins again with this answer. */
  readonly resync: ResyncReason | undefined;
}

/**
 * An answer without rows repeats the cursor that was sent, so that the next one can be "not modified", until it is so many
 * transactions old: every poll looks at what was written since.
 */
const KEEP_CURSOR_TRANSACTIONS = 10_000;

/** @throws TidewireError BAD_REQUEST naming the parameter when it is neither a time nor an answer's cursor. */
export function parsePollStart(text: string, parameter: string): PollStart {
  const cursor = parsePollCursor(text);
  if (cursor !== undefined) return { kind: 'cursor', cursor };
  // A `+` that was not escaped arrives as a space; RFC 3339 has none.
  const ms = parseTimestamp(text.replace(' ', '+'));
  if (ms !== undefined) return { kind: 'time', ms };
  const message = `${parameter} is an RFC 3339 time or what the last answer gave to send next.`;
  throw new TidewireError('BAD_REQUEST', message, { errors: [{ field: parameter, message }] });
}

/**
 * The changes since the reader's last poll, exactly: what its last round did not see, however long the transactions were
 * that wrote it (docs/decisions/0007-polling-by-snapshot.md). Held against newer rights before it returns.
 */
export async function readChanges(
  source: ChangeSource,
  turn: Turn,
  context: StatementContext,
  request: PollRequest,
): Promise<PollPage> {
  const { since, ...question } = request;
  const scope = scopeOf(request);
  const cursor = since.kind === 'cursor' ? since.cursor : undefined;
  const base: PollBase = since.kind === 'cursor' ? since.cursor.base : since;
  const read = async (from: PollBase, round: PollRound | undefined): Promise<ChangesResult> =>
    await source.changes(context, { ...question, base: from, round });
  let resync: ResyncReason | undefined =
    cursor !== undefined && cursor.scope !== scope ? 'rights-changed' : undefined;
  let result = resync === undefined ? await read(base, cursor?.round) : undefined;
  if (result !== undefined) resync = reasonToBegin(cursor, result);
  if (result === undefined || resync !== undefined) result = await read({ kind: 'nothing' }, undefined);
  await turn.confirm(result.barrier);
  const { rows, total, position } = result;
  const more = total > rows.length;
  const here = { epoch: position.epoch, store: digest(result.store), scope };
  const [from, round] =
    resync === undefined ? [base, cursor?.round] : [{ kind: 'nothing' } as const, undefined];
  const next = nextCursor(result, from, round);
  return { rows, total, position, more, resync, next: formatPollCursor({ ...here, ...next }) };
}

/** Why a cursor says nothing about the rows that were found; undefined when it does. */
function reasonToBegin(cursor: PollCursor | undefined, result: ChangesResult): ResyncReason | undefined {
  if (cursor !== undefined) {
    // Whatever was restored, its transactions are numbered anew.
    if (cursor.epoch !== result.position.epoch || cursor.store !== digest(result.store)) return 'epoch';
  }
  return result.expired ? 'expired' : undefined;
}

function nextCursor(
  { rows, total, snapshot }: ChangesResult,
  base: PollBase,
  round: PollRound | undefined,
): Pick<PollCursor, 'base' | 'round'> {
  const seen = round?.snapshot ?? snapshot;
  const last = rows.at(-1);
  if (last !== undefined && total > rows.length) {
    const updatedMs = Date.parse(last.deleted ? last.updated : last.image._updated);
    return { base, round: { snapshot: seen, updatedMs, uuid: last.deleted ? last.uuid : last.image._uuid } };
  }
  const unchanged = last === undefined && round === undefined && base.kind === 'snapshot';
  if (unchanged && snapshot.end - base.snapshot.end < KEEP_CURSOR_TRANSACTIONS) return { base, round };
  return { base: { kind: 'snapshot', snapshot: seen }, round: undefined };
}

/**
 * A digest of everything that decides which rows a reader is told of. With another one, rows that nobody wrote may have
 * come or gone. Who reads is part of it: owners see their own rows.
 */
function scopeOf({ decision, filter, search }: PollRequest): string {
  const key = viewClassKey({ decision, filter, face: 'registers', wire: 'poll' });
  return digest(JSON.stringify([key, decision.principal, search?.text ?? null]));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 12);
}
