import { topicFilter } from '@tidewire/contract';
import type { LogPosition } from '@tidewire/contract';
import { readLog } from '@tidewire/messaging';
import type { LogEntry, MessageBus } from '@tidewire/messaging';
import type { Scheduler } from '../delivery/scheduler.ts';
import { readNewest } from '../explain/past-events.ts';
import type { ObjectEntry } from '../fanout/subscription.ts';
import type { LogFeed } from '../log/log-feed.ts';
import type { ReplayRing } from '../log/ring.ts';
import type { Edit } from './pending-edit.ts';
import { RecordWrite } from './record-write.ts';

export interface LookBackOptions {
  readonly bus: MessageBus;
  readonly ring: ReplayRing;
  readonly feed: Pick<LogFeed, 'fresh' | 'position'>;
  readonly scheduler: Pick<Scheduler, 'monotonic' | 'setTimeout' | 'setImmediate'>;
  /** Records whose stored past is read at once. */
  readonly readsAtOnce: number;
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
  readonly #waiting = new Map<Edit, number>();
  readonly #stopping = new AbortController();
  #running = 0;

  constructor(options: LookBackOptions) {
    this.#options = options;
  }

  /** Looks at once; false: the ring is not enough. The caller has made sure that this process is fresh. */
  now(edit: Edit): boolean {
    return this.#findInRing(edit);
  }

  /** Looks as soon as there is a place and this process is level with the log. */
  later(edit: Edit): void {
    this.#waiting.set(edit, this.#options.scheduler.monotonic() + LONGEST_MS);
    this.#pump();
  }

  stop(): void {
    this.#stopping.abort();
    this.#waiting.clear();
  }

  #pump(): void {
    for (const [edit, until] of this.#waiting) {
      if (this.#running >= this.#options.readsAtOnce) return;
      this.#waiting.delete(edit);
      if (edit.over) continue;
      this.#running += 1;
      void this.#look(edit, until).finally(() => {
        this.#running -= 1;
        this.#pump();
      });
    }
  }

  async #look(edit: Edit, until: number): Promise<void> {
    const { scheduler, feed, onFailed } = this.#options;
    let failure: unknown = new Error('this process is not level with the log');
    // Others may have a turn between one edit and the next, also when none of them has to wait.
    const { promise, resolve } = Promise.withResolvers<void>();
    scheduler.setImmediate(resolve);
    await promise;
    while (!edit.over && !this.#stopping.signal.aborted) {
      if (feed.position.epoch !== edit.epoch || scheduler.monotonic() >= until) {
        onFailed(edit, failure);
        return;
      }
      try {
        if (feed.fresh && (this.#findInRing(edit) || (await this.#findInLog(edit)))) return;
      } catch (error) {
        failure = error;
      }
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options.scheduler.setTimeout(resolve, RETRY_MS);
    await promise;
  }

  #findInRing(edit: Edit): boolean {
    const { ring, feed } = this.#options;
    const to = feed.position.sequence;
    const whole = ring.covers(edit.from);
    const writes = this.#readRing(edit, { from: whole ? edit.from : 0, to });
    // The ring is enough as well when it goes back to what was read.
    if (!whole && !writes.some((write) => write.reaches(edit.readMs))) return false;
    this.#found(edit, writes, { to, whole: true });
    return true;
  }

  /** Reads the stored log up to where the ring begins, and the rest from the ring. */
  async #findInLog(edit: Edit): Promise<boolean> {
    const { ring, feed, scheduler } = this.#options;
    const tooSlow = new AbortController();
    const timer = scheduler.setTimeout(() => tooSlow.abort(new Error('the log took too long')), READ_MS);
    const signal = AbortSignal.any([tooSlow.signal, this.#stopping.signal]);
    try {
      let to = feed.position;
      const stored = await this.#readNewest(edit, to, signal);
      while (!ring.covers(to.sequence)) {
        const now = feed.position;
        stored.push(...(await this.#readStored(edit, { after: to, to: now.sequence, signal })));
        stored.splice(0, stored.length - MOST_EVENTS);
        to = now;
      }
      // From here to the end nothing is awaited: what is found is all there is.
      const now = feed.position;
      if (edit.over) return true;
      if (!feed.fresh || now.epoch !== edit.epoch) return false;
      const recent = this.#readRing(edit, { from: to.sequence, to: now.sequence });
      this.#found(edit, [...stored, ...recent], { to: now.sequence, whole: false });
      return true;
    } finally {
      timer.cancel();
    }
  }

  async #readNewest(edit: Edit, to: LogPosition, signal: AbortSignal): Promise<RecordWrite[]> {
    const { bus, ring } = this.#options;
    const topic = { kind: 'object', uuid: edit.recordId } as const;
    const entries = await readNewest({ bus, ring, signal }, [topic], { to, limit: MOST_EVENTS });
    return writesOf(edit, entries);
  }

  async #readStored(
    edit: Edit,
    range: { readonly after: LogPosition; readonly to: number; readonly signal: AbortSignal },
  ): Promise<RecordWrite[]> {
    const { after, to, signal } = range;
    const filters = [topicFilter({ kind: 'object', uuid: edit.recordId })];
    const options = { epoch: after.epoch, from: after.sequence, to, filters, signal };
    const entries: LogEntry[] = [];
    for await (const entry of readLog(this.#options.bus, options)) {
      entries.push(entry);
      if (entries.length > MOST_EVENTS) entries.shift();
    }
    return writesOf(edit, entries);
  }

  #readRing(edit: Edit, { from, to }: { readonly from: number; readonly to: number }): RecordWrite[] {
    return writesOf(edit, this.#options.ring.read(from, to));
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
