import type { TableRecord } from '@tidewire/contract';
import { ClientError } from '../client-error.ts';
import type { Runtime } from '../runtime.ts';
import { ConflictError } from './conflict-error.ts';
import type { Overlay, OptimisticWrite } from './overlay.ts';
import type { RecordsApi } from './records-api.ts';
import { toRow } from './rows.ts';
import type { Rows } from './rows.ts';
import type { LiveRow, RowConflict } from './source.ts';

/** Writes of one source that can wait or be under way at once. */
const MAX_WRITES = 1000;
/** Waits before a write is sent again of which no answer came. Milliseconds. */
const RETRY_MS: readonly number[] = [500, 2000, 5000];
/** How long a row is shown that was written and that no stream has told of: it may not match the filter. Milliseconds. */
const UNTOLD_MS = 10_000;

export interface WritesOptions {
  readonly table: string;
  readonly runtime: Runtime;
  readonly api: RecordsApi;
  readonly rows: Rows;
  readonly overlay: Overlay;
  /** What is shown has changed. */
  readonly changed: () => void;
  /** A write was done: where no stream tells of it, somebody has to ask. */
  readonly done: () => void;
  readonly conflict: (conflict: RowConflict) => void;
}

/** Writes that are shown before they are done, and taken back when they are refused. Those of one record follow one another. */
export class Writes {
  readonly #options: WritesOptions;
  /** The last write of each record. */
  readonly #last = new Map<string, Promise<unknown>>();
  #drafts = 0;
  #pending = 0;

  constructor(options: WritesOptions) {
    this.#options = options;
  }

