import { setFlagsFromString } from 'node:v8';

// The `l` flag below selects V8's engine that matches in time linear in the text, whatever the pattern. A schema's
// author must not be able to stop the process for everybody with `(a+)+$`.
setFlagsFromString('--enable-experimental-regexp-engine');

/** A compiled `pattern`; what ajv needs of a regular expression. */
export interface LinearPattern {
  test(text: string): boolean;
}

/** V8's flag for it; not part of JavaScript, so linters do not know it. */
const LINEAR: string = 'l';
/** Longest pattern; each character of it can cost a step for each character of the text. */
const MAX_PATTERN_LENGTH = 500;

/**
 * Why a pattern cannot be used, or undefined. Look-around, back references and counted repeats beyond some tens
 * cannot be matched in linear time; Unicode classes (`\p{…}`) are not known to that engine.
 */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) return `must have at most ${MAX_PATTERN_LENGTH} characters`;
  if (/(?<!\\)(?:\\\\)*\\[pPu]\{/.test(pattern)) return 'must not use \\p{…} or \\u{…}';
  try {
    compilePattern(pattern);
    return undefined;
  } catch (error) {
    const linear = (error as Error).message.includes('linear time');
    return linear
      ? 'cannot be matched in linear time: no look-around, no back references, no large counted repeats'
      : 'is not a regular expression';
  }
}

/**
 * Compiles a pattern for the linear engine.
 *
 * @throws SyntaxError for patterns that {@link patternProblem} refuses.
 */
export function compilePattern(pattern: string): LinearPattern {
  return new RegExp(pattern, LINEAR);
}
