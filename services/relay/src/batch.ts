import { encodePayload } from '@tidewire/messaging';
import type { OutgoingEvent } from '@tidewire/messaging';
import type { OutboxRow } from './outbox-repository.ts';

/** Bounds of one publication: JetStream takes 1000 messages in an atomic batch; a batch is held in memory whole. */
export const BATCH_LIMITS = Object.freeze({ rows: 500, bytes: 4 * 1024 * 1024 });

/** Room for headers and subject within the server's `max_payload`. */
const ENVELOPE_BYTES = 2048;

export interface EncodedEvent extends OutgoingEvent {
  /** Its images, or its state, did not fit and were left out. */
  readonly unencodable: boolean;
}

/**
 * The log message of a row. One that the log would not take is published without images, which tells every reader to
 * fetch again; the relay never stops for a row.
 *
 * @param maxPayload the largest message that the server takes, in bytes.
 */
export function encodeRow(row: OutboxRow, maxPayload: number): EncodedEvent {
  const { subject, uuid: outboxId, message, images } = row;
  const whole = encodePayload(images === null ? message : `${message.slice(0, -1)}, ${images}}`);
  const limit = maxPayload - ENVELOPE_BYTES;
  if (whole.length <= limit) return { subject, outboxId, payload: whole, unencodable: false };
  return { subject, outboxId, payload: encodePayload(withoutContent(message)), unencodable: true };
}

/** Small in any case: everything but known short members is dropped. A right without its state is read as malformed. */
function withoutContent(message: string): string {
  const { kind, time, actor, correlationId, traceparent, ...rest } = parseObject(message);
  const provenance = { kind, time, actor, correlationId, traceparent };
  if (kind !== 'object') return JSON.stringify({ ...provenance, unencodable: true });
  const { action, uuid, register, schema, organisation, version } = rest;
  const identity = { action, uuid, register, schema, organisation, version };
  return JSON.stringify({ ...provenance, ...identity, before: null, after: null, unencodable: true });
}

/** Triggers write objects; anything else must not stop the relay either. */
function parseObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
