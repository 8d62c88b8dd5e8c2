import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Document, Node, Pair } from 'yaml';

type Path = readonly PropertyKey[];

/** Where the value at a path begins. Of one that is not there: where what it is missing in begins. */
export function valueOffset(document: Document.Parsed, path: Path): number {
  const { node, found } = walk(document, path);
  return found && node !== undefined ? startOf(node) : startOf(node ?? document.contents);
}

/** Where the key of the last part of a path begins; its object where there is no such key. */
export function keyOffset(document: Document.Parsed, path: Path): number {
  const { node } = walk(document, path.slice(0, -1));
  const pair = isMap(node) ? pairOf(node.items, path.at(-1)) : undefined;
  return startOf(pair === undefined ? node : (pair.key as Node));
}

/** Goes down a path as far as there is something. */
function walk(
  document: Document.Parsed,
  path: Path,
): { readonly node: Node | undefined; readonly found: boolean } {
  let node = resolved(document, document.contents);
  for (const part of path) {
    const next = resolved(document, childOf(node, part));
    if (next === undefined) return { node, found: false };
    node = next;
  }
  return { node, found: true };
}

function childOf(node: Node | undefined, part: PropertyKey): unknown {
  if (isSeq(node)) return node.items[Number(part)];
  if (!isMap(node)) return undefined;
  const pair = pairOf(node.items, part);
  // An empty value has no place: that of its key is where it is missing.
  return pair === undefined ? undefined : (pair.value ?? pair.key);
}

function pairOf(items: readonly Pair[], name: PropertyKey | undefined): Pair | undefined {
  return items.find(({ key }) => isScalar(key) && String(key.value) === String(name));
}

function resolved(document: Document.Parsed, value: unknown): Node | undefined {
  if (isAlias(value)) return value.resolve(document);
  return (value ?? undefined) as Node | undefined;
}

function startOf(node: Node | null | undefined): number {
  return node?.range?.[0] ?? 0;
}
