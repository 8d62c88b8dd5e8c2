import { TidewireError } from '@tidewire/contract';
import type { AuthenticateRequest } from '@tidewire/contract';
import type { Clock, Pool } from '@tidewire/service-kit';
import { findIdentity } from './credential-repository-postgres.ts';
import type { Identity } from './credential-repository-postgres.ts';
import type { AuthzMetrics } from './metrics.ts';
import type { AccessTokenAuthenticator } from './oidc/access-token-authenticator.ts';
import { isJwtShaped } from './oidc/access-token.ts';
import { hashSecret } from './token-secret.ts';

/** Says who holds a secret, from the primary database. */
export type Authenticator = (presented: AuthenticateRequest) => Promise<Identity>;

/**
 * Creates an {@link Authenticator}. Unknown, expired, revoked and removed are refused with one text: whoever tries a
 * secret learns nothing but that it does not work.
 */
export function createAuthenticator(
  pool: Pool,
  clock: Clock,
  metrics: AuthzMetrics,
  findAccessToken: AccessTokenAuthenticator,
): Authenticator {
  const find = async ({ type, secret }: AuthenticateRequest): Promise<Identity | undefined> => {
    if (type === 'basic') return undefined;
    if (type === 'token' && isJwtShaped(secret)) return findAccessToken(secret);
    return findIdentity(pool, type, hashSecret(secret), clock.now());
  };
  return async (presented) => {
    const identity = await find(presented);
    metrics.authentications.inc({ outcome: identity === undefined ? 'refused' : 'accepted' });
    if (identity === undefined) throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
    return identity;
  };
}
