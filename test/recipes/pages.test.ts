import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '../../docs/recipes');
const files = readdirSync(join(folder, 'code'));
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'));

/** Programs as the pages show them: the comment names the file, the block after it is its text. */
const shown = new Map(
  pages.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const blocks = text.matchAll(/<!-- code\/(\S+) -->\n\n```\w+\n([^]*?)```\n/g);
    return [...blocks].map(([, file = '', code = '']): [string, string] => [file, code]);
  }),
);

/** Lines that are neither empty nor comments; imports do not count either. */
function linesOfCode(text: string): readonly string[] {
  const withoutImports = text.replace(/^import \([^]*?^\)$/m, '');
  return withoutImports
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s*(\/\/|#|import |from |package )/.test(line));
}

test.each(files)('a page shows %s as it is', (file) => {
  expect(shown.get(file)).toBe(readFileSync(join(folder, 'code', file), 'utf8'));
});

test('pages show nothing that is not a file', () => {
  expect([...shown.keys()].toSorted()).toEqual(files.toSorted());
});

test.each(files)('%s is under 40 lines of code', (file) => {
  expect(linesOfCode(readFileSync(join(folder, 'code', file), 'utf8')).length).toBeLessThan(40);
});
