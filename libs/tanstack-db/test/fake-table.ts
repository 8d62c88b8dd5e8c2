import { ClientError } from '@tidewire/client';
import type {
  AnyTables,
  Client,
  DataSource,
  DataSourceOptions,
  Fields,
  LiveRow,
  RowConflict,
  RowEdit,
  SourceSnapshot,
} from '@tidewire/client';

export const REFUSED = new ClientError('FORBIDDEN', 'Not yours', { status: 403 });

interface Write {
  readonly kind: 'insert' | 'update' | 'delete';
  readonly id: string;
  readonly values: Fields;
  readonly answer: PromiseWithResolvers<void>;
}

/** A source whose server is the test: writes are shown at once, and done when the test answers. */
export class FakeTable implements DataSource {
  readonly options: DataSourceOptions;
  readonly listeners = new Set<() => void>();
  readonly writes: Write[] = [];
  closed = false;
  refetched = 0;
  /** What the server has. */
  readonly rows = new Map<string, LiveRow>();
  #status: Omit<SourceSnapshot, 'rows' | 'total'> = { state: 'idle', asOf: null, error: null };
  #snapshot: SourceSnapshot = { rows: [], total: 0, ...this.#status };
  #told = true;
  #time = 0;
  #made = 0;

  constructor(options: DataSourceOptions) {
    this.options = options;
  }

  /** Somebody writes. Without fields the record goes. */
  server(id: string, fields?: Fields): void {
    if (fields === undefined) this.rows.delete(id);
    else this.rows.set(id, this.#row(id, fields));
    this.changed();
  }

  become(status: Partial<SourceSnapshot>): void {
    this.#status = { ...this.#status, ...status };
    this.changed();
  }

  live(): void {
    this.become({ state: 'live', asOf: 1, error: null });
  }

  refuse(): void {
    this.rows.clear();
    this.become({ state: 'failed', asOf: null, error: REFUSED });
  }

  /** The server does the oldest write, or refuses it. */
  answer(error?: Error): void {
    const write = this.writes[0];
    if (write === undefined) throw new Error('Nothing was written');
    if (error === undefined) write.answer.resolve();
    else write.answer.reject(error);
  }

  getSnapshot(): SourceSnapshot {
    return this.#snapshot;
  }

  subscribe(listener: () => void): () => void {
    const own = (): void => listener();
    this.listeners.add(own);
    if (this.#status.state === 'idle') this.become({ state: 'loading' });
    return () => this.listeners.delete(own);
  }

  async insert(values: Fields): Promise<LiveRow> {
    const id = `server-${++this.#made}`;
    return await this.#write('insert', `draft-${id}`, values, () => this.#row(id, values));
  }

  async update(id: string, values: Fields): Promise<LiveRow> {
    if (!this.rows.has(id)) throw new ClientError('NOT_FOUND', id);
    return await this.#write('update', id, values, () =>
      this.#row(id, { ...this.rows.get(id)?.fields, ...values }),
    );
  }

  async delete(id: string): Promise<void> {
    await this.#write('delete', id, {}, () => undefined);
  }

  async refetch(): Promise<void> {
    this.refetched += 1;
    return await Promise.resolve();
  }

  close(): void {
    this.closed = true;
    this.become({ state: 'closed' });
  }

  async ready(): Promise<SourceSnapshot> {
    return await Promise.reject(new Error('not asked for in these tests'));
  }

  edit(): RowEdit {
    throw new Error('not asked for in these tests');
  }

  onConflict(_listener: (conflict: RowConflict) => void): () => void {
    throw new Error('not asked for in these tests');
  }

  async #write(
    kind: Write['kind'],
    id: string,
    values: Fields,
    done: () => LiveRow | undefined,
  ): Promise<LiveRow> {
    const write = { kind, id, values, answer: Promise.withResolvers<void>() };
    this.writes.push(write);
    this.changed();
    try {
      await write.answer.promise;
      const written = done();
      if (written === undefined) this.rows.delete(id);
      else this.rows.set(written.id, written);
      return written ?? this.#row(id, {});
    } finally {
      this.writes.splice(this.writes.indexOf(write), 1);
      this.changed();
    }
  }

  changed(): void {
    if (!this.#told) return;
    this.#told = false;
    queueMicrotask(() => {
      this.#told = true;
      const rows = this.#show();
      this.#snapshot = { rows, total: rows.length, ...this.#status };
      for (const listener of this.listeners) listener();
    });
  }

  #show(): LiveRow[] {
    const shown = new Map(this.rows);
    for (const { kind, id, values } of this.writes) {
      const below = shown.get(id);
      if (kind === 'delete') shown.delete(id);
      else if (kind === 'insert') shown.set(id, { ...this.#row(id, values), pending: 'insert' });
      else if (below !== undefined) {
        shown.set(id, { ...below, fields: { ...below.fields, ...values }, pending: 'update' });
      }
    }
    return [...shown.values()];
  }

  #row(id: string, fields: Fields): LiveRow {
    this.#time += 1;
    const updatedAt = `2026-01-01T00:00:00.${String(this.#time).padStart(3, '0')}Z`;
    return { id, fields, createdAt: updatedAt, updatedAt, pending: null };
  }
}

/** Keeps the tables that were made of it. */
export class FakeClient<Tables extends object = AnyTables> {
  readonly tables: FakeTable[] = [];

  /** The one that was made last. */
  get last(): FakeTable {
    const table = this.tables.at(-1);
    if (table === undefined) throw new Error('No source was made');
    return table;
  }

  get client(): Client<Tables> {
    const dataSource = (options: DataSourceOptions): FakeTable => {
      const table = new FakeTable(options);
      this.tables.push(table);
      return table;
    };
    return { dataSource } as unknown as Client<Tables>;
  }
}
