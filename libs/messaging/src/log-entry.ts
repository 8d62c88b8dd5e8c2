import { CATALOGUE_KINDS, LOG_HEADERS, OBJECT_ACTIONS, RIGHTS_KINDS } from '@tidewire/contract';
import type { LogMessage, LogPosition } from '@tidewire/contract';
import type { Msg } from '@nats-io/transport-node';

/** Why an entry has no message. `unknown-kind`: made by a newer version. `malformed`: not what the relay writes. */
export type EntryProblem = 'unknown-kind' | 'malformed';

/** One message of the log at its place. */
export interface LogEntry extends LogPosition {
  readonly subject: string;
  /**
   * The payload. Undefined when this version cannot read it: see `problem`. The entry counts as applied all the same;
   * whoever judges rights must treat a `malformed` rights entry as a reason to load them anew.
   */
  readonly message: LogMessage | undefined;
  readonly problem: EntryProblem | undefined;
  /** Size of the payload. */
  readonly bytes: number;
}

const ACTIONS = new Set<unknown>(OBJECT_ACTIONS);
const STATE_KINDS = new Set<unknown>([...RIGHTS_KINDS, ...CATALOGUE_KINDS]);

/** Reads a delivered message. `streamEpoch` stands in where the message does not carry its epoch. */
export function decodeLogEntry(raw: Msg, sequence: number, streamEpoch: string): LogEntry {
  const epoch = raw.headers?.get(LOG_HEADERS.epoch) ?? '';
  const { message, problem } = decodePayload(raw.data);
  return {
    epoch: epoch === '' ? streamEpoch : epoch,
    sequence,
    subject: raw.subject,
    message,
    problem,
    bytes: raw.data.length,
  };
}

type Decoded = Pick<LogEntry, 'message' | 'problem'>;

const MALFORMED: Decoded = { message: undefined, problem: 'malformed' };
const UNKNOWN: Decoded = { message: undefined, problem: 'unknown-kind' };
const decoder = new TextDecoder();

/**
 * Checks what readers rely on to index a message, not every field: the relay is the only one that may publish, the
 * triggers that make the payload have their own tests, and a full check of each image would cost more than the rest
 * of the fan-out.
 */
function decodePayload(data: Uint8Array): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(data));
  } catch {
    return MALFORMED;
  }
  if (!isRecord(value)) return MALFORMED;
  if (value['kind'] === 'object') return isObjectMessage(value) ? understood(value) : MALFORMED;
  if (value['kind'] === 'rights') return rights(value);
  return typeof value['kind'] === 'string' ? UNKNOWN : MALFORMED;
}

function rights(value: Record<string, unknown>): Decoded {
  const { state } = value;
  if (!isRecord(state) || typeof state['kind'] !== 'string') return MALFORMED;
  if (!STATE_KINDS.has(state['kind'])) return UNKNOWN;
  if (typeof state['id'] !== 'string' || !Number.isSafeInteger(state['version'])) return MALFORMED;
  return understood(value);
}

function isObjectMessage(value: Record<string, unknown>): boolean {
  return (
    ACTIONS.has(value['action']) &&
    typeof value['uuid'] === 'string' &&
    isReference(value['register']) &&
    isReference(value['schema']) &&
    (value['organisation'] === null || typeof value['organisation'] === 'string') &&
    Number.isSafeInteger(value['version']) &&
    isImage(value['before']) &&
    isImage(value['after'])
  );
}

function isReference(value: unknown): boolean {
  return isRecord(value) && typeof value['id'] === 'string' && typeof value['slug'] === 'string';
}

function isImage(value: unknown): boolean {
  return value === null || isRecord(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function understood(value: Record<string, unknown>): Decoded {
  return { message: value as unknown as LogMessage, problem: undefined };
}
