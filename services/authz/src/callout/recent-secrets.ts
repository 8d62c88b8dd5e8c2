import { createHmac, randomBytes } from 'node:crypto';

/** Secrets that counted when they were shown last; more are forgotten, those of the longest ago first. */
const MOST_REMEMBERED = 10_000;

/**
 * Which secrets counted a while ago: behind one address may be many clients, and the mistakes of one shut out none of
 * those that were right. Only hashes are kept, with a key that never leaves this process.
 */
export class RecentSecrets {
  readonly #key = randomBytes(32);
  readonly #hashes = new Set<string>();

  has(secret: string): boolean {
    return this.#hashes.has(this.#hash(secret));
  }

  add(secret: string): void {
    const hash = this.#hash(secret);
    this.#hashes.delete(hash);
    this.#hashes.add(hash);
    if (this.#hashes.size <= MOST_REMEMBERED) return;
    for (const oldest of this.#hashes) {
      this.#hashes.delete(oldest);
      return;
    }
  }

  delete(secret: string): void {
    this.#hashes.delete(this.#hash(secret));
  }

  #hash(secret: string): string {
    return createHmac('sha256', this.#key).update(secret).digest('base64');
  }
}
