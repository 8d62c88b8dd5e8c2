/** One value that was refused. `field` is a name or a JSON pointer. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

interface ClientErrorDetails {
  /** HTTP status, where an answer came. */
  readonly status?: number | undefined;
  readonly errors?: readonly FieldError[] | undefined;
  /** How long to wait before the same is worth trying again. Milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** Whether trying again later can help. */
  readonly transient?: boolean | undefined;
  readonly cause?: unknown;
}

/**
 * What went wrong, by a `code` to act on: one of the server's (PROTOCOL.md section 9), or one of the client's own:
 * `NETWORK` (no answer came), `UNUSABLE_ANSWER` (an answer that is not of this protocol), `TOKEN` (`getToken` failed),
 * `CLOSED` (the client was closed), `OUTCOME_UNKNOWN` (a write was sent and nobody knows whether it happened).
 */
export class ClientError extends Error {
  override readonly name: string = 'ClientError';
  readonly code: string;
  readonly status: number | undefined;
  readonly errors: readonly FieldError[];
  readonly retryAfterMs: number | undefined;
  readonly transient: boolean;

  constructor(code: string, message: string, details: ClientErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.errors = details.errors ?? [];
    this.retryAfterMs = details.retryAfterMs;
    this.transient = details.transient ?? false;
  }
}
