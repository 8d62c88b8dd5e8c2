import { formatValue } from './cell-value.ts';
import type { Column } from './column.ts';
import { valueOf } from './column.ts';
import type { LiveRow } from '@tidewire/client';

type Row = LiveRow<Readonly<Record<string, unknown>>>;

export interface ShownRows {
  /** Those of the page that is turned to. */
  readonly rows: readonly Row[];
  /** How many match what is searched for. */
  readonly matching: number;
  /** From 0. The last one when there are fewer by now. */
  readonly page: number;
  readonly pages: number;
  /** How many stand before the first one. */
  readonly offset: number;
}

interface Wish {
  readonly columns: readonly Column[];
  readonly search: string;
  readonly page: number;
  /** Undefined: all on one page. */
  readonly pageSize: number | undefined;
}

/** The rows on one page of those that match. */
export function shownRows(all: readonly Row[], { columns, search, page, pageSize }: Wish): ShownRows {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const matching = words.length === 0 ? all : all.filter((row) => matches(row, columns, words));
  const size = pageSize ?? Math.max(1, matching.length);
  const pages = Math.max(1, Math.ceil(matching.length / size));
  const own = Math.min(page, pages - 1);
  const offset = own * size;
  return {
    rows: matching.slice(offset, offset + size),
    matching: matching.length,
    page: own,
    pages,
    offset,
  };
}

/** Every word stands somewhere in what is shown of the row. */
function matches(row: Row, columns: readonly Column[], words: readonly string[]): boolean {
  const text = columns
    .map((column) => formatValue(valueOf(row, column.field), column))
    .join('\n')
    .toLocaleLowerCase();
  return words.every((word) => text.includes(word));
}

/**
 * The same rows in the order in which they were, new ones behind them: while somebody writes in a row, it does not run away
 * from under their hands.
 */
export function inOrderOf(rows: readonly Row[], order: ReadonlyMap<string, number>): readonly Row[] {
  const place = ({ id }: Row): number => order.get(id) ?? Number.MAX_SAFE_INTEGER;
  return rows.toSorted((a, b) => place(a) - place(b));
}
