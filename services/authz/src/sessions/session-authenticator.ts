import { formatTimestamp } from '@tidewire/contract';
import type { Clock, Logger, Pool } from '@tidewire/service-kit';
import type { Lookup } from '../authenticator.ts';
import { findCredential, refusalOf } from '../credential-repository-postgres.ts';
import type { FoundCredential } from '../credential-repository-postgres.ts';
import { hashSecret } from '../token-secret.ts';
import { findRetired } from './session-repository-postgres.ts';
import type { SessionStore } from './session-store.ts';

export interface SessionAuthenticatorOptions {
  readonly pool: Pool;
  readonly sessions: SessionStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
}

/**
 * Looks a session up by its secret, and lets it live on because it is used. The secret of before a rotation counts for
 * its grace; when one comes later, two parties have held it, nobody knows which of them is right, and the session ends.
 */
export function createSessionLookup(
  options: SessionAuthenticatorOptions,
): (secret: string) => Promise<Lookup> {
  const { pool, sessions, clock, logger } = options;
  const findByRetired = async (hash: Buffer): Promise<Lookup> => {
    const retired = await findRetired(pool, hash);
    const found = retired && (await findCredential(pool, { id: retired.session }));
    if (retired === undefined || found === undefined) return { refused: 'unknown' };
    const nowMs = clock.now();
    const refused = refusalOf(found, nowMs);
    if (refused !== undefined) return { refused };
    if (retired.usableUntilMs > nowMs) {
      return { found: { ...found, secretEndsAt: formatTimestamp(retired.usableUntilMs) } };
    }
    await sessions.end(retired.session, found.principal);
    logger.warn('session ended: a rotated secret came again', {
      id: retired.session,
      principal: retired.principal,
    });
    return { refused: 'replayed' };
  };
  return async (secret) => {
    const hash = hashSecret(secret);
    const found = await findCredential(pool, { type: 'session', hash });
    if (found === undefined) return await findByRetired(hash);
    const nowMs = clock.now();
    const refused = refusalOf(found, nowMs);
    if (refused !== undefined) return { refused };
    if (!isDue(found, nowMs, sessions.useStepMs)) return { found };
    if (!(await sessions.use(found.credential.id, found.principal))) return { found };
    // As it is now: it expires later.
    return { found: (await findCredential(pool, { id: found.credential.id })) ?? found };
  };
}

/** Whether the last use that is written down is long enough ago for another one. */
export function isDue({ usedAtMs }: FoundCredential, nowMs: number, stepMs: number): boolean {
  return usedAtMs === null || usedAtMs <= nowMs - stepMs;
}
