import { createHash } from 'node:crypto';
import type { RightsView } from '@tidewire/policy';
import type { Clock, GivenCredential, Timer } from '@tidewire/service-kit';
import { identify } from './access.ts';
import type { Admission } from './admission.ts';

export interface AdmissionCacheOptions {
  readonly admit: (given: GivenCredential) => Promise<Admission>;
  readonly view: () => RightsView;
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'setInterval'>;
}

/** A credential that was admitted, and whose reader is followed in the log for as long as this is kept. */
interface Known {
  readonly view: RightsView;
  readonly admission: Admission;
  users: number;
  /** Not remembered any more: the last user gives it back. */
  forgotten: boolean;
  /** Monotonic milliseconds at which the last user left. */
  leftAt: number;
}

/** How long a credential that nobody uses is remembered: longer than a client takes from one poll to the next. */
const IDLE_MS = 10_000;
/** Credentials that are remembered; others are asked about each time. */
const MOST_KNOWN = 10_000;

/**
 * Admits those who come again and again without asking authz each time. While a credential is remembered its reader is
 * held in the view, which the log keeps up to date: a revocation ends it here as it ends the streams that are open.
 */
export class AdmissionCache {
  readonly #options: AdmissionCacheOptions;
  /** By hash, so that no secret is kept. */
  readonly #known = new Map<string, Known>();
  readonly #sweep: Timer;

  constructor(options: AdmissionCacheOptions) {
    this.#options = options;
    this.#sweep = options.clock.setInterval(() => this.#forgetIdle(), IDLE_MS / 2);
  }

  /** Credentials that are remembered now. */
  get size(): number {
    return this.#known.size;
  }

  /** @throws TidewireError as asking authz does. */
  async admit(given: GivenCredential): Promise<Admission> {
    const key = createHash('sha256')
      .update(JSON.stringify([given.type, given.secret]))
      .digest('base64');
    const known = this.#find(key) ?? (await this.#ask(key, given));
    if ('reader' in known) return known;
    return this.#share(known);
  }

  /** Gives all of them back. */
  stop(): void {
    this.#sweep.cancel();
    for (const key of this.#known.keys()) this.#forget(key);
  }

  #find(key: string): Known | undefined {
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    if (known.view === this.#options.view() && this.#isAlive(known)) return known;
    this.#forget(key);
    return undefined;
  }

  async #ask(key: string, given: GivenCredential): Promise<Known | Admission> {
    const { admit, view, clock } = this.#options;
    const admission = await admit(given);
    // Several may have asked at once; the first one is remembered.
    if (this.#known.has(key) || this.#known.size >= MOST_KNOWN) return admission;
    const known: Known = { view: view(), admission, users: 0, forgotten: false, leftAt: clock.monotonic() };
    this.#known.set(key, known);
    return known;
  }

  #isAlive({ view, admission }: Known): boolean {
    if (identify(view, admission.reader) === undefined) return false;
    const expiresAt = this.#expiryOf(view, admission);
    return expiresAt === null || expiresAt > this.#options.clock.now();
  }

  #share(known: Known): Admission {
    const { view, admission } = known;
    known.users += 1;
    let held = true;
    return {
      reader: admission.reader,
      expiresAt: this.#expiryOf(view, admission),
      release: () => {
        if (!held) return;
        held = false;
        known.users -= 1;
        known.leftAt = this.#options.clock.monotonic();
        if (known.users === 0 && known.forgotten) admission.release();
      },
    };
  }

  /** As of now: a credential may have been given another expiry since it was admitted. */
  #expiryOf(view: RightsView, { reader }: Admission): number | null {
    const credential = reader.credentialId === null ? undefined : view.credential(reader.credentialId);
    const expiresAt = credential?.expiresAt ?? null;
    return expiresAt === null ? null : Date.parse(expiresAt);
  }

  #forget(key: string): void {
    const known = this.#known.get(key);
    if (known === undefined) return;
    this.#known.delete(key);
    known.forgotten = true;
    if (known.users === 0) known.admission.release();
  }

  #forgetIdle(): void {
    const before = this.#options.clock.monotonic() - IDLE_MS;
    for (const [key, { users, leftAt }] of this.#known) {
      if (users === 0 && leftAt <= before) this.#forget(key);
    }
  }
}