  async insert(values: object): Promise<LiveRow> {
    const { api, table } = this.#options;
    const written = await this.#show('insert', `draft-${++this.#drafts}`, values, async (write) => {
      const created = await attempt(() => api.create(table, values));
      write.id = created.id;
      return created;
    });
    return toRow(written);
  }

  /** `updatedAt`: what the write is based on; the row as it is shown when absent. */
  async update(id: string, values: object, updatedAt?: string): Promise<LiveRow> {
    const row = this.require(id);
    const written = await this.#show('update', id, values, async () => {
      // An own write that came before has moved the record on.
      const token = updatedAt ?? this.#base.get(id) ?? row.updatedAt;
      return await this.#change(id, values, token);
    });
    return toRow(written);
  }

  async delete(id: string): Promise<void> {
    const { api, table, rows, overlay } = this.#options;
    this.require(id);
    await this.#show('delete', id, {}, async () => {
      await this.#repeat(
        () => api.remove(table, id),
        (error) => (error.status === 404 ? undefined : 'unknown'),
      );
      rows.remove(id);
      overlay.rewrite(id, undefined);
      return undefined;
    });
  }

  /** What own writes have made of a record, of which the server's rows may not know yet. */
  readonly #base = new Map<string, string>();

  /** @throws ClientError NOT_FOUND */
  require(id: string): LiveRow {
    const { rows, overlay } = this.#options;
    const row = rows.find(id) ?? overlay.find(id);
    if (row !== undefined) return row;
    throw new ClientError('NOT_FOUND', `There is no row '${id.slice(0, 100)}' in this source`);
  }

  async #show<Written extends TableRecord | undefined>(
    kind: OptimisticWrite['kind'],
    id: string,
    values: object,
    write: (write: OptimisticWrite) => Promise<Written>,
  ): Promise<Written> {
    const { overlay, changed, done } = this.#options;
    if (this.#pending >= MAX_WRITES) {
      throw new ClientError('RATE_LIMITED', `More than ${MAX_WRITES} writes are under way`, {
        transient: true,
      });
    }
    const own: OptimisticWrite = { kind, id, values: { ...values }, written: undefined };
    overlay.add(own);
    this.#pending += 1;
    changed();
    try {
      const written = await this.#queue(id, () => write(own));
      own.written = written;
      if (written !== undefined) this.#take(own, written);
      else overlay.remove(own);
      done();
      return written;
    } catch (error) {
      overlay.remove(own);
      throw error;
    } finally {
      this.#pending -= 1;
      changed();
    }
  }

  /** The server's answer is a state of the row like any other. One that is not here yet is shown until it is told of. */
  #take(own: OptimisticWrite, written: TableRecord): void {
    const { overlay, rows, runtime, changed } = this.#options;
    if (rows.find(written.id) !== undefined) {
      rows.put(written);
      overlay.remove(own);
      return;
    }
    if (own.kind === 'update') {
      overlay.remove(own);
      overlay.rewrite(written.id, written);
      return;
    }
    runtime.clock.setTimeout(() => {
      if (overlay.remove(own)) changed();
    }, UNTOLD_MS);
  }

  async #queue<T>(id: string, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(id) ?? Promise.resolve();
    const own = before.then(run, run);
    const ended = own.catch(() => undefined);
    this.#last.set(id, ended);
    try {
      return await own;
    } finally {
      if (this.#last.get(id) === ended) {
        this.#last.delete(id);
        this.#base.delete(id);
      }
    }
  }

  async #change(id: string, values: object, updatedAt: string): Promise<TableRecord> {
    const { api, table } = this.#options;
    const written = await this.#repeat(
      () => api.change(table, id, values, updatedAt),
      async (error, repeated) => {
        if (error.status !== 409) return 'unknown';
        const theirs = await api.find(table, id);
        // Sent twice because no answer came, it was done the first time.
        if (repeated && theirs !== null && has(theirs, values)) return theirs;
        if (theirs !== null && theirs.updatedAt === updatedAt) return 'unknown';
        throw this.#conflict(id, values, theirs, error);
      },
    );
    this.#base.set(id, written.updatedAt);
    return written;
  }

  /** Sends again what may be sent twice, while no answer comes. `settle` says what a refusal amounts to. */
  async #repeat<T>(
    send: () => Promise<T>,
    settle: (error: ClientError, repeated: boolean) => T | 'unknown' | Promise<T | 'unknown'>,
  ): Promise<T> {
    const { clock } = this.#options.runtime;
    for (let sent = 0; ; sent += 1) {
      try {
        return await send();
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        const wait = error.transient ? RETRY_MS[sent] : undefined;
        if (wait === undefined) {
          const settled = error.transient ? 'unknown' : await settle(error, sent > 0);
          if (settled !== 'unknown') return settled;
          throw error.transient && sent > 0 ? outcomeUnknown(error) : error;
        }
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, wait));
      }
    }
  }

  #conflict(id: string, mine: object, theirs: TableRecord | null, cause: ClientError): ConflictError {
    const { rows, conflict } = this.#options;
    const before = rows.find(id);
    const now = theirs === null ? null : toRow(theirs);
    const changed = Object.keys(mine).filter(
      (name) => JSON.stringify(now?.fields[name] ?? null) !== JSON.stringify(before?.fields[name] ?? null),
    );
    if (theirs !== null && before !== undefined) rows.put(theirs);
    const found: RowConflict = {
      id,
      fields: changed.length > 0 ? changed : Object.keys(mine),
      mine,
      theirs: now,
      by: theirs === null ? null : (theirs.updatedBy ?? { id: '', name: 'Another user' }),
    };
    conflict(found);
    return new ConflictError(found, cause);
  }
}

/** A row may be made twice by sending this twice: it is sent once, and when no answer comes nobody knows. */
async function attempt<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof ClientError && error.code === 'NETWORK') throw outcomeUnknown(error);
    throw error;
  }
}

function outcomeUnknown(cause: ClientError): ClientError {
  const message = 'The write was sent, and no answer came: it may have been done';
  return new ClientError('OUTCOME_UNKNOWN', message, { transient: true, cause });
}

function has(record: TableRecord, values: object): boolean {
  return Object.entries(values).every(
    ([name, value]) => JSON.stringify(record.fields[name] ?? null) === JSON.stringify(value ?? null),
  );
}
