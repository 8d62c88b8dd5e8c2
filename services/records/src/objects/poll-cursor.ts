import type { LogPosition } from '@tidewire/contract';

/**
 * Which transactions a reader saw: those below `end` that were not `running`. Numbers are PostgreSQL's, which it hands out
 * to writers in order; what a transaction wrote is seen by nobody before it ends.
 */
export interface Snapshot {
  readonly end: number;
  readonly running: readonly number[];
}

/** What the reader has already: nothing, what is not newer than a time, or what a snapshot saw. */
export type PollBase =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot };

/** Pages after the first one: what the first one saw, and the last row so far. */
export interface PollRound {
  readonly snapshot: Snapshot;
  readonly updatedMs: number;
  readonly uuid: string;
}

/** A place in the changes of a list: all that `_next` says. */
export interface PollCursor {
  /** Of the log that was written when the round began. */
  readonly epoch: LogPosition['epoch'];
  /** Which life of the database its transactions were counted in. */
  readonly store: string;
  /** Of what the reader asked and what it may see: a digest. */
  readonly scope: string;
  readonly base: PollBase;
  readonly round: PollRound | undefined;
}

/** More of them do not fit into a cursor; see {@link parseSnapshot}. */
const MAX_RUNNING = 100;
const MAX_CURSOR_LENGTH = 4096;
const PREFIX = 'poll';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const EPOCH = /^[0-9a-z]{8}$/;
const DIGEST = /^[0-9A-Za-z_-]{12}$/;
const NUMBER = /^[0-9a-z]{1,11}$/;
/** The years 0 to 9999: what RFC 3339 can say, and PostgreSQL as well. */
const FIRST_MS = -62_167_219_200_000;
const LAST_MS = 253_402_300_799_999;

/**
 * Reads PostgreSQL's text of a snapshot. Where too many transactions were running it takes the snapshot to have ended at
 * one of them: what came later is told once more, nothing is left out.
 */
export function parseSnapshot(text: string): Snapshot {
  const [, end = '', running = ''] = text.split(':');
  const numbers = running === '' ? [] : running.split(',').map(Number);
  const snapshot = { end: Number(end), running: numbers.toSorted((a, b) => a - b) };
  if (![snapshot.end, ...numbers].every((number) => Number.isSafeInteger(number) && number > 0))
    throw new RangeError('not a snapshot');
  const first = snapshot.running[MAX_RUNNING];
  return first === undefined ? snapshot : { end: first, running: snapshot.running.slice(0, MAX_RUNNING) };
}

/** The text of a cursor: characters that need no escaping in a URL, 4096 at most. */
export function formatPollCursor({ epoch, store, scope, base, round }: PollCursor): string {
  const parts = [PREFIX, epoch, store, scope, formatBase(base)];
  if (round !== undefined)
    parts.push(formatSnapshot(round.snapshot), encodeTime(round.updatedMs), round.uuid);
  return parts.join('.');
}

/** Undefined when the text is not a cursor, from whatever version. Never throws. */
export function parsePollCursor(text: string): PollCursor | undefined {
  if (text.length > MAX_CURSOR_LENGTH) return undefined;
  const [prefix, epoch = '', store = '', scope = '', baseText = '', ...rest] = text.split('.');
  const base = parseBase(baseText);
  if (prefix !== PREFIX || !EPOCH.test(epoch) || !DIGEST.test(store) || !DIGEST.test(scope)) return undefined;
  if (base === undefined) return undefined;
  if (rest.length === 0) return { epoch, store, scope, base, round: undefined };
  const [snapshotText = '', updatedText = '', uuid = '', ...more] = rest;
  const snapshot = decodeSnapshot(snapshotText);
  const updatedMs = decodeTime(updatedText);
  if (snapshot === undefined || updatedMs === undefined || !UUID.test(uuid) || more.length > 0)
    return undefined;
  return { epoch, store, scope, base, round: { snapshot, updatedMs, uuid } };
}

function formatBase(base: PollBase): string {
  switch (base.kind) {
    case 'nothing':
      return 'n';
    case 'time':
      return `t${encodeTime(base.ms)}`;
    case 'snapshot':
      return formatSnapshot(base.snapshot);
  }
}

function parseBase(text: string): PollBase | undefined {
  if (text === 'n') return { kind: 'nothing' };
  if (text.startsWith('t')) {
    const ms = decodeTime(text.slice(1));
    return ms === undefined ? undefined : { kind: 'time', ms };
  }
  const snapshot = decodeSnapshot(text);
  return snapshot === undefined ? undefined : { kind: 'snapshot', snapshot };
}

function formatSnapshot({ end, running }: Snapshot): string {
  return ['s', ...[end, ...running].map((number) => number.toString(36))].join('-');
}

function decodeSnapshot(text: string): Snapshot | undefined {
  const [kind, ...encoded] = text.split('-');
  if (kind !== 's' || encoded.length === 0 || encoded.length > MAX_RUNNING + 1) return undefined;
  const numbers = encoded.flatMap((one) => decodeNumber(one) ?? []);
  const [end, ...running] = numbers;
  if (end === undefined || numbers.length !== encoded.length) return undefined;
  return { end, running };
}

/** Times before 1970 are negative. */
function encodeTime(ms: number): string {
  return ms < 0 ? `~${(-ms).toString(36)}` : ms.toString(36);
}

function decodeTime(text: string): number | undefined {
  const negative = text.startsWith('~');
  const value = decodeNumber(negative ? text.slice(1) : text);
  if (value === undefined) return undefined;
  const ms = negative ? 0 - value : value;
  return ms >= FIRST_MS && ms <= LAST_MS ? ms : undefined;
}

function decodeNumber(text: string): number | undefined {
  const value = NUMBER.test(text) ? Number.parseInt(text, 36) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
