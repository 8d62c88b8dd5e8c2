import { ClientError } from '../client-error.ts';
import type { Clock } from '../runtime.ts';

/** When a renewal is tried again that failed. Milliseconds; the server warns a minute before the end. */
const RETRY_MS = 10_000;

export interface CredentialOptions {
  readonly clock: Clock;
  /** Undefined: the browser's cookies say who asks. */
  readonly getToken: (() => string | null | Promise<string | null>) | undefined;
  /** Who it stands for. @throws ClientError */
  readonly identify: (token: string | null) => Promise<string>;
  /** Who it has to stand for; undefined: whoever the first one stands for. */
  readonly identity: string | undefined;
}

interface Answer {
  /** There is one. */
  got(): void;
  /** There is none at the moment. */
  failed(error: ClientError): void;
  /** There is no other than the one that does not count, or it is somebody else's. */
  none(error: ClientError | null): void;
}

/**
 * By what the client acts: asked of the app for each connection, and again before it ends. It is one person's for as long
 * as the client lives: what is shown was fetched for that person, and must not become another's.
 */
export class Credential {
  readonly #options: CredentialOptions;
  /** Which question is the last one: answers to others come too late. */
  #asked = 0;
  #cancelRetry: (() => void) | undefined;
  #token: string | null = null;
  #identity: string | undefined;
  /** The token that is known to be that person's. Cookies may be another's each time. */
  #identified: string | undefined;

  constructor(options: CredentialOptions) {
    this.#options = options;
    this.#identity = options.identity;
  }

  /** The last one that was got. */
  get token(): string | null {
    return this.#token;
  }

  /** `anew`: the one from before does not count. Calls back later, once, unless {@link forget} comes before. */
  ask(anew: boolean, answer: Answer): void {
    const number = ++this.#asked;
    const before = this.#token;
    void this.#get().then((token) => {
      if (number !== this.#asked) return;
      if (token instanceof ClientError) {
        if (token.transient) answer.failed(token);
        else answer.none(token);
      } else if (anew && token === before) answer.none(null);
      else {
        this.#token = token;
        answer.got();
      }
    });
  }

  /** Gets another one for a connection that is open, as long as it is: `use` is called with it, where there is one. */
  renew(use: (token: string | null) => void): void {
    if (this.#options.getToken === undefined) return;
    const number = ++this.#asked;
    void this.#get().then((token) => {
      if (number !== this.#asked) return;
      if (token instanceof ClientError) {
        this.#cancelRetry = this.#options.clock.setTimeout(() => this.renew(use), RETRY_MS);
        return;
      }
      this.#token = token;
      use(token);
    });
  }

  /** What is being asked for is not needed any more. */
  forget(): void {
    this.#asked += 1;
    this.#cancelRetry?.();
  }

  async #get(): Promise<string | null | ClientError> {
    const { getToken } = this.#options;
    let token: string | null;
    try {
      token = (await getToken?.()) ?? null;
    } catch (cause) {
      return new ClientError('TOKEN', 'getToken failed', { transient: true, cause });
    }
    try {
      await this.#identify(token);
      return token;
    } catch (error) {
      return error instanceof ClientError
        ? error
        : new ClientError('NETWORK', 'No answer came', { transient: true });
    }
  }

  async #identify(token: string | null): Promise<void> {
    if (token !== null && token === this.#identified) return;
    const identity = await this.#options.identify(token);
    this.#identity ??= identity;
    if (identity !== this.#identity) {
      const message = 'This is the credential of somebody else: make another client for them';
      throw new ClientError('PRINCIPAL_CHANGED', message);
    }
    this.#identified = token ?? undefined;
  }
}
