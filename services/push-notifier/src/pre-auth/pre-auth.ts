import { randomInt } from 'node:crypto';
import { PUSH_LIMITS, formatTimestamp } from '@tidewire/contract';
import type { PreAuthorisation } from '@tidewire/contract';
import type { PreAuthStore } from '@tidewire/messaging';
import type { Clock } from '@tidewire/service-kit';

export interface PreAuthOptions {
  readonly store: PreAuthStore;
  readonly clock: Pick<Clock, 'now' | 'setTimeout'>;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const TOKEN_LENGTH = 32;
/** A client that gets no token does not ask again until it was offline: one is given if NATS comes back within this. */
const ATTEMPTS = 20;
const PAUSE_MS = 250;

/** Tokens that a page gets with its session and sends over its socket, where sessions do not reach: once, and soon. */
export class PreAuth {
  readonly #options: PreAuthOptions;

  constructor(options: PreAuthOptions) {
    this.#options = options;
  }

  /**
   * A new token, which stands for whoever asks.
   *
   * @throws TidewireError SERVICE_UNAVAILABLE when NATS is away for longer than a few seconds.
   */
  async issue({ principal, credential }: PreAuthorisation): Promise<string> {
    const token = Array.from({ length: TOKEN_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('');
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#keep(token, { principal, credential });
        return token;
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
      }
      await this.#pause();
    }
  }

  /**
   * Whom a token stands for; undefined when it stands for nobody, or does not any more. It is used up by this.
   *
   * @throws TidewireError SERVICE_UNAVAILABLE when NATS is away; then it may be used up all the same.
   */
  async redeem(token: string): Promise<PreAuthorisation | undefined> {
    const { store, clock } = this.#options;
    const found = await store.take(token);
    if (found === undefined) return undefined;
    const { principal, credential, issuedAt } = found;
    // The bucket drops a token when it gets round to it.
    const isAlive = clock.now() - Date.parse(issuedAt) <= PUSH_LIMITS.authenticationMs;
    return isAlive ? { principal, credential } : undefined;
  }

  async #keep(token: string, whom: PreAuthorisation): Promise<void> {
    const { store, clock } = this.#options;
    const put = (): Promise<void> => store.put(token, { ...whom, issuedAt: formatTimestamp(clock.now()) });
    try {
      await put();
    } catch {
      // Perhaps NATS has lost the bucket.
      await store.ensure();
      await put();
    }
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options.clock.setTimeout(resolve, PAUSE_MS);
    await promise;
  }
}
