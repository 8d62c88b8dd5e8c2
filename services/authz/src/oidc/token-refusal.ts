/** Why an access token is not accepted: for the log and a metric, never for whoever sent it. */
export const REFUSAL_REASONS = [
  'malformed',
  'algorithm',
  'type',
  'critical',
  'issuer-unknown',
  'issuer-malformed',
  'key-unknown',
  'key-unusable',
  'signature',
  'audience',
  'claims',
  'expired',
  'not-yet-valid',
  'too-old',
  'too-long',
  'ended',
  'unlinked',
  'principal-taken',
  'principal-removed',
  'administrator',
  'memberships',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** An access token that is not accepted. */
export class TokenRefusal extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, options?: ErrorOptions) {
    super(`access token refused: ${reason}`, options);
    this.name = 'TokenRefusal';
    this.reason = reason;
  }
}
