import { z } from 'zod';

const RFC_3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt]([01]\d|2[0-3]):\d{2}:\d{2}(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** A point in time on the wire: RFC 3339 in UTC with three decimals and `Z`, as `2026-03-21T12:00:00.000Z`. */
export const timestampSchema = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/, 'must be RFC 3339 in UTC with milliseconds');

/** Formats milliseconds since 1970 as the wire's timestamp. */
export function formatTimestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * Parses any RFC 3339 timestamp, with any offset and any number of decimals, to milliseconds since 1970 (decimals
 * past the third are cut). Returns undefined for anything else, dates without a time or an offset and days that no
 * month has included.
 */
export function parseTimestamp(text: string): number | undefined {
  const [, date] = RFC_3339.exec(text) ?? [];
  if (date === undefined || !isDate(date)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `Date.parse` takes the 30th of February for the 2nd of March: a real day comes back as it was written. */
function isDate(text: string): boolean {
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && formatTimestamp(ms).startsWith(text);
}
