import type { LiveRow, SortTerm } from './source.ts';

/** How the server compares the values of a field: `sortTypes` of `subscribed`, PROTOCOL.md 5.2. */
export type SortType = 'text' | 'number' | 'boolean' | 'instant' | 'none';

/**
 * Orders two texts by Unicode code point, as the server does. JavaScript's own `<` compares UTF-16 units and puts U+1F600
 * before U+FF5E.
 */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates, of which the characters beyond the first plane are made, rank above every other unit. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** null: the row has no value of that type, and comes last, whatever the direction. */
function keyOf(row: LiveRow, { field }: SortTerm, type: SortType | undefined): string | number | null {
  const value = valueOf(row, field);
  switch (type) {
    case 'none':
      return null;
    case 'text':
      return typeof value === 'string' ? value : null;
    case 'instant': {
      const at = typeof value === 'string' ? Date.parse(value) : NaN;
      return Number.isNaN(at) ? null : at;
    }
    default:
      if (typeof value === 'boolean') return Number(value);
      return typeof value === 'string' || typeof value === 'number' ? value : null;
  }
}

function valueOf(row: LiveRow, field: string): unknown {
  // As for the server, the system's names come first.
  if (field === 'id' || field === 'createdAt' || field === 'updatedAt') return row[field];
  return Object.hasOwn(row.fields, field) ? row.fields[field] : undefined;
}

/** The order of a list: by its terms, then by `id`. Rows that the server has not seen come where their values say. */
export function createCompare(
  terms: readonly SortTerm[],
  types: readonly SortType[],
): (a: LiveRow, b: LiveRow) => number {
  return (a, b) => {
    for (const [index, term] of terms.entries()) {
      const left = keyOf(a, term, types[index]);
      const right = keyOf(b, term, types[index]);
      if (left === right) continue;
      if (left === null) return 1;
      if (right === null) return -1;
      const order = compareKeys(left, right);
      if (order !== 0) return term.direction === 'desc' ? -order : order;
    }
    return compareText(a.id, b.id);
  };
}

function compareKeys(a: string | number, b: string | number): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  // Values of two types in one field, of which no type is known yet: numbers first.
  return typeof a === 'number' ? -1 : 1;
}
