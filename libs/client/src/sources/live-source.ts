import type { TableChange } from '@tidewire/contract';
import type { ClientError } from '../client-error.ts';
import { Deadline } from '../deadline.ts';
import { toClientError } from '../http/http.ts';
import type { Link, SubscriptionMessage, SubscriptionSink } from '../link/link.ts';
import { Listeners } from '../listeners.ts';
import type { Runtime } from '../runtime.ts';
import { Conflicts } from './conflicts.ts';
import { Overlay } from './overlay.ts';
import type { RecordList, RecordsApi } from './records-api.ts';
import { Rows } from './rows.ts';
import type { DataSource, Fields, LiveRow, RowConflict, RowEdit, SourceSnapshot } from './source.ts';
import { createSourceMachine, stepSource } from './source-state.ts';
import type { SourceAction, SourceEvent, SourceMachine } from './source-state.ts';
import { ShownRows } from './shown-rows.ts';
import type { SourceWish } from './source-wish.ts';
import { Writes } from './writes.ts';

/** How long a source goes on that nobody listens to: a view that is mounted again finds everything as it was. */
const LINGER_MS = 5000;
/** Changes that are kept while a list is under way. With more of them another list is cheaper. */
const MAX_BUFFERED = 10_000;

export interface LiveSourceOptions {
  readonly wish: SourceWish;
  readonly link: Link;
  readonly api: RecordsApi;
  readonly runtime: Runtime;
  readonly onClose?: () => void;
}

/** One live table: does what the machine of `source-state.ts` wants. */
export class LiveSource implements DataSource {
  readonly #options: LiveSourceOptions;
  readonly #rows: Rows;
  readonly #overlay = new Overlay();
  readonly #shown: ShownRows;
  readonly #writes: Writes;
  readonly #conflicts: Conflicts;
  readonly #listeners = new Listeners();
  readonly #deadline: Deadline;
  readonly #linger: Deadline;
  readonly #unwatch: readonly (() => void)[];
  #machine: SourceMachine;
  #snapshot: SourceSnapshot;
  #error: ClientError | null = null;
  #asOf: number | null = null;
  #etag: string | undefined;
  /** The place in the log up to which everything is in the rows, by the stream or by the last list. */
  #cursor: string | undefined;
  #buffer: TableChange[] = [];
  #abort: AbortController | undefined;
  #unsubscribe: (() => void) | undefined;
  #told = true;

