import { ERROR_CODES } from './error-code.ts';
import type { ErrorCode } from './error-code.ts';
import type { FieldError, Problem } from './problem.ts';

interface TidewireErrorOptions {
  /** Which members of the input are wrong, and why. */
  readonly errors?: readonly FieldError[];
  /** Sent as `Retry-After` where the code's advice is `later`. Whole seconds. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/**
 * The one error that reaches a client. `message` is written for that client: it names what is wrong and what would
 * be right, and never what the client may not know. Anything else that is thrown becomes `INTERNAL_ERROR`.
 */
export class TidewireError extends Error {
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: TidewireErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TidewireError';
    this.code = code;
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** HTTP status of the code. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }
}

/** The problem+json body of an error. Whatever is not a {@link TidewireError} says nothing about itself. */
export function formatProblem(error: unknown): Problem {
  const known =
    error instanceof TidewireError
      ? error
      : new TidewireError('INTERNAL_ERROR', ERROR_CODES.INTERNAL_ERROR.title);
  return {
    type: 'about:blank',
    title: ERROR_CODES[known.code].title,
    status: known.status,
    detail: known.message,
    success: false,
    code: known.code,
    message: known.message,
    ...(known.errors.length > 0 ? { errors: [...known.errors] } : {}),
  };
}
