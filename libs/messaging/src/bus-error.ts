import { TidewireError } from '@tidewire/contract';

/**
 * The bus, or whoever should have answered on it, could not be reached: not connected, connection lost while waiting,
 * nobody listening, or no answer in time. Whether the request was carried out is unknown.
 */
export class BusUnavailableError extends TidewireError {
  /** Whether nobody listens there: whoever should have answered is not connected, and nothing was carried out. */
  readonly nobody: boolean;

  constructor(message: string, cause?: unknown, nobody = false) {
    super('SERVICE_UNAVAILABLE', message, {
      retryAfterSeconds: 1,
      ...(cause === undefined ? {} : { cause }),
    });
    this.name = 'BusUnavailableError';
    this.nobody = nobody;
  }
}

/** An answer that does not have the shape it must have. */
export class MalformedReplyError extends TidewireError {
  constructor(subject: string, detail: string) {
    super('INTERNAL_ERROR', `malformed answer on ${subject}: ${detail}`);
    this.name = 'MalformedReplyError';
  }
}

/** JetStream refused a request. Nothing was done. `code` is the server's `err_code`. */
export class StreamRefusedError extends Error {
  readonly code: number;

  constructor(code: number, description: string) {
    super(description);
    this.name = 'StreamRefusedError';
    this.code = code;
  }
}

/** The `err_code`s of JetStream that somebody here acts on. */
export const STREAM_ERROR = Object.freeze({
  streamNotFound: 10059,
  messageNotFound: 10037,
  consumerNotFound: 10014,
  wrongLastSequence: 10071,
  nameInUse: 10058,
});
