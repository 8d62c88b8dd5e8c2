/** Why a request to an address that a user gave came to nothing. */
export type TargetFailure =
  'refused-address' | 'unresolvable' | 'unreachable' | 'timed-out' | 'malformed-answer' | 'too-large';

/** No answer of a target. The message names neither the address nor a header: whoever logs it gives nothing away. */
export class TargetError extends Error {
  readonly reason: TargetFailure;

  constructor(reason: TargetFailure, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = 'TargetError';
    this.reason = reason;
  }
}
