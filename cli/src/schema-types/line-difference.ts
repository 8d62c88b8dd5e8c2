import { diff } from 'node:util';

/** Lines that are told; the rest is counted. */
const MAX_TOLD = 20;
/** Blocks with more lines than this are not compared line by line, which would take long. */
const MAX_COMPARED = 4000;

/**
 * What is another in `after` than in `before`, block by block as empty lines part them: blocks that are gone (`-`) or new
 * (`+`) by their declaration, of others the lines. Short, not complete: for people.
 */
export function formatDifference(before: string, after: string): string {
  const [old, fresh] = [blocksOf(before), blocksOf(after)];
  const titles = new Set([...old.keys(), ...fresh.keys()]);
  const lines = [...titles].flatMap((title) => compareBlocks(title, old.get(title), fresh.get(title)));
  const rest = lines.length > MAX_TOLD ? [`  … and ${lines.length - MAX_TOLD} more lines`] : [];
  return [...lines.slice(0, MAX_TOLD), ...rest].map((line) => `${line}\n`).join('');
}

type Lines = readonly string[];

/** By the line that declares something, else by the first. */
function blocksOf(text: string): ReadonlyMap<string, Lines> {
  const blocks = text
    .trimEnd()
    .split(/\n{2,}/)
    .map((block) => block.split('\n'));
  return new Map(
    blocks.map((lines) => [lines.find((line) => line.startsWith('export ')) ?? lines[0] ?? '', lines]),
  );
}

function compareBlocks(title: string, old: Lines | undefined, fresh: Lines | undefined): Lines {
  if (old === undefined) return [`+ ${title}`];
  if (fresh === undefined) return [`- ${title}`];
  if (old.length + fresh.length > MAX_COMPARED) {
    return old.join('\n') === fresh.join('\n') ? [] : [`  ${title}`, '  … many lines'];
  }
  // Node calls inserted what its first argument has and the second has not.
  const changed = diff(old, fresh).filter(([operation]) => operation !== 0);
  const lines = changed.map(([operation, line]) => `${operation > 0 ? '-' : '+'} ${line}`);
  return lines.length === 0 ? [] : [`  ${title}`, ...lines];
}
