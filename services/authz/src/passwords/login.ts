import type { Logger } from '@tidewire/service-kit';
import { invalidCredential } from '../authenticator.ts';
import type { AuthzMetrics } from '../metrics.ts';
import type { RightsWriter } from '../rights-writer.ts';
import type { SessionStore } from '../sessions/session-store.ts';
import { findPassword } from './password-repository-postgres.ts';
import type { PasswordVerifier } from './password-verifier.ts';

export interface LoginOptions {
  readonly writer: RightsWriter;
  readonly verifier: PasswordVerifier;
  readonly sessions: SessionStore;
  readonly metrics: AuthzMetrics;
  readonly logger: Logger;
}

/** Who wants in, by which password, from where, and within which request. */
export interface LoginAttempt {
  readonly username: string;
  readonly password: string;
  readonly address: string;
  readonly correlationId: string;
  readonly traceparent: string;
}

/**
 * Opens a session and returns its secret.
 *
 * @throws TidewireError UNAUTHORIZED, alike for an unknown name and a wrong password; RATE_LIMITED and
 * SERVICE_UNAVAILABLE as {@link PasswordVerifier.verify}.
 */
export type Login = (attempt: LoginAttempt) => Promise<string>;

export function createLogin({ writer, verifier, sessions, metrics, logger }: LoginOptions): Login {
  return async ({ username, password, address, correlationId, traceparent }) => {
    const verified = await verifier.verify(username, password, address);
    if ('refused' in verified) {
      const { refused: reason } = verified;
      metrics.refusals.inc({ type: 'login', reason });
      // No name that is not known: people type passwords into the wrong field.
      const principal = reason === 'wrong-password' ? username : undefined;
      logger.info('login refused', { reason, principal, address, correlationId });
      throw invalidCredential();
    }
    const author = { principal: username, correlationId, traceparent };
    return await writer.write(author, async (client) => {
      // The principal is locked: a password that was exchanged since it was compared opens no session.
      const current = await findPassword(client, username);
      if (current?.credential !== verified.credential) throw invalidCredential();
      return sessions.open(client, username, address);
    });
  };
}
