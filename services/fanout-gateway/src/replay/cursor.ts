import { parseEventId } from '@tidewire/contract';
import type { LogPosition, ResyncReason } from '@tidewire/contract';

/** What is known of the log when a cursor arrives. */
export interface LogView {
  /** The last entry that this process has applied. */
  readonly applied: LogPosition;
  /** What the stream's leader said last: the oldest and newest entries it holds. */
  readonly leader: { readonly epoch: string; readonly first: number; readonly last: number };
}

/**
 * Where a stream begins: with what follows now, with what follows a position, or with a `resync` and then now.
 * `unknown` means that this process is behind on a log that the client has already seen: it may not answer for it.
 */
export type Start =
  | { readonly kind: 'live' }
  | { readonly kind: 'after'; readonly sequence: number }
  | { readonly kind: 'resync'; readonly reason: ResyncReason }
  | { readonly kind: 'unknown' };

/** Not before this sequence: what a stream waits for while its replay has not had its turn. */
export const NOTHING_LIVE = Number.MAX_SAFE_INTEGER;

/** The cursor of a request: the header wins, because an automatic reconnect still carries the first URL's. */
export function chooseCursor(header: string | undefined, query: string | undefined): string | undefined {
  // An empty id is what EventSource sends after `id:` without a value: no cursor at all.
  if (header !== undefined && header !== '') return header;
  return query === undefined || query === '' ? undefined : query;
}

/** Whether the answer needs a fresh word of the leader: the cursor lies beyond what this process has applied. */
export function isBeyond(cursor: string | undefined, applied: LogPosition): boolean {
  const position = cursor === undefined ? undefined : parseEventId(cursor);
  if (position === undefined) return false;
  return (
    position.epoch > applied.epoch ||
    (position.epoch === applied.epoch && position.sequence > applied.sequence)
  );
}

/** Decides where the stream of a client with this cursor begins. Never throws: a cursor is a client's text. */
export function decideStart(cursor: string | undefined, log: LogView): Start {
  if (cursor === undefined) return { kind: 'live' };
  const position = parseEventId(cursor);
  if (position === undefined) return { kind: 'resync', reason: 'malformed' };
  if (position.epoch !== log.applied.epoch) {
    // A newer epoch that the leader knows too: the client is right and this process late.
    const late = position.epoch === log.leader.epoch;
    return late ? { kind: 'unknown' } : { kind: 'resync', reason: 'epoch' };
  }
  // What was stored before this cursor may be gone, which is fine; what came right after it may not.
  if (position.sequence + 1 < log.leader.first) return { kind: 'resync', reason: 'expired' };
  if (position.sequence > log.applied.sequence && position.sequence > log.leader.last) {
    return { kind: 'resync', reason: 'ahead' };
  }
  return { kind: 'after', sequence: position.sequence };
}
