/** The connection as a state machine. Nothing here does anything: SPEC.md is this table in words. */

import { backoff } from '../backoff.ts';

/** See `LinkState` of `link.ts`, which is what users are shown. */
export const LINK_PHASES = [
  'idle',
  'offline',
  'authorizing',
  'connecting',
  'live',
  'silent',
  'waiting',
  'refused',
  'closed',
] as const;
export type LinkPhase = (typeof LINK_PHASES)[number];

export const LINK_EVENTS = [
  /** Something is asked for, where nothing was. */
  'needed',
  /** Nothing is asked for any more, and was not for a while. */
  'unneeded',
  'online',
  'offline',
  /** Our code runs again after it did not for a while, or the page is looked at again. */
  'woke',
  /** There is a credential. */
  'authorized',
  /** There is none at the moment. */
  'unauthorizable',
  /** The server answers. */
  'opened',
  /** A sign of life. */
  'heard',
  /** The connection broke, or could not be made. */
  'lost',
  /** The credential does not count. */
  'unauthorized',
  /** The server said not to come back. */
  'refused',
  /** The time of the phase is over. */
  'deadline',
  /** A transport further up works again. */
  'better',
  /** Somebody wants it to be tried again at once. */
  'reconnect',
  'close',
] as const;
export type LinkEventName = (typeof LINK_EVENTS)[number];

