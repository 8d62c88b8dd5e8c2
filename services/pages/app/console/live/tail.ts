import type { CloudEvent } from '@tidewire/client';

/** So many of the newest events are kept, and as many wait while the tail is paused. */
export const KEPT_EVENTS = 500;
/** So much of an event is looked through for a text. Characters. */
const SEARCHED_CHARACTERS = 4000;

export const EVENT_KINDS = ['created', 'updated', 'deleted'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** An event as the tail shows it. */
export interface TailEvent {
  readonly id: string;
  readonly kind: EventKind;
  readonly event: CloudEvent;
  /** What is looked through for a text, in lower case. */
  readonly text: string;
}

/** A place where events may be missing, and why. */
export interface TailGap {
  readonly id: string;
  readonly kind: 'gap';
  readonly reason: string;
}
export type TailEntry = TailEvent | TailGap;

/** All that is known of a tail at one moment. Newest first, in both lists. */
export interface Tail {
  readonly entries: readonly TailEntry[];
  readonly paused: boolean;
  /** What came while it was paused: the newest of it. */
  readonly waiting: readonly TailEntry[];
  /** How many of those that came in this pause were let go, because more came than are kept. */
  readonly dropped: number;
  /** Events that ever came. */
  readonly seen: number;
}

export const EMPTY_TAIL: Tail = Object.freeze({
  entries: Object.freeze([]),
  paused: false,
  waiting: Object.freeze([]),
  dropped: 0,
  seen: 0,
});

export function toTailEvent(event: CloudEvent): TailEvent {
  const suffix = event.type.slice(event.type.lastIndexOf('.') + 1);
  const kind = EVENT_KINDS.find((known) => known === suffix) ?? 'updated';
  const text = JSON.stringify(event).slice(0, SEARCHED_CHARACTERS).toLowerCase();
  return { id: event.id, kind, event, text };
}

export function toTailGap(reason: string, current: string): TailGap {
  return { id: `${current} ${reason}`, kind: 'gap', reason };
}

/** The tail after more has come, in the order of its coming. What is there already, of another topic, comes once. */
export function addEntries(tail: Tail, came: readonly TailEntry[]): Tail {
  const known = new Set([...tail.entries, ...tail.waiting].map(({ id }) => id));
  const fresh: TailEntry[] = [];
  for (const entry of came) {
    if (known.has(entry.id)) continue;
    known.add(entry.id);
    fresh.push(entry);
  }
  if (fresh.length === 0) return tail;
  const seen = tail.seen + fresh.filter(({ kind }) => kind !== 'gap').length;
  const newest = fresh.toReversed();
  if (!tail.paused) return { ...tail, seen, entries: [...newest, ...tail.entries].slice(0, KEPT_EVENTS) };
  const waiting = [...newest, ...tail.waiting];
  const dropped = tail.dropped + Math.max(0, waiting.length - KEPT_EVENTS);
  return { ...tail, seen, waiting: waiting.slice(0, KEPT_EVENTS), dropped };
}

export function pauseTail(tail: Tail): Tail {
  return { ...tail, paused: true };
}

/** Shows what waited. Where some of it was let go, the place where it is missing says how many. */
export function resumeTail(tail: Tail): Tail {
  const { waiting, dropped, entries } = tail;
  const missing =
    dropped === 0
      ? []
      : [toTailGap(`${dropped} came during the pause and were not kept`, waiting[0]?.id ?? '')];
  return {
    ...tail,
    paused: false,
    waiting: [],
    dropped: 0,
    // What is missing is said even where what waited fills the tail.
    entries: [...waiting, ...missing, ...entries].slice(0, KEPT_EVENTS + missing.length),
  };
}

/** Takes away what is shown. Whether it is paused, and what waits, stays. */
export function clearTail(tail: Tail): Tail {
  return { ...tail, entries: [] };
}

export interface TailFilter {
  readonly kinds: ReadonlySet<EventKind>;
  readonly text: string;
}

/** The entries that match. Gaps always do: what is missing is missing for every filter. */
export function matching(entries: readonly TailEntry[], { kinds, text }: TailFilter): readonly TailEntry[] {
  const wanted = text.trim().toLowerCase();
  return entries.filter(
    (entry) =>
      entry.kind === 'gap' || (kinds.has(entry.kind) && (wanted === '' || entry.text.includes(wanted))),
  );
}

/** What an event says in one line: its transition where it is a special one, and what changed. */
export function describeEvent({ kind, event }: TailEvent): string {
  const { transition, changed } = event.data;
  if (transition === 'entered') return 'came into view';
  if (transition === 'left') return 'went out of view';
  if (kind !== 'updated' || changed === undefined) return '';
  const names = Object.keys(changed);
  if (names.length === 0) return 'nothing that may be read';
  const shown = names.slice(0, 6).join(', ');
  return names.length > 6 ? `${shown} and ${names.length - 6} more` : shown;
}
