import type { SyncConfig } from '@tanstack/db';
import type { LiveRow, SourceSnapshot } from '@tidewire/client';

type Key = string | number;
type Sync = Parameters<SyncConfig<object, Key>['sync']>[0];
/** What a collection is told its synced rows with. */
export type Sink = Pick<Sync, 'begin' | 'write' | 'commit' | 'markReady' | 'markError'>;

/**
 * Tells a collection what a source shows: each snapshot as what differs from the one before. Writes under way are in it, and
 * come to no harm: a collection applies nothing of what it is told while it writes itself, and by the time a write has ended
 * the source shows what came of it.
 */
export class SyncedRows {
  readonly #sink: Sink;
  readonly #getKey: (row: object) => Key;
  #rows: ReadonlyMap<Key, LiveRow> = new Map();
  #ready = false;

  constructor(sink: Sink, getKey: (row: object) => Key) {
    this.#sink = sink;
    this.#getKey = getKey;
  }

  take({ rows, state, asOf, error }: SourceSnapshot): void {
    if (state === 'failed') {
      // Nobody who is refused goes on being shown what he was.
      this.#become(new Map());
      this.#fail(error);
    } else if (state === 'closed') {
      if (!this.#ready) this.#fail(new Error('The client was closed'));
    } else if (asOf !== null) {
      this.#show(rows);
    }
  }

  #show(rows: readonly LiveRow[]): void {
    const next = new Map(rows.map((row) => [this.#getKey(flatten(row)), row]));
    if (next.size < rows.length) {
      this.#fail(new Error('Two records have the same key: getKey has to tell them apart'));
      return;
    }
    this.#become(next);
    if (!this.#ready) this.#sink.markReady();
    this.#ready = true;
  }

  #fail(error: Error | null): void {
    this.#ready = false;
    this.#sink.markError(error);
  }

  #become(next: ReadonlyMap<Key, LiveRow>): void {
    const before = this.#rows;
    const gone = [...before.keys()].filter((key) => !next.has(key));
    const changed = [...next].filter(([key, row]) => before.get(key) !== row);
    this.#rows = next;
    if (gone.length + changed.length === 0) return;
    const { begin, write, commit } = this.#sink;
    begin();
    for (const key of gone) write({ type: 'delete', key });
    for (const [key, row] of changed) {
      write({ type: before.has(key) ? 'update' : 'insert', value: flatten(row) });
    }
    // Applied when no write is under way any more: a write that waits for it would wait for itself.
    void commit();
  }
}

function flatten({ id, fields }: LiveRow): object {
  return { ...fields, id };
}
