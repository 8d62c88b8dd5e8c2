const FIRST_PING_MS = 500;
const PING_MS = 30_000;
/** Even if messages go out all the time: whether they arrive, only a pong tells. */
const LONGEST_WITHOUT_PING_MS = 120_000;
const PING_BYTES = 4;

/** Finds out whether anybody is at the other end of one socket. Times are monotonic milliseconds. */
export class KeepAlive {
  readonly #random: () => number;
  /** What a pong has to say; undefined: none is owed. */
  #asked: Buffer | undefined;
  #pingAt: number;
  #pingBy: number;

  /** `random`: 0 to 1, for what pings say. */
  constructor(random: () => number, now: number) {
    this.#random = random;
    this.#pingAt = now + FIRST_PING_MS;
    this.#pingBy = this.#pingAt;
  }

  /** Takes note that something was sent. */
  sent(now: number): void {
    this.#pingAt = Math.min(now + PING_MS, this.#pingBy);
  }

  /** What to ping with now, if it is time; `gone` when nobody answered the last one. */
  look(now: number): Buffer | 'gone' | undefined {
    if (now < this.#pingAt) return undefined;
    if (this.#asked !== undefined) return 'gone';
    this.#pingBy = now + LONGEST_WITHOUT_PING_MS;
    this.sent(now);
    // No byte is 0: clients are known that take the payload for a number, and 0 for none.
    const bytes = Array.from({ length: PING_BYTES }, () => 1 + Math.floor(this.#random() * 255));
    this.#asked = Buffer.from(bytes);
    return this.#asked;
  }

  /** Takes note of a pong; false for one that says something else. Nothing is wrong with one that nobody asked for (RFC 6455 5.5.3). */
  answered(payload: Buffer): boolean {
    if (this.#asked === undefined) return true;
    if (!this.#asked.equals(payload)) return false;
    this.#asked = undefined;
    return true;
  }
}
