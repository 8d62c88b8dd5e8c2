import { z } from 'zod';

/**
 * A place in the log. `epoch` is the identity of the log that `sequence` counts in: 8 characters `0-9a-z` that sort
 * by creation; a restored or re-created log gets a new, higher one. `sequence` is JetStream's, from 1; 0 means
 * "before the first event".
 */
export interface LogPosition {
  readonly epoch: string;
  readonly sequence: number;
}

const EPOCH_LENGTH = 8;
const SEQUENCE_DIGITS = 12;
const EVENT_ID = /^evt-([0-9a-z]{8})-([0-9]{12})$/;

/** The wire form of a position: `evt-{epoch}-{sequence, 12 digits}`. The cursor of every transport. */
export const eventIdSchema = z.string().regex(EVENT_ID, 'must be evt-{epoch}-{sequence}');

export const logPositionSchema = z.object({
  epoch: z.string().regex(/^[0-9a-z]{8}$/),
  sequence: z.int().min(0),
});

/** Formats a position. Ids of one log sort as text in the order of their events. */
export function formatEventId(position: LogPosition): string {
  return `evt-${position.epoch}-${String(position.sequence).padStart(SEQUENCE_DIGITS, '0')}`;
}

/** Parses an event id, or returns undefined when the text is not one. Never throws. */
export function parseEventId(text: string): LogPosition | undefined {
  const match = EVENT_ID.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { epoch: match[1], sequence: Number(match[2]) };
}

/** A new epoch for a log created at this time (milliseconds since 1970): base 36, so that epochs sort by creation. */
export function createEpoch(nowMs: number): string {
  return Math.floor(nowMs).toString(36).padStart(EPOCH_LENGTH, '0').slice(-EPOCH_LENGTH);
}
