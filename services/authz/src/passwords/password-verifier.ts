import { createHmac, randomBytes } from 'node:crypto';
import { isSlug } from '@tidewire/contract';
import type { Clock, Pool } from '@tidewire/service-kit';
import type { Lookup } from '../authenticator.ts';
import { findCredential, refusalOf } from '../credential-repository-postgres.ts';
import type { AttemptLimit } from './attempt-limit-postgres.ts';
import type { PasswordHasher } from './password-hasher.ts';
import { findPassword } from './password-repository-postgres.ts';

export interface PasswordVerifierOptions {
  readonly pool: Pool;
  readonly clock: Pick<Clock, 'now'>;
  readonly hasher: PasswordHasher;
  readonly limit: AttemptLimit;
}

/** What became of a password: the credential that it is, or why not (for the log only). */
export type Verification =
  { readonly credential: string } | { readonly refused: 'unknown' | 'wrong-password' };

/** Pairs of Basic that were right, which come with every request. */
const MOST_REMEMBERED = 10_000;

/**
 * Compares passwords with what is stored. A name that nobody has, one without a password and one that was removed take
 * the same queries and the same work as a mistake.
 */
export class PasswordVerifier {
  readonly #options: PasswordVerifierOptions;
  /** Credential by a hash of the pair. The key of that hash never leaves this process: the hashes are of no use. */
  readonly #remembered = new Map<string, string>();
  readonly #key = randomBytes(32);

  constructor(options: PasswordVerifierOptions) {
    this.#options = options;
  }

  /** @throws TidewireError RATE_LIMITED after too many failures; SERVICE_UNAVAILABLE when too many are compared. */
  async verify(user: string, password: string, address: string): Promise<Verification> {
    const { pool, hasher, limit } = this.#options;
    const refund = await limit.charge(user, address);
    let isRight = false;
    let isJudged = false;
    try {
      // Text that can be no id is not looked up, and fails by the same work.
      const stored = isSlug(user) ? await findPassword(pool, user) : undefined;
      isRight = await hasher.matches(stored?.phc, password);
      isJudged = true;
      if (stored === undefined) return { refused: 'unknown' };
      return isRight ? { credential: stored.credential } : { refused: 'wrong-password' };
    } finally {
      if (isRight || !isJudged) await refund();
    }
  }

  /** Who acts by `user:password`. What was right once is compared by its hash, for as long as the password is in force. */
  async findBasic(pair: string, address: string | undefined): Promise<Lookup> {
    const { pool, clock } = this.#options;
    const key = createHmac('sha256', this.#key).update(pair).digest('base64');
    let credential = this.#remembered.get(key);
    if (credential === undefined) {
      const colon = pair.indexOf(':');
      const user = pair.slice(0, Math.max(0, colon));
      const verified = await this.verify(user, pair.slice(colon + 1), address ?? 'unknown');
      if ('refused' in verified) return verified;
      ({ credential } = verified);
    }
    const found = await findCredential(pool, { id: credential });
    const refused = found === undefined ? 'unknown' : refusalOf(found, clock.now());
    if (found === undefined || refused !== undefined) {
      this.#remembered.delete(key);
      return { refused: refused ?? 'unknown' };
    }
    this.#remember(key, credential);
    return { found };
  }

  #remember(key: string, credential: string): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, credential);
    if (this.#remembered.size <= MOST_REMEMBERED) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      return;
    }
  }
}
