import type { IncomingHttpHeaders } from 'node:http';
import { TidewireError } from '@tidewire/contract';
import type { z } from 'zod';
import { parseInput } from './field-error.ts';

/** Nesting that a body may have: twice what an object may have, and far below what exhausts a stack. */
export const MAX_BODY_DEPTH = 64;

const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/i;

/**
 * The text of a body. A byte that is not UTF-8 is refused: replaced by U+FFFD, what is stored would not be what was sent.
 *
 * @throws TidewireError UNSUPPORTED_MEDIA_TYPE for another charset or a content coding; VALIDATION_ERROR for bytes that
 *   are not UTF-8.
 */
export function decodeJsonBody(headers: IncomingHttpHeaders, body: Uint8Array): string {
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  const coding = headers['content-encoding'] ?? 'identity';
  if (!/^utf-?8$/i.test(charset) || coding.toLowerCase() !== 'identity') {
    throw new TidewireError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as JSON in UTF-8, not compressed.');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw notJson('is not UTF-8');
  }
}

/**
 * Parses a JSON body. An empty one is undefined, because clients send `Content-Type: application/json` on a DELETE.
 * `__proto__` and `constructor` become own members like any other name: they are data.
 *
 * @throws TidewireError VALIDATION_ERROR for anything that is not JSON or is nested deeper than {@link MAX_BODY_DEPTH}.
 */
export function parseJsonBody(text: string): unknown {
  if (text.trim().length === 0) return undefined;
  if (exceedsDepth(text)) throw notJson(`is nested deeper than ${MAX_BODY_DEPTH} levels`);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message repeats a piece of the body.
    throw notJson('is not JSON');
  }
}

/**
 * Reads a request of which there is nothing but its text, as on NATS; an empty one has no members.
 *
 * @throws TidewireError VALIDATION_ERROR with a pointer per fault.
 */
export function parseJsonRequest<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
  return parseInput(schema, parseJsonBody(text) ?? {}, 'request');
}

function notJson(message: string): TidewireError {
  return new TidewireError('VALIDATION_ERROR', `The body ${message}.`, { errors: [{ field: '', message }] });
}

/** Counts brackets outside of strings. Looks at text that is not JSON too: the parser refuses that afterwards. */
function exceedsDepth(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text.charCodeAt(index);
    if (inString) {
      if (character === BACKSLASH) index++;
      else if (character === QUOTE) inString = false;
    } else if (character === QUOTE) inString = true;
    else if (character === OPEN_BRACE || character === OPEN_BRACKET) {
      depth++;
      if (depth > MAX_BODY_DEPTH) return true;
    } else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) depth--;
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
