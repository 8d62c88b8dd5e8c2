import type { LogEntry, MessageBus } from '@tidewire/messaging';
import type { Scheduler } from '../delivery/scheduler.ts';
import { readNewest } from '../explain/past-events.ts';
import type { ObjectEntry } from '../fanout/subscription.ts';
import { ANONYMOUS_PRINCIPAL } from '../limits/connection-slots.ts';
import { ReplayGate } from '../limits/replay-gate.ts';
import type { LogFeed } from '../log/log-feed.ts';
import type { ReplayRing } from '../log/ring.ts';
import type { Edit } from './pending-edit.ts';
import { RecordWrite } from './record-write.ts';

export interface LookBackOptions {
  readonly bus: MessageBus;
  readonly ring: ReplayRing;
  readonly feed: Pick<LogFeed, 'fresh' | 'position'>;
  readonly scheduler: Pick<Scheduler, 'monotonic' | 'setTimeout' | 'setImmediate'>;
  /** Takes what was found, in the very turn in which it is level with the log. */
  readonly onFound: (edit: Edit, past: Past) => void;
  /** Told of an edit whose past could not be read in time. */
  readonly onFailed: (edit: Edit, error: unknown) => void;
}

/** The past of a record up to a position. */
export interface Past {
  /** Writes since the record was read that were not looked at before, in the order of the log. */
  readonly writes: readonly RecordWrite[];
  /** Whether others may lie before them: more happened than is looked at, or the log does not reach back so far. */
  readonly gap: boolean;
  readonly to: number;
}

/** Records whose stored past is read at once: each may hold the newest images of one. */
const PLACES = Object.freeze({ total: 4, perPrincipal: 2 });
const TOO_MANY = new Error('too many edits wait to be looked up');
/** The newest events of a record that are looked at. */
const MOST_EVENTS = 100;
/** How long one look into the stored log may take. */
const READ_MS = 5_000;
const RETRY_MS = 100;
/** How long an edit may be without an answer, waiting for its turn and for the log included. */
const LONGEST_MS = 20_000;

/**
 * Finds what happened to a record between the moment at which a client read it and the present: in the ring where that
 * reaches back far enough, in the stored log otherwise, a few records at a time. What it finds ends at the last applied
 * event, so that the next one is the first that comes live.
 */
export class LookBack {
  readonly #options: LookBackOptions;
  readonly #gate: ReplayGate;
  /** What is being looked up, or waits for its turn. */
  readonly #looks = new Map<Edit, AbortController>();
  /** What came since the log began to be read, where it is being read. */
  readonly #reading = new Map<Edit, RecordWrite[]>();

  constructor(options: LookBackOptions) {
    this.#options = options;
    this.#gate = new ReplayGate(PLACES);
  }

  /** Looks at once; false: the ring is not enough. The caller has made sure that this process is fresh. */
  now(edit: Edit): boolean {
    const { ring, feed } = this.#options;
    const to = feed.position.sequence;
    const whole = ring.covers(edit.from);
    const writes = writesOf(edit, ring.read(whole ? edit.from : 0, to));
    // The ring is enough as well when it goes back to what was read.
    if (!whole && !writes.some((write) => write.reaches(edit.readMs))) return false;
    this.#found(edit, writes, { to, whole: true });
    return true;
  }

  /** Looks as soon as there is a place and this process is level with the log. */
  later(edit: Edit): void {
    const abort = new AbortController();
    this.#looks.set(edit, abort);
    void this.#wait(edit, abort);
  }

  /** The next event of a record whose past is being looked up. */
  note(edit: Edit, entry: ObjectEntry): void {
    const since = this.#reading.get(edit);
    if (since === undefined) return;
    since.push(new RecordWrite(entry));
    // More than one look takes in: the next one finds the newest of them.
    if (since.length > MOST_EVENTS) this.#reading.delete(edit);
  }

  /** Events were applied without {@link note}: what is being read is read again. */
  behind(): void {
    this.#reading.clear();
  }

