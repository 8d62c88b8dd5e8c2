/** A stretch of a text, from the first character to the one behind the last, and the line that it begins on, from 1. */
export interface TextPlace {
  readonly start: number;
  readonly end: number;
  readonly line: number;
}

/**
 * Where the value of a JSON pointer (RFC 6901) stands in a text that is JSON. Where there is no such value, it is its nearest
 * ancestor that is there: what is missing is missing in it. undefined: the text is no JSON.
 */
export function placeOf(text: string, pointer: string): TextPlace | undefined {
  const wanted = pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const [start, end] = new Finder(text).find(wanted);
  return { start, end, line: lineOf(text, start) };
}

/** The line that a character stands on, from 1. */
export function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}

type Stretch = readonly [start: number, end: number];

/** Reads a text that is known to be JSON, so that it only has to tell values apart. */
class Finder {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The stretch of the value that the tokens lead to, or of the last value on the way. */
  find(tokens: readonly string[]): Stretch {
    this.#skip(/\s/);
    const start = this.#at;
    const [token, ...rest] = tokens;
    const opener = this.#text[start];
    if (token === undefined || (opener !== '{' && opener !== '[')) return [start, this.#pass()];
    let found: Stretch | undefined;
    this.#members((name) => {
      if (name === token) found = this.find(rest);
      else this.#pass();
    });
    return found ?? [start, this.#at];
  }

  /** Goes to the end of the value that begins here. */
  #pass(): number {
    this.#skip(/\s/);
    const opener = this.#text[this.#at];
    if (opener === '{' || opener === '[') this.#members(() => void this.#pass());
    else if (opener === '"') this.#string();
    else this.#skip(/[^\s,\]}]/);
    return this.#at;
  }

  /** Calls back at the beginning of each value, which is to be gone through, and ends behind the last bracket. */
  #members(visit: (name: string) => void): void {
    const isObject = this.#text[this.#at] === '{';
    this.#at += 1;
    for (let index = 0; ; index += 1) {
      this.#skip(/[\s,]/);
      if (this.#text[this.#at] === '}' || this.#text[this.#at] === ']') break;
      const name = isObject ? this.#string() : String(index);
      if (isObject) this.#skip(/[\s:]/);
      visit(name);
    }
    this.#at += 1;
  }

  #string(): string {
    const start = this.#at;
    this.#at += 1;
    while (this.#text[this.#at] !== '"') this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    this.#at += 1;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #skip(kind: RegExp): void {
    while (this.#at < this.#text.length && kind.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }
}
