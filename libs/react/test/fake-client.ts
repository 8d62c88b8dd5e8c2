import { ClientError } from '@tidewire/client';
import type {
  AnyTables,
  Client,
  DataSource,
  DataSourceOptions,
  Fields,
  LinkStatus,
  LiveRow,
  Presence,
  PresenceSnapshot,
  RowConflict,
  RowEdit,
  SourceSnapshot,
} from '@tidewire/client';

export function row(id: string, fields: Fields = {}): LiveRow {
  return { id, fields, createdAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z', pending: null };
}

export const REFUSED = new ClientError('FORBIDDEN', 'Not yours', { status: 403 });

/** Something that is shown and changes, and counts who listens. */
class Fake<Snapshot> {
  readonly listeners = new Set<() => void>();
  /** How often somebody began to listen. */
  subscribed = 0;
  snapshot: Snapshot;
  #told = true;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  getSnapshot(): Snapshot {
    return this.snapshot;
  }

  subscribe(listener: () => void): () => void {
    const own = (): void => listener();
    this.subscribed += 1;
    this.listeners.add(own);
    this.wanted();
    return () => this.listeners.delete(own);
  }

  /** At most once a microtask, as the client does. */
  set(part: Partial<Snapshot>): void {
    this.snapshot = Object.freeze({ ...this.snapshot, ...part });
    if (!this.#told) return;
    this.#told = false;
    queueMicrotask(() => {
      this.#told = true;
      for (const listener of this.listeners) listener();
    });
  }

  protected wanted(): void {}
}

/** A source whose server is the test. */
export class FakeSource extends Fake<SourceSnapshot> implements DataSource {
  readonly options: DataSourceOptions;
  readonly conflictListeners = new Set<(conflict: RowConflict) => void>();
  readonly openEdits = new Set<RowEdit>();
  readonly written: unknown[] = [];
  closed = false;
  refetched = 0;

  constructor(options: DataSourceOptions) {
    super(Object.freeze({ rows: [], total: 0, state: 'idle', asOf: null, error: null }));
    this.options = options;
  }

  protected override wanted(): void {
    if (this.snapshot.state === 'idle') this.set({ state: 'loading' });
  }

  /** The server answers. */
  list(...rows: LiveRow[]): void {
    this.set({ rows, total: rows.length, state: 'live', asOf: 1, error: null });
  }

  refuse(): void {
    this.set({ rows: [], total: 0, state: 'failed', asOf: null, error: REFUSED });
  }

  tellConflict(conflict: RowConflict): void {
    for (const listener of this.conflictListeners) listener(conflict);
  }

  async ready(): Promise<SourceSnapshot> {
    return await Promise.reject(new Error('not asked for in these tests'));
  }

  async refetch(): Promise<void> {
    this.refetched += 1;
    this.set({ state: 'loading', error: null });
    return await Promise.resolve();
  }

  async insert(values: Fields): Promise<LiveRow> {
    this.written.push(['insert', values]);
    return await Promise.resolve(row('new', values));
  }

  async update(id: string, values: Fields): Promise<LiveRow> {
    this.written.push(['update', id, values]);
    return await Promise.resolve(row(id, values));
  }

  async delete(id: string): Promise<void> {
    this.written.push(['delete', id]);
    return await Promise.resolve();
  }

  edit(id: string): RowEdit {
    const edit: RowEdit = {
      save: async (values) => {
        this.openEdits.delete(edit);
        return await this.update(id, values);
      },
      cancel: () => this.openEdits.delete(edit),
    };
    this.openEdits.add(edit);
    return edit;
  }

  onConflict(listener: (conflict: RowConflict) => void): () => void {
    this.conflictListeners.add(listener);
    return () => this.conflictListeners.delete(listener);
  }

  close(): void {
    this.closed = true;
    this.openEdits.clear();
    this.set({ state: 'closed' });
  }
}

class FakePresence extends Fake<PresenceSnapshot> implements Presence {}

/** Keeps what was made of it, so that tests see who listens and what is open. */
export class FakeClient implements Client<AnyTables> {
  readonly url = 'https://tidewire.example';
  readonly sources: FakeSource[] = [];
  readonly pages = new Map<string, FakePresence>();
  readonly link = new Fake<LinkStatus>({
    state: 'idle',
    transport: null,
    exhausted: false,
    retryAt: null,
    error: null,
  });

  /** The source that was made last. */
  get last(): FakeSource {
    const source = this.sources.at(-1);
    if (source === undefined) throw new Error('No source was made');
    return source;
  }

  /** Sources that are not closed. */
  get open(): FakeSource[] {
    return this.sources.filter(({ closed }) => !closed);
  }

  /** Everybody who listens to anything. */
  get listeners(): number {
    const told = [this.link, ...this.pages.values(), ...this.sources];
    const conflicts = this.sources.reduce((sum, source) => sum + source.conflictListeners.size, 0);
    return told.reduce((sum, { listeners }) => sum + listeners.size, conflicts);
  }

  dataSource(options: DataSourceOptions): FakeSource {
    const source = new FakeSource(options);
    this.sources.push(source);
    return source;
  }

  presence(pagePath: string): FakePresence {
    const page = this.pages.get(pagePath) ?? new FakePresence({ users: [], state: 'idle', error: null });
    this.pages.set(pagePath, page);
    return page;
  }

  getStatus(): LinkStatus {
    return this.link.getSnapshot();
  }

  onStatus(listener: () => void): () => void {
    return this.link.subscribe(listener);
  }

  subscribe(): never {
    throw new Error('not asked for in these tests');
  }

  reconnect(): void {}

  close(): void {
    for (const source of this.sources) source.close();
  }
}