  /** What was found of it would be of no use any more. */
  forget(edit: Edit): void {
    this.#looks.get(edit)?.abort();
    this.#looks.delete(edit);
  }

  stop(): void {
    for (const edit of this.#looks.keys()) this.forget(edit);
  }

  async #wait(edit: Edit, abort: AbortController): Promise<void> {
    const { signal } = abort;
    const { scheduler, onFailed } = this.#options;
    const until = scheduler.monotonic() + LONGEST_MS;
    const principal = edit.peer.reader.principalId ?? ANONYMOUS_PRINCIPAL;
    const place = await this.#gate.enter(principal, signal);
    try {
      const failure = place === undefined ? TOO_MANY : await this.#look(edit, until, signal);
      if (failure !== undefined && !signal.aborted) onFailed(edit, failure);
    } finally {
      if (this.#looks.get(edit) === abort) this.#looks.delete(edit);
      place?.release();
    }
  }

  /** Looks until the present is reached; says why not when that takes too long. */
  async #look(edit: Edit, until: number, signal: AbortSignal): Promise<unknown> {
    const { scheduler, feed } = this.#options;
    let failure: unknown = new Error('this process is not level with the log');
    // Others may have a turn between one edit and the next, also when none of them has to wait.
    await this.#turn();
    while (!signal.aborted) {
      if (feed.position.epoch !== edit.epoch || scheduler.monotonic() >= until) return failure;
      try {
        if (feed.fresh && (this.now(edit) || (await this.#findInLog(edit, signal)))) return undefined;
      } catch (error) {
        failure = error;
      }
      await this.#pause();
    }
    return undefined;
  }

  async #turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options.scheduler.setImmediate(resolve);
    await promise;
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options.scheduler.setTimeout(resolve, RETRY_MS);
    await promise;
  }

  /** Reads the stored log up to the present; what comes meanwhile is gathered beside it. */
  async #findInLog(edit: Edit, given: AbortSignal): Promise<boolean> {
    const { bus, ring, feed, scheduler } = this.#options;
    const tooSlow = new AbortController();
    const timer = scheduler.setTimeout(() => tooSlow.abort(new Error('the log took too long')), READ_MS);
    const signal = AbortSignal.any([tooSlow.signal, given]);
    const topic = { kind: 'object', uuid: edit.recordId } as const;
    const range = { to: feed.position, limit: MOST_EVENTS };
    const since: RecordWrite[] = [];
    this.#reading.set(edit, since);
    try {
      const stored = writesOf(edit, await readNewest({ bus, ring, signal }, [topic], range));
      // From here to the end nothing is awaited: what is found is all there is.
      if (given.aborted) return true;
      const { epoch, sequence } = feed.position;
      const isWhole = this.#reading.get(edit) === since && feed.fresh && epoch === edit.epoch;
      if (isWhole) this.#found(edit, [...stored, ...since], { to: sequence, whole: false });
      return isWhole;
    } finally {
      timer.cancel();
      this.#reading.delete(edit);
    }
  }

  #found(
    edit: Edit,
    known: readonly RecordWrite[],
    { to, whole }: { readonly to: number; readonly whole: boolean },
  ): void {
    const writes = known.filter(
      ({ entry, writtenMs }) => entry.sequence > edit.from && writtenMs > edit.readMs,
    );
    // An event from before shows that nothing is missing after it.
    const reached = whole || known.some(({ entry }) => entry.sequence <= edit.from);
    const gap = !reached && writes[0]?.follows(edit.readMs) === true;
    this.#options.onFound(edit, { writes, gap, to });
  }
}

function writesOf(edit: Edit, entries: readonly (LogEntry | ObjectEntry)[]): RecordWrite[] {
  const writes: RecordWrite[] = [];
  for (const { epoch, sequence, message } of entries) {
    if (message?.kind !== 'object' || message.uuid !== edit.recordId) continue;
    if (message.schema.id === edit.schemaId) writes.push(new RecordWrite({ epoch, sequence, message }));
  }
  return writes;
}
