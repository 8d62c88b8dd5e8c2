import type { EditSink, Link } from '../link/link.ts';
import { Listeners } from '../listeners.ts';
import { toRow } from './rows.ts';
import type { Fields, LiveRow, RowConflict, RowEdit } from './source.ts';
import type { Writes } from './writes.ts';

type Conflict = Parameters<EditSink['conflict']>[0];

/** Who is told of conflicts, and the edits for which the server looks out for them. */
export class Conflicts {
  readonly #link: Link;
  readonly #table: string;
  readonly #listeners = new Listeners<[RowConflict]>();
  readonly #edits = new Set<() => void>();

  constructor(link: Link, table: string) {
    this.#link = link;
    this.#table = table;
  }

  listen(listener: (conflict: RowConflict) => void): () => void {
    return this.#listeners.add(listener);
  }

  tell(conflict: RowConflict): void {
    this.#listeners.tell(conflict);
  }

  /** @throws ClientError NOT_FOUND when there is no such row. */
  edit(id: string, fields: readonly string[], writes: Writes): RowEdit {
    // The version that whoever edits has seen: that of the row, and after a conflict that of the conflict.
    let seen = writes.require(id);
    const sink: EditSink = {
      updatedAt: () => seen.updatedAt,
      conflict: (conflict) => {
        seen = rowOf(conflict, seen);
        this.tell(describe(conflict, seen));
      },
    };
    const stop = this.#link.edit({ table: this.#table, recordId: id, fields: [...fields] }, sink);
    const cancel = (): void => {
      if (this.#edits.delete(cancel)) stop();
    };
    this.#edits.add(cancel);
    return {
      save: async (values: Fields) => {
        const written = await writes.update(id, values, seen.updatedAt);
        cancel();
        return written;
      },
      cancel,
    };
  }

  close(): void {
    for (const cancel of this.#edits) cancel();
    this.#listeners.clear();
  }
}

function rowOf({ authoritativeRecord, updatedAt }: Conflict, { createdAt }: LiveRow): LiveRow {
  return toRow({ ...authoritativeRecord, createdAt, updatedAt });
}

function describe(conflict: Conflict, theirs: LiveRow): RowConflict {
  return {
    id: conflict.recordId,
    fields: conflict.overwrittenFields,
    mine: {},
    theirs,
    by: conflict.overwrittenBy,
  };
}
