import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { TidewireError } from '@tidewire/contract';

/** Above what OWASP asks of Argon2id at least: 19 MiB of memory, two passes, one lane. */
const ARGON2ID = Object.freeze({ memoryCost: 19_456, timeCost: 2, parallelism: 1 });
/** Each takes a processor for tens of milliseconds, and its memory. */
const AT_ONCE = 2;
/** About a second of work. Who comes later is asked to come again rather than kept waiting. */
const MOST_WAITING = 32;

/**
 * Hashes passwords and compares them, two at a time. Both throw TidewireError SERVICE_UNAVAILABLE when too many wait:
 * a flood of logins must not take the memory and processors of everybody else.
 */
export class PasswordHasher {
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** Of no password: what is compared with when there is none, so that its absence takes as long as a mistake. */
  #decoy: Promise<string> | undefined;

  /** A PHC string: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. */
  async hash(password: string): Promise<string> {
    return await this.#inTurn(() => hash(normalise(password), ARGON2ID));
  }

  /** Whether this is the password. Without a stored one it is not, after the same work. */
  async matches(stored: string | undefined, password: string): Promise<boolean> {
    // Awaited either way: the first who comes must not be told apart by it.
    const decoy = await (this.#decoy ??= hash(randomBytes(32), ARGON2ID));
    const same = await this.#inTurn(() => verify(stored ?? decoy, normalise(password)));
    return same && stored !== undefined;
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= AT_ONCE) {
      if (this.#waiting.length >= MOST_WAITING) {
        throw new TidewireError('SERVICE_UNAVAILABLE', 'Too many logins at once; try again.', {
          retryAfterSeconds: 1,
        });
      }
      // Whoever finishes hands its place over.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

/** The same text, however a keyboard composes its accents. */
function normalise(password: string): string {
  return password.normalize('NFKC');
}
