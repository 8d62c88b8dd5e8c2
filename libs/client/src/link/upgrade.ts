import type { Runtime } from '../runtime.ts';
import type { Handshake, Transport, TransportConnection } from '../transports/transport.ts';
import { CONNECT_MS } from './link-state.ts';
import type { LinkMachine } from './link-state.ts';

/** When the transports further up are tried first: what sent the link down may have been over soon. Milliseconds. */
const FIRST_MS = 5000;
/** How long it can get between two trials, each twice as long as the one before. */
const LONGEST_MS = 900_000;

interface UpgradeOptions {
  readonly url: string;
  readonly runtime: Runtime;
  readonly transports: readonly Transport[];
}

interface UpgradeSurroundings {
  token(): string | null;
  handshakes(): readonly Handshake[];
  /** A transport further up brought a message. */
  found(rung: number): void;
}

/** While the link is on a lower rung: tries, beside it, whether a better one works by now. */
export class Upgrade {
  readonly #options: UpgradeOptions;
  readonly #around: UpgradeSurroundings;
  #waitMs = FIRST_MS;
  #cancel: (() => void) | undefined;
  #rung = 0;

  constructor(options: UpgradeOptions, around: UpgradeSurroundings) {
    this.#options = options;
    this.#around = around;
  }

  /** Called after every step of the link. */
  follow({ phase, rung }: LinkMachine): void {
    const up = phase === 'live' || phase === 'silent';
    if (up && rung === this.#rung && this.#cancel !== undefined) return;
    if (rung === 0 && up) this.#waitMs = FIRST_MS;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#rung = rung;
    if (up && rung > 0) this.#wait();
  }

  #wait(): void {
    const { clock, random } = this.#options.runtime;
    this.#cancel = clock.setTimeout(() => this.#try(0), this.#waitMs * (0.75 + random() / 2));
  }

  #try(rung: number): void {
    const transport = rung < this.#rung ? this.#options.transports[rung] : undefined;
    if (transport === undefined) {
      this.#waitMs = Math.min(LONGEST_MS, this.#waitMs * 2);
      this.#wait();
      return;
    }
    this.#cancel = this.#attempt(transport, (works) => {
      if (!works) return this.#try(rung + 1);
      this.#waitMs = FIRST_MS;
      // In case the link is not where it could go up.
      this.#wait();
      this.#around.found(rung);
    });
  }

  /** One subscription is enough to see whether messages come. The answer gives it up. */
  #attempt(transport: Transport, done: (works: boolean) => void): () => void {
    const { url, runtime } = this.#options;
    let connection: TransportConnection | undefined;
    const end = (works: boolean): void => {
      giveUp();
      done(works);
    };
    const cancelDeadline = runtime.clock.setTimeout(() => end(false), CONNECT_MS);
    const giveUp = (): void => {
      cancelDeadline();
      connection?.close();
    };
    connection = transport.open(
      { url, token: this.#around.token(), subscriptions: () => this.#around.handshakes().slice(0, 1) },
      {
        opened: () => connection?.ping(),
        heard: () => undefined,
        message: () => end(true),
        ended: () => end(false),
      },
    );
    return giveUp;
  }
}