  constructor(options: LiveSourceOptions) {
    const { wish, link, api, runtime } = options;
    this.#options = options;
    this.#deadline = new Deadline(runtime.clock, () => this.#due());
    this.#linger = new Deadline(runtime.clock, () => this.#step('unwanted'));
    this.#rows = new Rows(wish.terms, wish.limit);
    this.#shown = new ShownRows(wish.shown);
    this.#conflicts = new Conflicts(link, wish.query.table);
    this.#writes = new Writes({
      table: wish.query.table,
      runtime,
      api,
      rows: this.#rows,
      overlay: this.#overlay,
      changed: () => this.#changed(),
      done: () => this.#written(),
      conflict: (conflict) => this.#conflicts.tell(conflict),
    });
    this.#machine = createSourceMachine(wish.mode);
    this.#snapshot = this.#describe();
    this.#unwatch = [
      link.watch(() => this.#followLink()),
      runtime.page.watch((change) => {
        if (change === 'visible' || change === 'woke') this.#overdue();
      }),
    ];
    if (link.status.exhausted) this.#step('exhausted');
  }

  getSnapshot(): SourceSnapshot {
    return this.#snapshot;
  }

  subscribe(listener: () => void): () => void {
    this.#linger.set(null);
    const stop = this.#listeners.add(listener);
    this.#step('wanted');
    return () => {
      if (!stop() || this.#listeners.size > 0) return;
      this.#linger.in(LINGER_MS);
    };
  }

  ready(): Promise<SourceSnapshot> {
    return this.#until(({ state, asOf }) => asOf !== null || state === 'failed' || state === 'closed');
  }

  async refetch(): Promise<void> {
    let step = 0;
    const settled = this.#until(() => step > 0 && !this.#machine.listing && !this.#machine.again);
    this.#etag = undefined;
    this.#step('refetch');
    step = 1;
    this.#changed();
    await settled;
  }

  insert(values: Fields): Promise<LiveRow> {
    return this.#writes.insert(values);
  }

  update(id: string, values: Fields): Promise<LiveRow> {
    return this.#writes.update(id, values);
  }

  delete(id: string): Promise<void> {
    return this.#writes.delete(id);
  }

  edit(id: string, fields: readonly string[]): RowEdit {
    return this.#conflicts.edit(id, fields, this.#writes);
  }

  onConflict(listener: (conflict: RowConflict) => void): () => void {
    return this.#conflicts.listen(listener);
  }

  close(): void {
    this.#linger.set(null);
    for (const stop of this.#unwatch) stop();
    this.#conflicts.close();
    this.#step('close');
    this.#options.onClose?.();
  }

  /** What was refused may not be any more. */
  recover(): void {
    if (this.#machine.phase === 'failed' && this.#listeners.size > 0) this.#step('refetch');
  }

  /** Listens until something holds. */
  async #until(holds: (snapshot: SourceSnapshot) => boolean): Promise<SourceSnapshot> {
    return await new Promise((resolve) => {
      let stop: (() => void) | undefined = undefined;
      const look = (): void => {
        if (!holds(this.#snapshot)) return;
        resolve(this.#snapshot);
        queueMicrotask(() => stop?.());
      };
      stop = this.subscribe(look);
      look();
    });
  }

  #step(event: SourceEvent): void {
    const { runtime, wish } = this.#options;
    const before = this.#machine;
    const { state, actions } = stepSource(before, event, {
      now: runtime.clock.now(),
      random: runtime.random(),
      pollIntervalMs: wish.pollIntervalMs,
    });
    this.#machine = state;
    this.#deadline.set(state.deadline);
    for (const action of actions) this.#act(action);
    if (state.phase !== before.phase) this.#changed();
  }

  /** Nobody looks: a poll that is due is made when somebody does. */
  #due(): void {
    if (this.#options.runtime.page.visible || this.#machine.phase !== 'polling') this.#step('deadline');
  }

  #overdue(): void {
    const { deadline } = this.#machine;
    if (deadline !== null && deadline <= this.#options.runtime.clock.now()) this.#step('deadline');
  }

  #act(action: SourceAction): void {
    switch (action) {
      case 'list':
        return void this.#list();
      case 'abort':
        this.#abort?.abort();
        this.#abort = undefined;
        this.#buffer = [];
        return;
      case 'subscribe':
        this.#unsubscribe ??= this.#options.link.subscribe(this.#options.wish.subscription, this.#sink);
        return;
      case 'unsubscribe':
        this.#unsubscribe?.();
        this.#unsubscribe = undefined;
        return;
      case 'clear':
        this.#rows.clear();
        this.#etag = undefined;
        this.#cursor = undefined;
        this.#asOf = null;
        this.#changed();
    }
  }

  async #list(): Promise<void> {
    const { api, wish, runtime } = this.#options;
    const abort = new AbortController();
    this.#abort = abort;
    this.#buffer = [];
    const written = this.#overlay.written;
    const asked = runtime.clock.now();
    try {
      const list = await api.list(wish.query, this.#etag, abort.signal);
      if (this.#abort !== abort) return;
      this.#abort = undefined;
      this.#take(list, asked);
      this.#overlay.forgetWritten(written);
      this.#step('listed');
    } catch (error) {
      if (this.#abort !== abort) return;
      this.#abort = undefined;
      this.#buffer = [];
      this.#error = toClientError(error);
      this.#step(this.#error.transient ? 'unlisted' : 'refused');
    }
    this.#changed();
  }

  /** The list takes the place of all rows; what was told meanwhile and is not in it comes on top. */
  #take(list: RecordList, asked: number): void {
    if (list.records !== 'unchanged') this.#rows.replace({ records: list.records, total: list.total });
    this.#etag = list.etag;
    // A list that was asked for before the last resync may be of another log.
    if (!this.#machine.again) this.#moveOn(list.position);
    for (const change of this.#buffer) {
      if (change.eventId > list.position) this.#rows.apply(change);
    }
    this.#buffer = [];
    this.#asOf = asked;
    this.#error = null;
  }

  readonly #sink: SubscriptionSink = {
    cursor: () => this.#cursor,
    message: (message) => this.#receive(message),
    interrupted: () => this.#step('interrupted'),
    ended: (error) => {
      this.#unsubscribe = undefined;
      if (error.code === 'CLOSED') return;
      this.#error = error;
      this.#step('ended');
    },
  };

  #receive(message: SubscriptionMessage): void {
    if (this.#machine.phase === 'live') this.#asOf = this.#options.runtime.clock.now();
    switch (message.type) {
      case 'subscribed':
        if (message.sortTypes !== undefined) this.#rows.setTypes(message.sortTypes);
        // Without a position what was missed is still to come.
        if (message.eventId === undefined) this.#step('interrupted');
        else this.#current(message.eventId);
        return;
      case 'heartbeat':
        if (message.eventId !== undefined) this.#current(message.eventId);
        return;
      case 'change':
        return this.#change(message);
      case 'resync':
        // What comes next follows the gap. It may be of another log, or of one that was set back.
        this.#cursor = message.current;
        this.#etag = undefined;
        return this.#step('resync');
      case 'event':
    }
  }

  #current(position: string): void {
    this.#moveOn(position);
    this.#step('current');
    if (this.#machine.phase === 'live') this.#asOf = this.#options.runtime.clock.now();
  }

  #moveOn(position: string): void {
    if (this.#cursor === undefined || this.#cursor < position) this.#cursor = position;
  }

  #change(change: TableChange): void {
    // Told before, or in the list already.
    if (this.#cursor !== undefined && change.eventId <= this.#cursor) return;
    this.#cursor = change.eventId;
    this.#etag = undefined;
    if (this.#machine.listing) this.#keep(change);
    if (this.#rows.find(change.recordId) === undefined) this.#overlay.arrived(change.recordId);
    if (this.#rows.apply(change)) this.#changed();
    if (this.#rows.short) this.#step('short');
  }

  /** What comes while a list is under way may not be in it. */
  #keep(change: TableChange): void {
    if (this.#buffer.length < MAX_BUFFERED) this.#buffer.push(change);
    else this.#step('refetch');
  }

  /** Nobody who is refused goes on being shown what he was. */
  #followLink(): void {
    const { exhausted, state, error } = this.#options.link.status;
    if (exhausted !== this.#machine.exhausted) this.#step(exhausted ? 'exhausted' : 'restored');
    if (state === 'refused' && this.#unsubscribe !== undefined) {
      this.#error = error;
      this.#step('ended');
    }
  }

  /** A write was done; where no stream tells of it, it is asked for. */
  #written(): void {
    if (this.#machine.phase !== 'live' && this.#machine.phase !== 'idle') this.#step('refetch');
  }

  /** The next snapshot is made and told of once, after everything that happens now. */
  #changed(): void {
    if (!this.#told) return;
    this.#told = false;
    queueMicrotask(() => {
      this.#told = true;
      this.#snapshot = this.#describe();
      this.#listeners.tell();
    });
  }

  #describe(): SourceSnapshot {
    const { wish } = this.#options;
    this.#overlay.settle(this.#rows);
    return Object.freeze({
      rows: this.#shown.of(this.#overlay.show(this.#rows, wish.limit)),
      total: this.#rows.total,
      state: this.#machine.phase,
      asOf: this.#asOf,
      error: this.#error,
    });
  }
}
