/** How names and texts that somebody else wrote become TypeScript that says the same, and nothing besides. */

/** What would end a literal, or would not be seen in it. */
const NOT_PLAIN = /['\\\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;
const LINE_END = /\r\n|[\n\r\u2028\u2029]/;
/** Control characters, and those that turn the direction of the text around them: a reader would see other code. */
const UNSEEN = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** The text as a literal. */
export function formatLiteral(text: string): string {
  const escaped = text.replaceAll(NOT_PLAIN, (character) =>
    character === "'" || character === '\\'
      ? `\\${character}`
      : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return `'${escaped}'`;
}

/** The name of a member: as it is where it is an identifier, else quoted. */
export function formatName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : formatLiteral(name);
}

/**
 * A doc comment with a line end behind it; nothing where no paragraph says anything. The paragraphs are text: they cannot
 * end the comment, and no `@` of theirs is a tag of it or tells the compiler something (`@ts-expect-error`).
 */
export function formatComment(paragraphs: readonly string[], indent = ''): string {
  const texts = paragraphs.map(harmless).filter((text) => text !== '');
  const [first, ...others] = texts.join('\n\n').split('\n');
  if (first === undefined || first === '') return '';
  if (others.length === 0) return `${indent}/** ${first} */\n`;
  const lines = [first, ...others].map((line) => `${indent} *${line === '' ? '' : ` ${line}`}\n`);
  return `${indent}/**\n${lines.join('')}${indent} */\n`;
}

function harmless(paragraph: string): string {
  const lines = paragraph
    .toWellFormed()
    .split(LINE_END)
    .map((line) => line.replaceAll(UNSEEN, ' ').trimEnd());
  return lines
    .join('\n')
    .trim()
    .replaceAll('*/', '*\\/')
    .replaceAll(/(?<!\w)@/g, '\\@');
}