export interface LinkEvent {
  readonly name: LinkEventName;
  /** Of `better`: which rung works. */
  readonly rung?: number;
  /** Of `lost`: not before this many milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/** What the machine wants done after a step. */
export type LinkAction =
  /** Ask for a credential. `renewed`: the one that there is does not count. */
  | 'authorize'
  | 'authorize-anew'
  /** Open a connection on `state.rung`. */
  | 'open'
  /** Close whatever is open or being opened. */
  | 'disconnect'
  /** Ask for a sign of life. */
  | 'ping';

export interface LinkMachine {
  readonly phase: LinkPhase;
  readonly online: boolean;
  /** Which transport of the ladder, the best being 0. */
  readonly rung: number;
  /** Attempts in a row that came to nothing. */
  readonly failures: number;
  /** The same on this rung. */
  readonly rungFailures: number;
  /** Rungs on which something was heard in the life of this machine: they get a second chance before the next one. */
  readonly proven: readonly boolean[];
  /** No rung works: none has, since all of them were tried. */
  readonly exhausted: boolean;
  /** The credential of this attempt was asked for because the one before did not count. */
  readonly renewed: boolean;
  /** How often in a row the new one did not count either. */
  readonly denials: number;
  /** Clock milliseconds at which `deadline` is due; null: never. */
  readonly deadline: number | null;
}

export interface LinkStep {
  readonly state: LinkMachine;
  readonly actions: readonly LinkAction[];
}

/** What a step depends on besides state and event. */
export interface LinkSurroundings {
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
  /** By rung, the longest silence of a healthy connection. Milliseconds. Its length is the ladder's. */
  readonly silenceMs: readonly number[];
}

/** How long a credential may take to come. Milliseconds. */
export const AUTHORIZE_MS = 30_000;
/** How long a connection may take from its first byte to its first message. Transports end slow beginnings themselves. */
export const CONNECT_MS = 15_000;
/** How long a connection that was asked for a sign of life may take to give one. */
export const PING_MS = 5000;
/** The longest that a server's wish for patience is heeded. */
export const MAX_RETRY_AFTER_MS = 300_000;
/** New credentials in a row that do not count, until the link gives up. */
const MAX_DENIALS = 3;
/** Attempts on a rung that worked before, until the next one is tried. */
const PROVEN_ATTEMPTS = 2;

export function createLinkMachine(online: boolean, rungs: number): LinkMachine {
  return {
    phase: 'idle',
    online,
    rung: 0,
    failures: 0,
    rungFailures: 0,
    proven: Array.from({ length: rungs }, () => false),
    exhausted: false,
    renewed: false,
    denials: 0,
    deadline: null,
  };
}

type Cell = (state: LinkMachine, event: LinkEvent, around: LinkSurroundings) => LinkStep;

/** One step of the machine: total, pure. A cell that says nothing keeps everything as it is. */
export function stepLink(state: LinkMachine, event: LinkEvent, around: LinkSurroundings): LinkStep {
  const heeded = noteNetwork(state, event);
  return LINK_TABLE[state.phase][event.name](heeded, event, around);
}

/** Whether there is a network is known in every phase. */
function noteNetwork(state: LinkMachine, { name }: LinkEvent): LinkMachine {
  if (name !== 'online' && name !== 'offline') return state;
  return { ...state, online: name === 'online' };
}

const stay: Cell = (state) => ({ state, actions: [] });
const rest =
  (phase: 'idle' | 'offline' | 'closed', ...actions: LinkAction[]): Cell =>
  (state) => ({
    state: { ...state, phase, deadline: null, exhausted: false, renewed: false },
    actions,
  });
const sleep = rest('idle');
const drop = rest('idle', 'disconnect');
const goOffline = rest('offline');
const dropOffline = rest('offline', 'disconnect');
const close = rest('closed', 'disconnect');

/** Asks for a credential, from which everything else follows; without a network it waits for one. */
const begin: Cell = (state, event, around) => {
  if (!state.online) return goOffline(state, event, around);
  return {
    state: { ...state, phase: 'authorizing', deadline: around.now + AUTHORIZE_MS },
    actions: ['authorize'],
  };
};

/** Begins as if for the first time, whatever failed before. */
const beginAfresh: Cell = (state, event, around) =>
  begin({ ...state, failures: 0, rungFailures: 0, renewed: false, denials: 0 }, event, around);

/** The same, after the connection was closed that there is. */
const dropFirst =
  (cell: Cell): Cell =>
  (state, event, around) => {
    const next = cell(state, event, around);
    return { state: next.state, actions: ['disconnect', ...next.actions] };
  };
const dropAndBeginAfresh = dropFirst(beginAfresh);

const open: Cell = (state, _event, { now }) => ({
  state: { ...state, phase: 'connecting', deadline: now + CONNECT_MS },
  actions: ['open'],
});

/** Waits longer after each failure, never all clients as long as each other. */
function wait(state: LinkMachine, event: LinkEvent, around: LinkSurroundings): LinkMachine {
  const { now, random } = around;
  const asked = Math.min(MAX_RETRY_AFTER_MS, event.retryAfterMs ?? 0);
  return {
    ...state,
    phase: 'waiting',
    failures: state.failures + 1,
    renewed: false,
    // What the server asks for is spread too: it asks everybody for the same.
    deadline: now + Math.max(backoff(state.failures, random), asked * (1 + random / 4)),
  };
}

const postpone: Cell = (state, event, around) => ({ state: wait(state, event, around), actions: [] });
const dropAndPostpone = dropFirst(postpone);

/** An attempt came to nothing: the same rung once more, the next one, or, after the last, a wait and the first again. */
const fail: Cell = (state, event, around) => {
  const { rung, proven } = state;
  const rungFailures = state.rungFailures + 1;
  const patience = proven[rung] === true ? PROVEN_ATTEMPTS : 1;
  if (rungFailures < patience) return postpone({ ...state, rungFailures }, event, around);
  if (event.retryAfterMs !== undefined) {
    // The server is there and wants to be left alone for a while: another transport would be refused as well.
    return postpone({ ...state, rungFailures: 0 }, event, around);
  }
  if (rung + 1 < around.silenceMs.length) {
    return begin({ ...state, rung: rung + 1, rungFailures: 0, renewed: false }, event, around);
  }
  return postpone({ ...state, rung: 0, rungFailures: 0, exhausted: true }, event, around);
};
const dropAndFail = dropFirst(fail);

const refuse: Cell = (state) => ({
  state: { ...state, phase: 'refused', deadline: null, renewed: false, exhausted: false },
  actions: ['disconnect'],
});

/** A credential that does not count is replaced at once; when the new one does not either, later; and not for ever. */
const reauthorize: Cell = (state, event, around) => {
  if (state.renewed) {
    const denials = state.denials + 1;
    const denied = { ...state, denials };
    return denials < MAX_DENIALS ? dropAndPostpone(denied, event, around) : refuse(denied, event, around);
  }
  const next: LinkMachine = {
    ...state,
    phase: 'authorizing',
    renewed: true,
    deadline: around.now + AUTHORIZE_MS,
  };
  return { state: next, actions: ['disconnect', 'authorize-anew'] };
};

/** Something was heard: this rung works. */
const live: Cell = (state, _event, { now, silenceMs }) => ({
  state: {
    ...state,
    phase: 'live',
    failures: 0,
    rungFailures: 0,
    exhausted: false,
    renewed: false,
    denials: 0,
    proven: state.proven.with(state.rung, true),
    deadline: now + (silenceMs[state.rung] ?? CONNECT_MS),
  },
  actions: [],
});

const doubt: Cell = (state, _event, { now }) => ({
  state: { ...state, phase: 'silent', deadline: now + PING_MS },
  actions: ['ping'],
});

/** The connection broke that worked: it is made again on the same rung, after a moment. */
const loseLive: Cell = (state, event, around) => dropAndPostpone({ ...state, failures: 0 }, event, around);

const climb: Cell = (state, event, around) => {
  const rung = event.rung ?? 0;
  if (rung >= state.rung) return stay(state, event, around);
  return dropAndBeginAfresh({ ...state, rung }, event, around);
};

const nothing: Readonly<Record<LinkEventName, Cell>> = {
  needed: stay,
  unneeded: stay,
  online: stay,
  offline: stay,
  woke: stay,
  authorized: stay,
  unauthorizable: stay,
  opened: stay,
  heard: stay,
  lost: stay,
  unauthorized: stay,
  refused: stay,
  deadline: stay,
  better: stay,
  reconnect: stay,
  close: close,
};

/** What each event does in each phase. What is not named changes nothing. */
const LINK_TABLE: Readonly<Record<LinkPhase, Readonly<Record<LinkEventName, Cell>>>> = {
  idle: { ...nothing, needed: beginAfresh },
  offline: { ...nothing, unneeded: sleep, online: beginAfresh, reconnect: beginAfresh },
  authorizing: {
    ...nothing,
    unneeded: sleep,
    offline: goOffline,
    authorized: open,
    unauthorizable: postpone,
    refused: refuse,
    deadline: postpone,
    reconnect: beginAfresh,
  },
  connecting: {
    ...nothing,
    unneeded: drop,
    offline: dropOffline,
    heard: live,
    lost: dropAndFail,
    unauthorized: reauthorize,
    refused: refuse,
    deadline: dropAndFail,
    reconnect: dropAndBeginAfresh,
  },
  live: {
    ...nothing,
    unneeded: drop,
    offline: dropOffline,
    woke: doubt,
    heard: live,
    lost: loseLive,
    unauthorized: reauthorize,
    refused: refuse,
    deadline: doubt,
    better: climb,
    reconnect: dropAndBeginAfresh,
  },
  silent: {
    ...nothing,
    unneeded: drop,
    offline: dropOffline,
    heard: live,
    lost: loseLive,
    unauthorized: reauthorize,
    refused: refuse,
    deadline: loseLive,
    better: climb,
    reconnect: dropAndBeginAfresh,
  },
  waiting: {
    ...nothing,
    unneeded: sleep,
    offline: goOffline,
    online: begin,
    woke: begin,
    deadline: begin,
    reconnect: beginAfresh,
  },
  refused: { ...nothing, unneeded: sleep, reconnect: beginAfresh },
  closed: { ...nothing, close: stay },
};
