/** The rows of one source as a state machine. Nothing here does anything: SPEC.md is this table in words. */
import { backoff } from '../backoff.ts';
import type { RefreshMode, SourceState } from './source.ts';

export const SOURCE_EVENTS = [
  /** Somebody listens, where nobody did. */
  'wanted',
  /** Nobody listens any more, and did not for a while. */
  'unwanted',
  /** A list came. */
  'listed',
  /** It did not, and may another time. */
  'unlisted',
  /** The server does not give it. */
  'refused',
  /** The stream has told everything up to now. */
  'current',
  /** The stream tells nothing for a while. */
  'interrupted',
  /** Events may be missing. */
  'resync',
  /** There are fewer rows than there should be, and the server has more. */
  'short',
  /** No transport works, or one does again. */
  'exhausted',
  'restored',
  /** The subscription is over for good. */
  'ended',
  'refetch',
  /** The time of the phase is over. */
  'deadline',
  'close',
] as const;
export type SourceEvent = (typeof SOURCE_EVENTS)[number];

export type SourceAction =
  /** Ask for the list. */
  | 'list'
  /** Give up the list that is under way. */
  | 'abort'
  | 'subscribe'
  | 'unsubscribe'
  /** Forget all rows: they may not be shown any more. */
  | 'clear';

export interface SourceMachine {
  readonly phase: SourceState;
  readonly mode: RefreshMode;
  /** A list is under way. */
  readonly listing: boolean;
  /** Another one has to follow, because what it brings may be too old. */
  readonly again: boolean;
  /** There are rows. */
  readonly filled: boolean;
  /** The stream is current. */
  readonly up: boolean;
  readonly exhausted: boolean;
  /** Lists in a row that did not come. */
  readonly failures: number;
  /** Clock milliseconds at which `deadline` is due; null: never. */
  readonly deadline: number | null;
}

export interface SourceStep {
  readonly state: SourceMachine;
  readonly actions: readonly SourceAction[];
}

export interface SourceSurroundings {
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
  readonly pollIntervalMs: number;
}

export function createSourceMachine(mode: RefreshMode): SourceMachine {
  return {
    phase: 'idle',
    mode,
    listing: false,
    again: false,
    filled: false,
    up: false,
    exhausted: false,
    failures: 0,
    deadline: null,
  };
}

type Cell = (state: SourceMachine, around: SourceSurroundings) => SourceStep;

/** One step of the machine: total, pure. */
export function stepSource(state: SourceMachine, event: SourceEvent, around: SourceSurroundings): SourceStep {
  return SOURCE_TABLE[state.phase][event](note(state, event), around);
}

/** What is true in every phase. */
function note(state: SourceMachine, event: SourceEvent): SourceMachine {
  switch (event) {
    case 'exhausted':
    case 'restored':
      return { ...state, exhausted: event === 'exhausted' };
    case 'current':
    case 'resync':
      return { ...state, up: true };
    case 'interrupted':
      return { ...state, up: false };
    case 'listed':
      return { ...state, listing: false, filled: true, failures: 0 };
    case 'unlisted':
      return { ...state, listing: false, failures: state.failures + 1 };
    case 'refused':
      return { ...state, listing: false };
    default:
      return state;
  }
}

const stay: Cell = (state) => ({ state, actions: [] });
const to =
  (phase: SourceState): Cell =>
  (state) => ({ state: { ...state, phase }, actions: [] });

/** One list at a time: what asks for another while one is under way gets it afterwards. */
const list: Cell = (state) =>
  state.listing
    ? { state: { ...state, again: true }, actions: [] }
    : { state: { ...state, listing: true, again: false, deadline: null }, actions: ['list'] };
const listIn =
  (phase: SourceState): Cell =>
  (state, around) =>
    list({ ...state, phase }, around);
const refresh = listIn('refreshing');
const pollNow = listIn('polling');

/** The list did not come: again, later each time. */
const retry: Cell = (state, { now, random }) => ({
  state: { ...state, deadline: now + backoff(state.failures - 1, random) },
  actions: [],
});

const rest: Cell = (state) => ({
  state: {
    ...state,
    phase: 'idle',
    listing: false,
    again: false,
    up: false,
    failures: 0,
    deadline: null,
    filled: state.filled && state.phase !== 'failed',
  },
  actions: ['abort', 'unsubscribe'],
});
const fail: Cell = (state) => ({
  state: {
    ...state,
    phase: 'failed',
    listing: false,
    again: false,
    filled: false,
    up: false,
    deadline: null,
  },
  actions: ['abort', 'unsubscribe', 'clear'],
});
const close: Cell = (state) => ({
  state: { ...state, phase: 'closed', listing: false, again: false, up: false, deadline: null },
  actions: ['abort', 'unsubscribe'],
});

/** Waits for the next poll, a little shorter or longer, so that clients do not poll together. */
const poll: Cell = (state, { now, random, pollIntervalMs }) => ({
  state: { ...state, phase: 'polling', deadline: now + pollIntervalMs * (0.9 + random / 5) },
  actions: [],
});

/** Where rows are that have just come, or are there already. */
const arrive: Cell = (state, around) => {
  if (state.again) return list(state, around);
  switch (state.mode) {
    case 'static':
      return to('settled')(state, around);
    case 'poll':
      return poll(state, around);
    case 'realtime':
      if (state.up) return to('live')(state, around);
      return state.exhausted ? poll(state, around) : to('behind')(state, around);
  }
};
const subscribeAndArrive: Cell = (state, around) => {
  const next = arrive(state, around);
  return state.mode === 'realtime' && !state.again
    ? { ...next, actions: [...next.actions, 'subscribe'] }
    : next;
};

/** Rows from before are good to begin with: the stream goes on where it was left, a poll asks at once. */
const begin: Cell = (state, around) => {
  if (!state.filled) return listIn('loading')(state, around);
  return state.mode === 'poll' ? pollNow(state, around) : subscribeAndArrive(state, around);
};

const surface: Cell = (state, around) =>
  to(state.listing || state.again ? 'refreshing' : 'live')(state, around);

const everywhere = {
  wanted: stay,
  unwanted: rest,
  listed: stay,
  unlisted: stay,
  refused: stay,
  current: stay,
  interrupted: stay,
  resync: stay,
  short: stay,
  exhausted: stay,
  restored: stay,
  ended: stay,
  refetch: stay,
  deadline: stay,
  close,
};
/** Of phases in which rows are subscribed to. */
const subscribed = {
  ...everywhere,
  resync: refresh,
  short: refresh,
  refetch: refresh,
  exhausted: pollNow,
  ended: fail,
  refused: fail,
};

/** What each event does in each phase. */
const SOURCE_TABLE: Readonly<Record<SourceState, Readonly<Record<SourceEvent, Cell>>>> = {
  idle: { ...everywhere, unwanted: stay, wanted: begin },
  loading: {
    ...everywhere,
    listed: subscribeAndArrive,
    unlisted: retry,
    refused: fail,
    refetch: list,
    deadline: list,
  },
  behind: { ...subscribed, current: to('live') },
  live: { ...subscribed, interrupted: to('behind') },
  refreshing: { ...subscribed, listed: arrive, unlisted: retry, deadline: list },
  polling: {
    ...everywhere,
    listed: arrive,
    unlisted: retry,
    refused: fail,
    current: surface,
    resync: refresh,
    short: list,
    ended: fail,
    refetch: list,
    deadline: list,
  },
  settled: { ...everywhere, listed: arrive, refused: fail, refetch: list },
  failed: { ...everywhere, refetch: listIn('loading') },
  closed: { ...everywhere, unwanted: stay, close: stay },
};
