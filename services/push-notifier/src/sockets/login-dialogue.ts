import { PUSH_LIMITS, PUSH_TEXTS, preAuthTokenSchema } from '@tidewire/contract';
import type { Admission } from '@tidewire/rights';
import { toTidewireError } from '@tidewire/service-kit';
import type { Clock, Logger, Timer } from '@tidewire/service-kit';

/** Who a client says it is. */
export interface Login {
  readonly user: string;
  readonly password: string;
  /** Whence it connects, for rate limits. */
  readonly address: string;
}

export interface LoginDialogueOptions {
  /** @throws TidewireError UNAUTHORIZED for credentials that are wrong, and for nothing else. */
  readonly authenticate: (login: Login) => Promise<Admission>;
  /** Whom a pre-auth token stands for; undefined when it is none, or not any more. */
  readonly redeem: (token: string) => Promise<Admission | undefined>;
  /**
   * Asked when all that is left is to let it in: false when its credential has ended while it was asked about.
   *
   * @throws TidewireError when nobody can say at the moment.
   */
  readonly mayOpen: (admission: Admission) => boolean;
  readonly clock: Pick<Clock, 'setTimeout'>;
  readonly logger: Logger;
}

/** What a dialogue does with its socket. */
export interface LoginPort {
  say(text: string): void;
  /** Without a code, as what its text explains. */
  close(code?: number): void;
  /** Whether this principal may have one more. */
  hasRoom(admission: Admission): boolean;
  /** Owns the admission from here on. */
  open(admission: Admission): void;
}

/** What clients are told of our troubles, behind the words that all of them begin with. */
const UNAVAILABLE = `${PUSH_TEXTS.unavailable}try again later`;
/** RFC 6455 7.4.1 */
export const POLICY_VIOLATION = 1008;

/**
 * Who is there: two text frames, a name and a password, or nothing and a pre-auth token. Clients do not wait for the answer
 * before they send more. What that is makes no difference, because nothing that they say later does, so that it is counted
 * and not kept.
 */
export class LoginDialogue {
  readonly #options: LoginDialogueOptions;
  readonly #port: LoginPort;
  readonly #address: string;
  readonly #timeout: Timer;
  /** An empty frame is one, too. */
  readonly #frames: string[] = [];
  #early = 0;
  #over = false;

  constructor(options: LoginDialogueOptions, port: LoginPort, address: string) {
    this.#options = options;
    this.#port = port;
    this.#address = address;
    this.#timeout = options.clock.setTimeout(
      () => this.#refuse(PUSH_TEXTS.timedOut),
      PUSH_LIMITS.authenticationMs,
    );
  }

  /** Takes a frame; undefined: a binary one. */
  receive(text: string | undefined): void {
    if (this.#over) return;
    if (this.#frames.length === 2) {
      this.#early += 1;
      if (this.#early > PUSH_LIMITS.earlyFrames && this.#end()) this.#port.close(POLICY_VIOLATION);
      return;
    }
    if (text === undefined) {
      this.#refuse(PUSH_TEXTS.invalidMessage);
      return;
    }
    this.#frames.push(text.trim());
    const [user, password] = this.#frames;
    if (user !== undefined && password !== undefined) void this.#ask(user, password);
  }

  /** The connection is over, or is being ended by somebody else. */
  ended(): void {
    this.#end();
  }

  async #ask(user: string, password: string): Promise<void> {
    let admission: Admission | undefined;
    let refusal: string | undefined;
    try {
      admission = await this.#find(user, password);
      const counts = admission !== undefined && !this.#over && this.#options.mayOpen(admission);
      if (!counts) refusal = PUSH_TEXTS.invalidCredentials;
    } catch (error) {
      refusal = this.#explain(error);
    }
    if (admission !== undefined && refusal === undefined) {
      this.#letIn(admission);
      return;
    }
    admission?.release();
    if (refusal !== undefined) this.#refuse(refusal);
  }

  /** A token counts whatever name it comes with; it may be a password all the same. */
  async #find(user: string, password: string): Promise<Admission | undefined> {
    const { redeem, authenticate } = this.#options;
    const isToken = preAuthTokenSchema.safeParse(password).success;
    const redeemed = isToken ? await redeem(password) : undefined;
    if (redeemed !== undefined || user === '' || this.#over) return redeemed;
    return await authenticate({ user, password, address: this.#address });
  }

  #letIn(admission: Admission): void {
    this.#end();
    this.#port.say(PUSH_TEXTS.authenticated);
    if (this.#port.hasRoom(admission)) {
      this.#port.open(admission);
      return;
    }
    admission.release();
    this.#port.say(PUSH_TEXTS.tooMany);
    this.#port.close();
  }

  /** Clients that are told that their credentials are wrong give up on them: never said because of us. */
  #explain(thrown: unknown): string {
    const { code, status } = toTidewireError(thrown);
    if (code === 'UNAUTHORIZED') return PUSH_TEXTS.invalidCredentials;
    if (status >= 500 && code !== 'SERVICE_UNAVAILABLE') {
      this.#options.logger.error('login of a socket failed', { error: thrown });
    }
    return UNAVAILABLE;
  }

  #refuse(text: string): void {
    if (!this.#end()) return;
    this.#port.say(text);
    this.#port.close();
  }

  /** False when it was over already. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#timeout.cancel();
    return true;
  }
}
