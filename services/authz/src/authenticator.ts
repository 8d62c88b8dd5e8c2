import { TidewireError } from '@tidewire/contract';
import type { AuthenticateRequest } from '@tidewire/contract';
import type { Clock, Logger, Pool } from '@tidewire/service-kit';
import { findCredential, recordUse, refusalOf } from './credential-repository-postgres.ts';
import type { Identity } from './credential-repository-postgres.ts';
import type { AuthzMetrics } from './metrics.ts';
import type { AccessTokenAuthenticator } from './oidc/access-token-authenticator.ts';
import { isJwtShaped } from './oidc/access-token.ts';
import { isDue } from './sessions/session-authenticator.ts';
import { hashSecret } from './token-secret.ts';

/** Says who holds a secret, from the primary database. */
export type Authenticator = (presented: AuthenticateRequest) => Promise<Identity>;

/** Why a credential is refused, for the log and the metrics: whoever shows it is not told. */
export type RefusalReason =
  'unknown' | 'expired' | 'ended' | 'removed' | 'replayed' | 'wrong-password' | 'access-token';

/** What became of looking a credential up; `principal`: whose it is, where that is known. */
export type Lookup =
  { readonly found: Identity } | { readonly refused: RefusalReason; readonly principal?: string };

/** A credential that does not count. Its text says nothing more; the rest is for the log and the audit log. */
export class CredentialRefusedError extends TidewireError {
  readonly reason: RefusalReason;
  readonly principal: string | undefined;

  constructor(reason: RefusalReason, principal?: string) {
    super('UNAUTHORIZED', INVALID_CREDENTIAL);
    this.name = 'CredentialRefusedError';
    this.reason = reason;
    this.principal = principal;
  }
}

const INVALID_CREDENTIAL = 'The credential is not valid.';

export interface AuthenticatorOptions {
  readonly pool: Pool;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  readonly metrics: AuthzMetrics;
  readonly findAccessToken: AccessTokenAuthenticator;
  readonly findSession: (secret: string) => Promise<Lookup>;
  /** `user:password`, and whence it came. */
  readonly findBasic: (pair: string, address: string | undefined) => Promise<Lookup>;
}

/** `lastUsedAt` of tokens is as exact as this. */
const USE_STEP_MS = 60_000;

/**
 * Creates an {@link Authenticator}. Unknown, expired, revoked and removed are refused with one text: whoever tries a
 * secret learns nothing but that it does not work. The true reason is logged, without the secret.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { logger, metrics } = options;
  return async (presented) => {
    const lookup = await lookUp(options, presented);
    metrics.authentications.inc({ outcome: 'found' in lookup ? 'accepted' : 'refused' });
    if ('found' in lookup) {
      const { principal, credential, position, secretEndsAt } = lookup.found;
      return { principal, credential, position, ...(secretEndsAt !== undefined && { secretEndsAt }) };
    }
    const { refused: reason } = lookup;
    metrics.refusals.inc({ type: presented.type, reason });
    logger.info('credential refused', { kind: presented.type, reason, address: presented.address });
    throw new CredentialRefusedError(reason, lookup.principal);
  };
}

/** The one text for credentials and passwords that do not count, whatever the reason. */
export function invalidCredential(): TidewireError {
  return new TidewireError('UNAUTHORIZED', INVALID_CREDENTIAL);
}

async function lookUp(options: AuthenticatorOptions, presented: AuthenticateRequest): Promise<Lookup> {
  const { type, secret, address } = presented;
  if (type === 'basic') return await options.findBasic(secret, address);
  if (type === 'session') return await options.findSession(secret);
  if (!isJwtShaped(secret)) return await findToken(options, secret);
  const found = await options.findAccessToken(secret);
  return found === undefined ? { refused: 'access-token' } : { found };
}

async function findToken(
  { pool, clock }: Pick<AuthenticatorOptions, 'pool' | 'clock'>,
  secret: string,
): Promise<Lookup> {
  const found = await findCredential(pool, { type: 'token', hash: hashSecret(secret) });
  if (found === undefined) return { refused: 'unknown' };
  const nowMs = clock.now();
  const refused = refusalOf(found, nowMs);
  if (refused !== undefined) return { refused, principal: found.principal.id };
  if (isDue(found, nowMs, USE_STEP_MS)) await recordUse(pool, found.credential.id, nowMs, USE_STEP_MS);
  return { found };
}
