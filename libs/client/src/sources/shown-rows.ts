import type { LiveRow } from './source.ts';

/** Rows with only the fields that were asked for, where more are fetched to sort by. The same row is the same object. */
export class ShownRows {
  readonly #fields: ReadonlySet<string> | undefined;
  readonly #made = new WeakMap<LiveRow, LiveRow>();

  constructor(fields: ReadonlySet<string> | undefined) {
    this.#fields = fields;
  }

  of(rows: readonly LiveRow[]): readonly LiveRow[] {
    const fields = this.#fields;
    return fields === undefined ? rows : rows.map((row) => this.#show(row, fields));
  }

  #show(row: LiveRow, fields: ReadonlySet<string>): LiveRow {
    let shown = this.#made.get(row);
    if (shown === undefined) {
      const entries = Object.entries(row.fields).filter(([name]) => fields.has(name));
      shown = Object.freeze({ ...row, fields: Object.fromEntries(entries) });
      this.#made.set(row, shown);
    }
    return shown;
  }
}
