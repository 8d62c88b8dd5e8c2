import { SIGNAL_SUBJECTS, pushCookieSchema } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import { admitPrincipal } from '@tidewire/rights';
import type { AdmissionOptions } from '@tidewire/rights';

export interface SelfTestOptions {
  readonly bus: MessageBus;
  readonly admissions: AdmissionOptions;
}

/** A number that goes round: whether notifiers hear each other, and authz answers. */
export class SelfTest {
  readonly #options: SelfTestOptions;
  #cookie = 0;
  #off = (): void => undefined;

  constructor(options: SelfTestOptions) {
    this.#options = options;
  }

  start(): void {
    this.#off = this.#options.bus.onSignal(SIGNAL_SUBJECTS.pushCookie, (payload) => {
      this.#cookie = pushCookieSchema.parse(payload).cookie;
    });
  }

  stop(): void {
    this.#off();
  }

  /** The one that this notifier heard last; 0 before the first. */
  get cookie(): number {
    return this.#cookie;
  }

  /** Tells every notifier, this one included. */
  tell(cookie: number): void {
    this.#options.bus.signal(SIGNAL_SUBJECTS.pushCookie, { cookie });
  }

  /** The same number, when authz knows who asks. @throws TidewireError SERVICE_UNAVAILABLE when it does not answer. */
  async askBack(principal: string): Promise<number> {
    const admission = await admitPrincipal(this.#options.admissions, { principal, credential: null });
    admission.release();
    return this.#cookie;
  }
}
