/**
 * What counts as an instant, for JavaScript and PostgreSQL alike (both read this source text): RFC 3339
 * with an offset of at most 15:59 and no leap second. The year 0000 does not exist, which each says by itself: looking
 * ahead and capturing cost PostgreSQL more than all the rest. Digits are written out because `\d` may mean more.
 */
export const INSTANT_PATTERN =
  '^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[Tt ]' +
  '(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]+)?(?:[Zz]|[+-](?:0[0-9]|1[0-5]):[0-5][0-9])$';

const pattern = new RegExp(INSTANT_PATTERN);
const MS_PER_MINUTE = 60_000;
/** 400 Gregorian years; `Date.UTC` reads the years 0 to 99 as 1900 to 1999, so we compute one cycle later. */
const MS_PER_CYCLE = 146_097 * 86_400_000;

/**
 * Epoch milliseconds of an RFC 3339 text, cut (not rounded) to the millisecond; undefined when it is not
 * one. A day past the end of its month counts into the next month, in SQL as well.
 */
export function parseInstant(text: string): number | undefined {
  if (!pattern.test(text) || text.startsWith('0000')) return undefined;
  const digits = (from: number, to: number): number => Number(text.slice(from, to));
  const isUtc = text.endsWith('Z') || text.endsWith('z');
  const end = text.length - (isUtc ? 1 : 6);
  const fraction = Number(text.slice(20, Math.min(end, 23)).padEnd(3, '0'));
  const local = Date.UTC(
    digits(0, 4) + 400,
    digits(5, 7) - 1,
    digits(8, 10),
    digits(11, 13),
    digits(14, 16),
    digits(17, 19),
    fraction,
  );
  return local - MS_PER_CYCLE - (isUtc ? 0 : offsetMs(text.slice(end)));
}

/** Epoch milliseconds as RFC 3339 text in UTC with three decimals. */
export function formatInstant(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

function offsetMs(offset: string): number {
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6));
  return (offset.startsWith('-') ? -minutes : minutes) * MS_PER_MINUTE;
}
