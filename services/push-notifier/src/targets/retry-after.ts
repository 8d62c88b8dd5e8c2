const SECONDS = /^\d{1,10}$/;
/** The three forms of RFC 9110, section 5.6.7; the last one leaves out that it is GMT. */
const WITH_ZONE = /^[A-Z][a-z]{2,8}, \d{2}[ -][A-Z][a-z]{2}[ -](?:\d{2}|\d{4}) \d{2}:\d{2}:\d{2} GMT$/;
const WITHOUT_ZONE = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

const LONGEST_MS = 24 * 3_600_000;

/**
 * How many milliseconds `Retry-After` asks to wait: 0 for a time that has passed, at most `longestMs` (a day when absent).
 * Undefined for what is neither a number of seconds nor an HTTP date.
 */
export function parseRetryAfter(
  text: string | undefined,
  nowMs: number,
  longestMs = LONGEST_MS,
): number | undefined {
  const wanted = waitOf(text?.trim() ?? '', nowMs);
  return wanted === undefined || Number.isNaN(wanted) ? undefined : Math.min(Math.max(wanted, 0), longestMs);
}

function waitOf(text: string, nowMs: number): number | undefined {
  if (SECONDS.test(text)) return Number(text) * 1000;
  if (WITH_ZONE.test(text)) return Date.parse(text) - nowMs;
  if (WITHOUT_ZONE.test(text)) return Date.parse(`${text} GMT`) - nowMs;
  return undefined;
}
