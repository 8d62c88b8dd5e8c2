import { expect, test } from 'vitest';
import { formatDifference } from './line-difference.ts';

const lines = (...texts: string[]): string => texts.map((text) => `${text}\n`).join('');
const block = (name: string, ...members: string[]): string[] => [
  '',
  `/** About ${name}. */`,
  `export interface ${name} {`,
  ...members,
  '}',
];

test('what is the same has no difference', () => {
  const text = lines('// head', ...block('A', 'x'));
  expect(formatDifference(text, text)).toBe('');
});

test('of what both have the lines are told, of what one has its declaration', () => {
  const before = lines('// head', ...block('A', 'x', 'y'), ...block('B', 'x'), ...block('C', 'x'));
  const after = lines('// head', ...block('A', 'x', 'z'), ...block('C', 'x', 'w'), ...block('D', 'x'));
  expect(formatDifference(before, after)).toBe(
    lines(
      '  export interface A {',
      '- y',
      '+ z',
      '- export interface B {',
      '  export interface C {',
      '+ w',
      '+ export interface D {',
    ),
  );
});

test('many changes are counted, and very many are not looked for one by one', () => {
  const numbered = (word: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${word} ${index}`);
  const text = (...members: string[]): string => lines(...block('A', ...members));
  expect(formatDifference(text(), text(...numbered('line', 30)))).toMatch(
    /\+ line 18\n {2}… and 11 more lines\n$/,
  );
  expect(formatDifference(text(...numbered('old', 30_000)), text(...numbered('new', 20_000)))).toBe(
    '  export interface A {\n  … many lines\n',
  );
});

test('a file that is something else altogether is compared too', () => {
  expect(formatDifference('', '// head\n')).toBe('- \n+ // head\n');
  expect(formatDifference('const a = 1;\n\nconst b = 2;\n', 'const b = 2;\n')).toBe('- const a = 1;\n');
});
