import { createHash } from 'node:crypto';
import { TidewireError } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import type { Clock, GivenCredential, Timer } from '@tidewire/service-kit';
import { identify } from './access.ts';
import type { Admission } from './admission.ts';

export interface AdmissionCacheOptions<Given> {
  readonly admit: (given: Given) => Promise<Admission>;
  /** What two that are the same have in common. */
  readonly keyOf: (given: Given) => string;
  readonly view: () => RightsView;
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'setInterval'>;
}

/** A credential that was admitted, and whose reader is followed in the log for as long as this is kept. */
interface Known {
  readonly view: RightsView;
  readonly admission: Admission;
  users: number;
  /** Version of the credential when authz was asked. */
  readonly version: number | undefined;
  /** Monotonic milliseconds at which authz is asked again, which is also how it learns that the credential is used. */
  askAt: number;
  /** Not remembered any more: the last user gives it back. */
  forgotten: boolean;
  /** Monotonic milliseconds at which the last user left. */
  leftAt: number;
}

/** How long a credential that nobody uses is remembered: longer than a client takes from one poll to the next. */
const IDLE_MS = 10_000;
/** How long an answer of authz is used; the log ends it earlier when the credential ends. */
const ASK_AGAIN_MS = 60_000;
/** While authz does not answer, the log alone decides for so long. */
const RETRY_MS = 1_000;
/** Credentials that are remembered; others are asked about each time. */
const MOST_KNOWN = 10_000;

/**
 * Admits those who come again and again without asking authz each time. While a credential is remembered its reader is
 * held in the view, which the log keeps up to date: a revocation ends it here as it ends the streams that are open.
 */
export class AdmissionCache<Given> {
  readonly #options: AdmissionCacheOptions<Given>;
  readonly #known = new Map<string, Known>();
  readonly #sweep: Timer;

  constructor(options: AdmissionCacheOptions<Given>) {
    this.#options = options;
    this.#sweep = options.clock.setInterval(() => this.#forgetIdle(), IDLE_MS / 2);
  }

  /** Credentials that are remembered now. */
  get size(): number {
    return this.#known.size;
  }

  /** @throws TidewireError as asking authz does. */
  async admit(given: Given): Promise<Admission> {
    const key = this.#options.keyOf(given);
    const known = this.#find(key);
    if (known !== undefined && !this.#isDue(known)) return this.#share(known);
    try {
      const asked = await this.#ask(key, given);
      return 'reader' in asked ? asked : this.#share(asked);
    } catch (error) {
      if (known === undefined || !isUnavailable(error) || !this.#maySkip(known)) throw error;
      known.askAt = this.#options.clock.monotonic() + RETRY_MS;
      return this.#share(known);
    }
  }

  /** Whether authz has to be asked about what is remembered. */
  #isDue(known: Known): boolean {
    return this.#options.clock.monotonic() >= known.askAt || this.#hasOtherSecret(known);
  }

  /** Whether the log alone may decide: it tells the end of a credential, but not that of a secret. */
  #maySkip(known: Known): boolean {
    return !known.forgotten && this.#isAlive(known) && !this.#hasOtherSecret(known);
  }

  /** A session may have been given another secret with every change: which one counts only authz knows. */
  #hasOtherSecret({ view, admission: { reader }, version }: Known): boolean {
    const credential = reader.credentialId === null ? undefined : view.credential(reader.credentialId);
    return credential?.type === 'session' && credential.version !== version;
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

  async #ask(key: string, given: Given): Promise<Known | Admission> {
    const { admit, view, clock } = this.#options;
    const admission = await admit(given);
    const before = this.#known.get(key);
    if (before !== undefined) {
      // Several may have asked at once; the first one is remembered.
      if (!this.#isDue(before)) return admission;
      this.#forget(key);
    }
    if (this.#known.size >= MOST_KNOWN) return admission;
    const { credentialId } = admission.reader;
    const known: Known = {
      view: view(),
      admission,
      version: credentialId === null ? undefined : view().credential(credentialId)?.version,
      users: 0,
      askAt: clock.monotonic() + ASK_AGAIN_MS,
      forgotten: false,
      leftAt: clock.monotonic(),
    };
    this.#known.set(key, known);
    return known;
  }

  #isAlive({ view, admission }: Known): boolean {
    if (identify(view, admission.reader) === undefined) return false;
    const ends = [this.#expiryOf(view, admission), admission.secretEndsAt ?? null];
    return ends.every((endsAt) => endsAt === null || endsAt > this.#options.clock.now());
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

/** By hash, so that no secret is kept. */
export function credentialKey({ type, secret }: Pick<GivenCredential, 'type' | 'secret'>): string {
  return createHash('sha256')
    .update(JSON.stringify([type, secret]))
    .digest('base64');
}

function isUnavailable(error: unknown): boolean {
  return error instanceof TidewireError && error.code === 'SERVICE_UNAVAILABLE';
}
