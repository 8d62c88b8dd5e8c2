import { expect, test } from 'vitest';
import { formatComment, formatLiteral, formatName } from './source-text.ts';

test.each([
  ['name', 'name'],
  ['_a$1', '_a$1'],
  ['new', 'new'],
  ['1st', "'1st'"],
  ['house number', "'house number'"],
  ["it's", String.raw`'it\'s'`],
  ['größe', "'größe'"],
  ['', "''"],
])('the member %j is written %s', (name, expected) => {
  expect(formatName(name)).toBe(expected);
});

test.each([
  "it's",
  'a\\b',
  '\\u0041',
  '\n\r\t\0',
  '\u2028\u2029',
  '\u202e',
  '`${x}`',
  '</script>',
  '\ud800',
  '🦆',
])('the literal of %j is that text, in one line of what can be seen', (text) => {
  const literal = formatLiteral(text);
  // eslint-disable-next-line typescript/no-implied-eval -- the language itself says what a literal is
  expect(new Function(`return ${literal}`)()).toBe(text);
  expect(literal).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
});

test.each([
  ['what ends a comment', 'x */ y', '/** x *\\/ y */\n'],
  ['the half of it at the end', 'x *', '/** x * */\n'],
  ['the other half at the beginning', '/ x', '/** / x */\n'],
  ['the two halves with something between them that is not seen', '*\0/', '/** * / */\n'],
  ['a tag', '@deprecated see {@link x}', '/** \\@deprecated see {\\@link x} */\n'],
  ['an order to the compiler', '@ts-expect-error', '/** \\@ts-expect-error */\n'],
  ['an address', 'jan@example.org', '/** jan@example.org */\n'],
  ['what turns the direction of the text', 'a\u202eb', '/** a b */\n'],
  ['half a character', 'a\ud800', '/** a\ufffd */\n'],
  ['nothing', ' \n ', ''],
])('a comment of %s holds it as text', (_name, text, expected) => {
  expect(formatComment([text])).toBe(expected);
});

test('every way to end a line ends one of the comment', () => {
  expect(formatComment(['a\nb\r\nc\rd\u2028e', '', 'f'], '  ')).toBe(
    '  /**\n   * a\n   * b\n   * c\n   * d\n   * e\n   *\n   * f\n   */\n',
  );
});
