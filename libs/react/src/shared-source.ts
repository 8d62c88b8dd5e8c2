import type {
  ClientError,
  Clock,
  DataSource,
  Fields,
  LiveRow,
  RowConflict,
  RowEdit,
  SourceState,
} from '@tidewire/client';

/** How long a source that nobody uses is kept: whoever mounts again, or renders first and mounts later, finds it. */
export const RETAIN_MS = 5000;
/**
 * How long a source works for a render that waits for it. React does not say when it gives such a render up: one that still
 * waits by then is rendered again and goes on waiting, one that was given up does not come back.
 */
export const WAIT_MS = 30_000;
/** How long a source stays that was refused and whose error a boundary shows: who is told to try again gets a new one. */
export const REFUSED_MS = 500;

/** States of rows that a component looks at: as `SourceState` says. Somebody listens, so none is `idle`. */
export type ViewState = Exclude<SourceState, 'idle'>;

/** What components are told of a source. Another object only when something in it is another. */
export interface SourceView {
  readonly rows: readonly LiveRow[];
  readonly total: number;
  readonly state: ViewState;
  readonly asOf: number | null;
  readonly error: ClientError | null;
  readonly conflict: RowConflict | null;
}

/**
 * A data source that any number of components look at. It does nothing until one listens, and closes itself a while after
 * the last one has gone, or when none came.
 */
export class SharedSource {
  readonly #source: DataSource;
  readonly #clock: Clock;
  readonly #released: () => void;
  readonly #listeners = new Set<() => void>();
  #detach: (() => void) | undefined;
  #cancelRelease: (() => void) | undefined;
  #conflict: RowConflict | null = null;
  #view: SourceView | undefined;
  #thrown = false;
  #settled: Promise<void> | undefined;

  /** `released` is called once, when the source was closed. */
  constructor(source: DataSource, clock: Clock, released: () => void) {
    this.#source = source;
    this.#clock = clock;
    this.#released = released;
    this.#keep();
  }

  /** What there is to show. A render that asks keeps the source for a while. */
  look(): SourceView {
    const { rows, total, state, asOf, error } = this.#source.getSnapshot();
    if (state !== 'failed') this.#thrown = false;
    this.#keep();
    const view: SourceView = {
      rows,
      total,
      state: state === 'idle' ? awaited(asOf) : state,
      asOf,
      error,
      conflict: this.#conflict,
    };
    if (this.#view === undefined || !same(view, this.#view)) this.#view = Object.freeze(view);
    return this.#view;
  }

  /** Calls back when there may be something else to show. The answer stops it. */
  subscribe(listener: () => void): () => void {
    const own = (): void => listener();
    this.#cancelRelease?.();
    this.#cancelRelease = undefined;
    this.#listeners.add(own);
    this.#detach ??= this.#attach();
    return () => {
      if (this.#listeners.delete(own)) this.#keep();
    };
  }

  /** Resolves when rows have come or will not come, and also when nothing of the kind happens for a while. */
  settled(): Promise<void> {
    this.#settled ??= this.#wait().finally(() => (this.#settled = undefined));
    return this.#settled;
  }

  /** A boundary is told of the refusal: when nobody listens any more, the source is not kept for long. */
  thrown(): void {
    this.#thrown = true;
    this.#keep();
  }

  refetch(): Promise<void> {
    return this.#source.refetch();
  }

  insert(values: object): Promise<LiveRow> {
    return this.#source.insert({ ...values });
  }

  async update(id: string, values: object): Promise<LiveRow> {
    const row = await this.#source.update(id, { ...values });
    this.#resolve(id);
    return row;
  }

  async delete(id: string): Promise<void> {
    await this.#source.delete(id);
    this.#resolve(id);
  }

  edit(id: string, fields: readonly string[]): RowEdit {
    const edit = this.#source.edit(id, fields);
    const save = async (values: Fields): Promise<LiveRow> => {
      const row = await edit.save(values);
      this.#resolve(id);
      return row;
    };
    return { save, cancel: () => edit.cancel() };
  }

  /** Forgets the conflict that is shown. */
  dismissConflict(): void {
    this.#noteConflict(null);
  }

  /** Whoever has written a record since has answered the conflict. */
  #resolve(id: string): void {
    if (this.#conflict?.id === id) this.#noteConflict(null);
  }

  #noteConflict(conflict: RowConflict | null): void {
    if (conflict === this.#conflict) return;
    this.#conflict = conflict;
    this.#tell();
  }

  #attach(): () => void {
    const stops = [
      this.#source.subscribe(() => this.#tell()),
      this.#source.onConflict((conflict) => this.#noteConflict(conflict)),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async #wait(): Promise<void> {
    const stops: (() => void)[] = [];
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (isSettled(this.look())) resolve();
      };
      stops.push(this.subscribe(look), this.#clock.setTimeout(resolve, WAIT_MS));
      look();
    });
    for (const stop of stops) stop();
  }

  /** Begins the time anew after which the source is released, where nobody listens. */
  #keep(): void {
    if (this.#listeners.size > 0) return;
    this.#cancelRelease?.();
    const waitMs = this.#thrown ? REFUSED_MS : RETAIN_MS;
    this.#cancelRelease = this.#clock.setTimeout(() => this.#release(), waitMs);
  }

  #release(): void {
    this.#detach?.();
    this.#source.close();
    this.#released();
  }
}

/** Whether waiting is over: there are rows, or there will be none. */
export function isSettled({ asOf, state }: SourceView): boolean {
  return asOf !== null || state === 'failed' || state === 'closed';
}

/** Of a source to which a component is about to listen. */
function awaited(asOf: number | null): ViewState {
  return asOf === null ? 'loading' : 'behind';
}

function same(a: SourceView, b: SourceView): boolean {
  return (
    a.rows === b.rows &&
    a.total === b.total &&
    a.state === b.state &&
    a.asOf === b.asOf &&
    a.error === b.error &&
    a.conflict === b.conflict
  );
}
