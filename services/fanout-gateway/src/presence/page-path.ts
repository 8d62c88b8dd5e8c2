import { TidewireError } from '@tidewire/contract';

/** Characters of a page's path as it is kept. */
const MAX_PATH = 512;
/** Of an address as it comes, with what is dropped. */
const MAX_TEXT = 2048;
/** What a segment may hold unencoded though `encodeURIComponent` encodes it (RFC 3986, `pchar`). */
const PLAIN = /%(?:3A|40|24|26|2B|2C|3B|3D)/g;

/**
 * The path of a page in the one form in which it is compared: without query, fragment, empty and dot segments and slash
 * at the end; a character is percent-encoded, in upper case, where a segment of an address may not hold it, and nowhere else. Case and Unicode form of what it says are left as they are. What it gives it leaves unchanged.
 *
 * @throws TidewireError VALIDATION_ERROR that says what is wrong.
 */
export function normalisePagePath(text: string): string {
  if (text.length > MAX_TEXT) throw refusal(`must have at most ${MAX_TEXT} characters`);
  const [path = ''] = text.split(/[?#]/, 1);
  if (!path.startsWith('/')) throw refusal("must begin with '/'");
  const segments: string[] = [];
  for (const raw of path.split('/')) {
    const segment = decode(raw);
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(encode(segment));
  }
  const normal = `/${segments.join('/')}`;
  if (normal.length > MAX_PATH) {
    throw refusal(`must have at most ${MAX_PATH} characters, percent-encoded and without its query`);
  }
  return normal;
}

function decode(segment: string): string {
  let text: string;
  try {
    text = decodeURIComponent(segment);
  } catch {
    throw refusal("holds a '%' that does not begin an encoded character of UTF-8");
  }
  if (/\p{Cc}/u.test(text)) throw refusal('must not hold control characters');
  return text;
}

function encode(segment: string): string {
  if (!segment.isWellFormed()) throw refusal('must be well-formed Unicode');
  return encodeURIComponent(segment).replace(PLAIN, decodeURIComponent);
}

function refusal(problem: string): TidewireError {
  return new TidewireError('VALIDATION_ERROR', `The path of a page ${problem}`, {
    errors: [{ field: 'pagePath', message: problem }],
  });
}
