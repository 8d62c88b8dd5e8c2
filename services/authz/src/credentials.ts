import type { Clock, Logger, Pool } from '@tidewire/service-kit';
import type { Lookup } from './authenticator.ts';
import type { AuthzConfig } from './config.ts';
import type { AuthzMetrics } from './metrics.ts';
import { createAttemptLimit } from './passwords/attempt-limit-postgres.ts';
import type { AttemptLimit } from './passwords/attempt-limit-postgres.ts';
import { createLogin } from './passwords/login.ts';
import type { Login } from './passwords/login.ts';
import { PasswordHasher } from './passwords/password-hasher.ts';
import { PasswordVerifier } from './passwords/password-verifier.ts';
import type { RightsWriter } from './rights-writer.ts';
import { createSessionLookup } from './sessions/session-authenticator.ts';
import { SessionStore } from './sessions/session-store.ts';

/** What logs people in and keeps them so. */
export interface Credentials {
  readonly hasher: PasswordHasher;
  readonly limit: AttemptLimit;
  readonly verifier: PasswordVerifier;
  readonly sessions: SessionStore;
  readonly findSession: (secret: string) => Promise<Lookup>;
  readonly login: Login;
}

export interface CredentialsOptions {
  readonly config: AuthzConfig;
  readonly pool: Pool;
  readonly writer: RightsWriter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: AuthzMetrics;
}

/** Puts passwords and sessions together. */
export function createCredentials(options: CredentialsOptions): Credentials {
  const { config, pool, writer, clock, logger, metrics } = options;
  const hasher = new PasswordHasher();
  const limit = createAttemptLimit(pool, clock, {
    perUser: config.TIDEWIRE_FAILED_LOGINS_PER_USER,
    perAddress: config.TIDEWIRE_FAILED_LOGINS_PER_ADDRESS,
  });
  const verifier = new PasswordVerifier({ pool, clock, hasher, limit });
  const times = { idleMs: config.TIDEWIRE_SESSION_IDLE_MS, maxAgeMs: config.TIDEWIRE_SESSION_MAX_AGE_MS };
  const sessions = new SessionStore({ writer, clock, times });
  const findSession = createSessionLookup({ pool, sessions, clock, logger });
  const login = createLogin({ writer, verifier, sessions, metrics, logger });
  return { hasher, limit, verifier, sessions, findSession, login };
}
