import { projected } from './evaluator.ts';
import type { Question } from './evaluator.ts';
import { Finding } from './finding.ts';
import type { Listing, OrderTerm } from './lists.ts';
import type { Image } from './rights.ts';

/** Whether a text that may be read has the words; capitals do not count. */
export function isFound(question: Question, row: Image, search: string | undefined): boolean {
  if (search === undefined) return true;
  const seen = projected(question, row) ?? {};
  return [...question.schema.properties].some(([name, kind]) => {
    const text = Object.hasOwn(seen, name) ? seen[name] : null;
    return kind === 'string' && typeof text === 'string' && text.toLowerCase().includes(search.toLowerCase());
  });
}

/** Rows in the order that was asked for: by what their reader sees of them, what it does not see last, then by uuid. */
export function judgeOrder(
  question: Question,
  listing: Listing,
  rows: ReadonlyMap<string, { readonly image: Image }>,
  order: readonly OrderTerm[],
): void {
  if (order.length === 0) return;
  const actual = listing.rows.map((row) => String(row['id']));
  const seen = new Map(actual.map((id) => [id, projected(question, rows.get(id)?.image ?? {}) ?? {}]));
  const expected = actual.toSorted((a, b) => {
    for (const { field, descending } of order) {
      const kind = question.schema.properties.get(field);
      const [left, right] = [keyOf(seen.get(a), field, kind), keyOf(seen.get(b), field, kind)];
      if (left === null && right === null) continue;
      if (left === null || right === null) return left === null ? 1 : -1;
      const by = compareKeys(left, right);
      if (by !== 0) return descending ? -by : by;
    }
    return compareKeys(a, b);
  });
  const wrong = actual.findIndex((id, index) => id !== expected[index]);
  if (wrong < 0) return;
  throw new Finding('wrong-list', `row ${wrong} is not in the order that was asked for`, {
    order,
    rows: actual.slice(Math.max(0, wrong - 1), wrong + 2).map((id) => seen.get(id)),
    next: seen.get(expected[wrong] ?? ''),
  });
}

type Key = string | number;

function keyOf(row: Image | undefined, field: string, kind: string | undefined): Key | null {
  const value = row !== undefined && Object.hasOwn(row, field) ? (row[field] ?? null) : null;
  if (value === null) return null;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  const text = value as string;
  return kind === 'instant' ? Date.parse(text) : text;
}

/** Texts by code points, as their UTF-8 bytes sort. */
function compareKeys(a: Key, b: Key): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Buffer.compare(Buffer.from(String(a), 'utf8'), Buffer.from(String(b), 'utf8'));
}
