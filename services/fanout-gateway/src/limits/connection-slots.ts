import { TidewireError } from '@tidewire/contract';

/**
 * What the other gateways hold. `count` is how many connections of the principal live gateways have together, this
 * one's as last published included; a gateway that died does not count. Undefined: it cannot be known now.
 */
export interface ConnectionLeases {
  publish(principal: string, count: number): Promise<void>;
  count(principal: string): Promise<number | undefined>;
}

export interface SlotLimits {
  readonly perPrincipal: number;
  /** Anonymous connections cannot be told apart: they have one limit together, per process. */
  readonly anonymous: number;
  readonly perProcess: number;
}

/** Stands for everybody without a credential; no principal has this id. */
export const ANONYMOUS_PRINCIPAL = '';

/** One open connection's place; giving it back a second time does nothing. */
export interface Slot {
  release(): void;
}

/**
 * Counts the connections of each principal, over all gateways as far as the leases can be reached, otherwise over
 * this one: a limit that cannot be checked must not keep clients out that are only reconnecting.
 */
export class ConnectionSlots {
  readonly #limits: SlotLimits;
  readonly #leases: ConnectionLeases | undefined;
  readonly #own = new Map<string, number>();
  #total = 0;

  constructor(limits: SlotLimits, leases?: ConnectionLeases) {
    this.#limits = limits;
    this.#leases = leases;
  }

  /** Connections of this process. */
  get total(): number {
    return this.#total;
  }

  /** Connections of the principal on this process. */
  own(principal: string): number {
    return this.#own.get(principal) ?? 0;
  }

  /** Whether this process takes one more connection from anybody. */
  get full(): boolean {
    return this.#total >= this.#limits.perProcess;
  }

  /**
   * Takes a place. The own count is published before all are added up, so that of two gateways that take the last
   * place at once both may refuse, but never both accept.
   *
   * @throws TidewireError TOO_MANY_CONNECTIONS
   */
  async take(principal: string): Promise<Slot> {
    const anonymous = principal === ANONYMOUS_PRINCIPAL;
    const limit = anonymous ? this.#limits.anonymous : this.#limits.perPrincipal;
    if (this.own(principal) >= limit) throw tooMany(limit);
    const slot = this.#occupy(principal);
    if (this.#leases === undefined || anonymous) return slot;
    const everywhere = await this.#countEverywhere(this.#leases, principal);
    if (everywhere === undefined || everywhere <= limit) return slot;
    slot.release();
    throw tooMany(limit);
  }

  async #countEverywhere(leases: ConnectionLeases, principal: string): Promise<number | undefined> {
    try {
      await leases.publish(principal, this.own(principal));
      return await leases.count(principal);
    } catch {
      return undefined;
    }
  }

  #occupy(principal: string): Slot {
    this.#total += 1;
    this.#own.set(principal, this.own(principal) + 1);
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        this.#leave(principal);
      },
    };
  }

  #leave(principal: string): void {
    this.#total -= 1;
    const left = this.own(principal) - 1;
    if (left === 0) this.#own.delete(principal);
    else this.#own.set(principal, left);
    if (principal === ANONYMOUS_PRINCIPAL) return;
    // A lease that could not be lowered dies with its lifetime; until then it errs on the strict side.
    this.#leases?.publish(principal, left).catch(() => undefined);
  }
}

function tooMany(limit: number): TidewireError {
  return new TidewireError('TOO_MANY_CONNECTIONS', `At most ${limit} connections are open at once`, {
    retryAfterSeconds: 5,
  });
}
