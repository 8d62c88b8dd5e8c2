import type { TableChange, TableRecord } from '@tidewire/contract';
import { createCompare } from './compare.ts';
import type { SortType } from './compare.ts';
import type { LiveRow, SortTerm } from './source.ts';

/** Rows that are kept beyond the limit, so that one that leaves has a successor without asking. */
export const SPARE_ROWS = 20;

/** What a list brought. */
export interface ListedRows {
  readonly records: readonly TableRecord[];
  /** How many match, on the server. */
  readonly total: number;
}

/**
 * The server's rows of one source: the first ones of its order, all of them where there are not more (`complete`). Rows
 * come whole from lists and one by one from changes, in any order: of two states of a row the later one counts.
 */
export class Rows {
  readonly #terms: readonly SortTerm[];
  readonly #limit: number;
  #compare: (a: LiveRow, b: LiveRow) => number;
  #byId = new Map<string, LiveRow>();
  #sorted: LiveRow[] = [];
  /** Whether `#sorted` is in the order of `#compare`: lists come in the server's. */
  #ordered = false;
  #complete = false;
  #total = 0;

  constructor(terms: readonly SortTerm[], limit: number) {
    this.#terms = terms;
    this.#limit = limit;
    this.#compare = createCompare(terms, []);
  }

  /** Includes spare ones. Not to be changed. */
  get sorted(): readonly LiveRow[] {
    return this.#sorted;
  }

  get compare(): (a: LiveRow, b: LiveRow) => number {
    return this.#compare;
  }

  /** How many the server has that match: exact when all of them are here, otherwise as of the last list, counted on. */
  get total(): number {
    return this.#complete ? this.#byId.size : Math.max(this.#total, this.#byId.size);
  }

  /** Whether there are fewer than there should be, and the server has more. */
  get short(): boolean {
    return !this.#complete && this.#byId.size < this.#limit;
  }

  find(id: string): LiveRow | undefined {
    return this.#byId.get(id);
  }

  /** How the server compares, where it has said so. */
  setTypes(types: readonly SortType[]): void {
    this.#compare = createCompare(this.#terms, types);
    this.#ordered = false;
  }

  clear(): void {
    this.replace({ records: [], total: 0 });
    this.#complete = false;
  }

  /** A list takes the place of everything. Rows that are as they were stay the same objects. */
  replace({ records, total }: ListedRows): void {
    const before = this.#byId;
    this.#sorted = records.map((record) => {
      const known = before.get(record.id);
      return known?.updatedAt === record.updatedAt && sameFields(known, record) ? known : toRow(record);
    });
    this.#byId = new Map(this.#sorted.map((row) => [row.id, row]));
    this.#ordered = false;
    this.#total = total;
    this.#complete = records.length >= total;
  }

  /** Whether anything changed that is shown. */
  apply({ transition, recordId, record }: TableChange): boolean {
    const known = this.#byId.get(recordId);
    if (record === undefined) {
      this.#total -= 1;
      if (known === undefined) return !this.#complete;
      this.#take(known);
      return true;
    }
    if (known === undefined && transition !== 'updated') this.#total += 1;
    return this.put(record);
  }

  /** A state of a row, newer or older than the one that is here. */
  put(record: ChangedRecord): boolean {
    const known = this.#byId.get(record.id);
    const row = toRow(record);
    if (known !== undefined) {
      if (known.updatedAt > row.updatedAt) return false;
      this.#take(known);
    }
    return this.#insert(row) || known !== undefined;
  }

  remove(id: string): void {
    const known = this.#byId.get(id);
    if (known !== undefined) this.#take(known);
  }

  #take(row: LiveRow): void {
    this.#byId.delete(row.id);
    this.#sorted = this.#sorted.filter((other) => other !== row);
  }

  /** Beyond the last row that is here there may be others that come before this one: it is left to them. */
  #insert(row: LiveRow): boolean {
    this.#order();
    const place = this.#placeOf(row);
    if (place === this.#sorted.length && !this.#complete) return false;
    this.#sorted = this.#sorted.toSpliced(place, 0, row);
    this.#byId.set(row.id, row);
    if (this.#sorted.length > this.#limit + 2 * SPARE_ROWS) this.#trim();
    return this.#byId.has(row.id);
  }

  #trim(): void {
    this.#total = this.total;
    for (const row of this.#sorted.slice(this.#limit + SPARE_ROWS)) this.#byId.delete(row.id);
    this.#sorted = this.#sorted.slice(0, this.#limit + SPARE_ROWS);
    this.#complete = false;
  }

  #order(): void {
    if (!this.#ordered) this.#sorted = this.#sorted.toSorted(this.#compare);
    this.#ordered = true;
  }

  #placeOf(row: LiveRow): number {
    let from = 0;
    let to = this.#sorted.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      const other = this.#sorted[middle];
      if (other !== undefined && this.#compare(other, row) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

type ChangedRecord = Pick<TableRecord, 'id' | 'fields' | 'createdAt' | 'updatedAt'>;

export function toRow({ id, fields, createdAt, updatedAt }: ChangedRecord): LiveRow {
  return Object.freeze({ id, fields, createdAt, updatedAt, pending: null });
}

/** The same version can have other fields: rights, or what was asked for, may have changed. */
function sameFields(a: Pick<LiveRow, 'fields'>, b: Pick<TableRecord, 'fields'>): boolean {
  return JSON.stringify(a.fields) === JSON.stringify(b.fields);
}
