import type { TableRecord } from '@tidewire/contract';
import { toRow } from './rows.ts';
import type { Rows } from './rows.ts';
import type { LiveRow } from './source.ts';

/** A write that is under way, or was done and is not yet in the server's rows that are here. */
export interface OptimisticWrite {
  readonly kind: 'insert' | 'update' | 'delete';
  /** Of an insert a name of the client's own, until the server has given it one. */
  id: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** The record as the server wrote it. */
  written: TableRecord | undefined;
}

/** The writes on top of the server's rows: what is shown is both together. */
export class Overlay {
  readonly #writes = new Set<OptimisticWrite>();
  /** Rows that came while an insert was under way: one of them may be what it has made. */
  readonly #newcomers = new Set<string>();

  get size(): number {
    return this.#writes.size;
  }

  add(write: OptimisticWrite): void {
    this.#writes.add(write);
  }

  /** A row that was inserted, and that the server's rows do not have yet. */
  find(id: string): LiveRow | undefined {
    const written = this.#inserted(id)?.written;
    return written && toRow(written);
  }

  /** Such a row was written again; undefined: it was deleted. */
  rewrite(id: string, written: TableRecord | undefined): void {
    const write = this.#inserted(id);
    if (write === undefined) return;
    if (written === undefined) this.#writes.delete(write);
    else write.written = written;
  }

  #inserted(id: string): OptimisticWrite | undefined {
    return [...this.#writes].find((write) => write.id === id && write.written !== undefined);
  }

  remove(write: OptimisticWrite): boolean {
    return this.#writes.delete(write);
  }

  /** The stream told of a row that was not here. It is shown when it is certain that it is not shown already. */
  arrived(id: string): void {
    if (this.#inserting) this.#newcomers.add(id);
  }

  get #inserting(): boolean {
    return [...this.#writes].some(({ kind, written }) => kind === 'insert' && written === undefined);
  }

  /** Writes that were done and that the server's rows have by now do not need to be shown on top of them. */
  settle(rows: Rows): void {
    for (const write of this.#writes) {
      const row = rows.find(write.id);
      if (write.written !== undefined && row !== undefined && row.updatedAt >= write.written.updatedAt) {
        this.#writes.delete(write);
      }
    }
  }

  /** What was done is forgotten, because a list that was asked for afterwards tells what came of it. */
  forgetWritten(before: ReadonlySet<OptimisticWrite>): void {
    for (const write of before) this.#writes.delete(write);
  }

  get written(): ReadonlySet<OptimisticWrite> {
    return new Set([...this.#writes].filter(({ written }) => written !== undefined));
  }

  /** The rows as they are shown: sorted, the first `limit` of them. */
  show(rows: Rows, limit: number): readonly LiveRow[] {
    if (!this.#inserting) this.#newcomers.clear();
    if (this.#writes.size === 0) return rows.sorted.slice(0, limit);
    for (const { id } of this.#writes) this.#newcomers.delete(id);
    const known = rows.sorted.filter(({ id }) => !this.#newcomers.has(id));
    const shown = new Map(known.map((row) => [row.id, row]));
    for (const write of this.#writes) this.#put(write, shown);
    return [...shown.values()].toSorted(rows.compare).slice(0, limit);
  }

  #put(write: OptimisticWrite, shown: Map<string, LiveRow>): void {
    const below = shown.get(write.id);
    switch (write.kind) {
      case 'delete':
        shown.delete(write.id);
        return;
      case 'update':
        if (below !== undefined) shown.set(write.id, merge(below, write));
        return;
      case 'insert':
        if (below === undefined) shown.set(write.id, draft(write));
    }
  }
}

/** As the server merges: what is not named stays, null clears. */
function merge(row: LiveRow, { values }: OptimisticWrite): LiveRow {
  return Object.freeze({ ...row, fields: { ...row.fields, ...values }, pending: 'update' });
}

/** The time of a row that nobody has written yet: later than all that were. */
const NOT_YET = '9999-12-31T23:59:59.999Z';

function draft({ id, values, written }: OptimisticWrite): LiveRow {
  if (written !== undefined) return toRow(written);
  return Object.freeze({ id, fields: values, createdAt: NOT_YET, updatedAt: NOT_YET, pending: 'insert' });
}
