import { TidewireError } from '@tidewire/contract';
import type { Leases } from '@tidewire/messaging';

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
  /**
   * Counts it over all gateways from here on.
   *
   * @throws TidewireError TOO_MANY_CONNECTIONS; the place is given back then.
   */
  share(): Promise<void>;
  release(): void;
}

/** The part of {@link Leases} that is used here. */
export type ConnectionLeases = Pick<Leases, 'acquire' | 'release'>;

/**
 * Counts the connections of each principal: over all gateways where there are leases, otherwise over this one. A limit
 * that cannot be checked must not keep clients out that are only reconnecting.
 */
export class ConnectionSlots {
  readonly #limits: SlotLimits;
  readonly #leases: () => ConnectionLeases | undefined;
  readonly #own = new Map<string, number>();
  #total = 0;

  constructor(limits: SlotLimits, leases: () => ConnectionLeases | undefined = () => undefined) {
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

  /** Whether this process takes no more connections from anybody. */
  get full(): boolean {
    return this.#total >= this.#limits.perProcess;
  }

  /**
   * A place that counts over all gateways.
   *
   * @throws TidewireError TOO_MANY_CONNECTIONS
   */
  async take(principal: string): Promise<Slot> {
    const slot = this.takeHere(principal);
    try {
      await slot.share();
    } catch (error) {
      slot.release();
      throw error;
    }
    return slot;
  }

  /**
   * A place that counts on this process alone until it is shared: for what may be over sooner than others could be told.
   *
   * @throws TidewireError TOO_MANY_CONNECTIONS
   */
  takeHere(principal: string): Slot {
    const anonymous = principal === ANONYMOUS_PRINCIPAL;
    const limit = anonymous ? this.#limits.anonymous : this.#limits.perPrincipal;
    if (this.own(principal) >= limit) throw tooMany(limit);
    // Counted before anything is awaited, so that requests which arrive together do not all see the last place.
    this.#total += 1;
    this.#own.set(principal, this.own(principal) + 1);
    const leases = anonymous ? undefined : this.#leases();
    let held = true;
    let shared = false;
    return {
      share: async () => {
        if (leases === undefined || shared || !held) return;
        const granted = await leases.acquire(principal, limit);
        if (granted && held) shared = true;
        else if (granted) leases.release(principal);
        else if (held) {
          held = false;
          this.#leave(principal);
          throw tooMany(limit);
        }
      },
      release: () => {
        if (!held) return;
        held = false;
        this.#leave(principal);
        if (shared) leases?.release(principal);
      },
    };
  }

  #leave(principal: string): void {
    this.#total -= 1;
    const left = this.own(principal) - 1;
    if (left === 0) this.#own.delete(principal);
    else this.#own.set(principal, left);
  }
}

function tooMany(limit: number): TidewireError {
  return new TidewireError('TOO_MANY_CONNECTIONS', `At most ${limit} connections are open at once`, {
    retryAfterSeconds: 5,
  });
}
